// Histories of more than one part (forward/attend_history.h), which nobody has to compute first.
#include <algorithm>
#include <cstring>

#include "cache/fill_random.h"
#include "forward/attend_history.h"
#include "forward/rig.h"
#include "model/random_model.h"
#include "support/slow_build.h"

using namespace sluice_test;

namespace {

struct Cut {
    std::uint32_t n_threads;
    std::size_t chunk;
    std::size_t max_tokens;  // of the pass: with few there is no room to share a history
};

std::vector<float> logits_behind(std::uint64_t depth, const Cut& cut, KvType type,
                                 const std::shared_ptr<const Source>& bytes, std::span<const TokenId> ids) {
    Rig rig(bytes,
            {.quantises = true, .kv_type = type, .n_threads = cut.n_threads, .max_tokens = cut.max_tokens});
    KvCache cache = rig.cache(static_cast<std::size_t>(depth) + ids.size());
    REQUIRE(fill_random(cache, rig.model->config(), depth, 3));
    std::vector<float> all;
    for (std::size_t at = 0; at < ids.size(); at += cut.chunk) {
        const auto rows =
            rig.run(ids.subspan(at, std::min(cut.chunk, ids.size() - at)), cache, LogitRows::kAll);
        all.insert(all.end(), rows.begin(), rows.end());
    }
    return all;
}

}  // namespace

TEST_CASE("forward: over a history of several parts chunks and threads change no bit") {
    const auto bytes = random_model_bytes("moe", 5);
    REQUIRE(bytes);
    const auto source = Source::from_memory(*bytes);
    std::vector<TokenId> ids;
    for (TokenId id = 0; id < 20; ++id) ids.push_back(20 + id * 11 % 230);
    // The last one crosses a border with its tokens; all are shared where two or more threads find room.
    for (const std::uint64_t depth : {kHistoryPart + 700, kHistoryPart, kHistoryPart - 9}) {
        for (const KvType type : {KvType::kF16, KvType::kQ8_0, KvType::kQ4_0}) {
            if (kIsSlowBuild && type == KvType::kQ4_0) continue;
            const auto whole = logits_behind(depth, {1, 20, 512}, type, source, ids);
            for (const Cut& cut : {Cut{2, 1, 512}, Cut{3, 1, 512}, Cut{2, 16, 512}, Cut{2, 1, 1},
                                   Cut{4, 7, 512}, Cut{2, 20, 20}}) {
                if (kIsSlowBuild && (cut.chunk == 1 || cut.n_threads == 4)) continue;
                INFO("after " << depth << " tokens, type " << static_cast<int>(type) << ", " << cut.n_threads
                              << " threads, chunks of " << cut.chunk << " of " << cut.max_tokens);
                const auto logits = logits_behind(depth, cut, type, source, ids);
                CHECK(std::memcmp(logits.data(), whole.data(), whole.size() * sizeof(float)) == 0);
            }
        }
    }
}

TEST_CASE("attend history: parts together are the attention over all positions") {
    const auto bytes = random_model_bytes("moe", 5);
    REQUIRE(bytes);
    Rig rig(Source::from_memory(*bytes), {.kv_type = KvType::kF32});
    const Config& config = rig.model->config();
    const std::size_t n_positions = kHistoryPart + 100;
    KvCache cache = rig.cache(n_positions);
    REQUIRE(fill_random(cache, config, n_positions, 9));
    const std::size_t head_size = config.head_size;
    const std::size_t group = config.n_heads / config.n_kv_heads;
    const std::size_t count = 3;
    std::vector<float> queries(count * group * head_size);
    for (std::size_t i = 0; i < queries.size(); ++i)
        queries[i] = 0.01F * static_cast<float>(i * 37 % 101) - 0.5F;
    std::vector<float> out(queries.size());
    std::vector<float> scratch(attention_scratch_size(config));
    const TokenHeads heads = {.kernels = *rig.kernels,
                              .cache = cache,
                              .cache_layer = 1,
                              .kv_head = 1,
                              .begin = n_positions - count,
                              .count = count,
                              .group = group,
                              .head_size = head_size,
                              .queries = {.floats = queries.data()},
                              .query_stride = group * head_size,
                              .out = out.data(),
                              .out_stride = group * head_size};
    REQUIRE(heads.n_parts() == 2);
    attend_history(heads, scratch.data());

    std::vector<float> keys(n_positions * head_size);
    std::vector<float> values(n_positions * head_size);
    cache.read_keys(1, 1, 0, n_positions, keys.data());
    cache.read_values(1, 1, 0, n_positions, values.data());
    double furthest = 0.0;
    for (std::size_t i = 0; i < count * group; ++i) {
        const std::size_t seen = n_positions - count + i / group + 1;
        std::vector<double> weights(seen);
        double sum = 0.0;
        for (std::size_t p = 0; p < seen; ++p) {
            double score = 0.0;
            for (std::size_t d = 0; d < head_size; ++d) {
                score += static_cast<double>(queries[i * head_size + d]) *
                         static_cast<double>(keys[p * head_size + d]);
            }
            sum += weights[p] = std::exp(score / std::sqrt(static_cast<double>(head_size)));
        }
        for (std::size_t d = 0; d < head_size; ++d) {
            double expected = 0.0;
            for (std::size_t p = 0; p < seen; ++p) {
                expected += weights[p] / sum * static_cast<double>(values[p * head_size + d]);
            }
            furthest = std::max(furthest, std::fabs(static_cast<double>(out[i * head_size + d]) - expected));
        }
    }
    // Thousands of positions, numbers below 2: some n_positions roundings of parts of them would be 2e-4.
    CHECK(furthest < 1e-5);
}

TEST_CASE("fill random: a cache has another history for another seed, and refuses what it has no room for") {
    const auto bytes = random_model_bytes("moe", 5);
    REQUIRE(bytes);
    Rig rig(Source::from_memory(*bytes), {.kv_type = KvType::kF16});
    const Config& config = rig.model->config();
    const auto keys_of = [&](std::uint64_t seed) {
        KvCache cache = rig.cache(40);
        REQUIRE(fill_random(cache, config, 30, seed));
        CHECK(cache.position() == 30);
        CHECK(fill_random(cache, config, 11, seed).error().status == SLUICE_E_CONTEXT_FULL);
        CHECK(cache.position() == 30);
        std::vector<float> keys(30 * config.head_size);
        cache.read_keys(0, 0, 0, 30, keys.data());
        return keys;
    };
    CHECK(keys_of(1) == keys_of(1));
    CHECK(keys_of(1) != keys_of(2));
    const auto keys = keys_of(1);
    double squares = 0.0;
    for (const float x : keys) squares += static_cast<double>(x) * static_cast<double>(x);
    // 1,920 even numbers of variance 1 have a mean square within 0.1 of it, but for one in 10^6.
    CHECK(std::fabs(squares / static_cast<double>(keys.size()) - 1.0) < 0.1);
}
