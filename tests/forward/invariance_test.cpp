// What must not change a bit of a result: how a prompt is cut into chunks, and how many threads compute it.
#include <algorithm>
#include <cstring>

#include "forward/oracle.h"
#include "forward/rig.h"
#include "model/random_model.h"

using namespace sluice_test;

namespace {

std::vector<float> run_in_chunks(Rig& rig, std::span<const TokenId> ids, std::size_t chunk,
                                 TokenRole role = TokenRole::kPrompt) {
    KvCache cache = rig.cache(ids.size());
    std::vector<float> all;
    for (std::size_t at = 0; at < ids.size(); at += chunk) {
        const auto rows =
            rig.run(ids.subspan(at, std::min(chunk, ids.size() - at)), cache, LogitRows::kAll, nullptr, role);
        all.insert(all.end(), rows.begin(), rows.end());
    }
    return all;
}

// `given` is a path or a source of bytes.
template <class Given>
void check_invariance(const std::string& what, const Given& given, std::vector<TokenId> ids,
                      RigOptions options) {
    if (kIsSlowBuild) ids.resize(std::min<std::size_t>(ids.size(), 70));  // still more than the longest chunk
    std::vector<float> first;
    for (const std::uint32_t n_threads : {1u, 2u, 3u, 4u}) {
        if (kIsSlowBuild && n_threads > 2) continue;
        options.n_threads = n_threads;
        Rig rig(given, options);
        for (const std::size_t chunk : {std::size_t{512}, std::size_t{1}, std::size_t{2}, std::size_t{3},
                                        std::size_t{7}, std::size_t{64}}) {
            if (n_threads > 2 && chunk > 1 && chunk < 64) continue;
            if (kIsSlowBuild && chunk != 512 && chunk != 2 && chunk != 64) continue;
            const auto logits = run_in_chunks(rig, ids, chunk);
            if (first.empty()) first = logits;
            INFO(what << " in chunks of " << chunk << " with " << n_threads << " threads");
            CHECK(std::memcmp(logits.data(), first.data(), first.size() * sizeof(float)) == 0);
        }
    }
}

void check_oracle_files(std::initializer_list<const char*> files, const RigOptions& options) {
    const std::string oracle = oracle_folder();
    if (oracle.empty()) return;
    for (const std::string file : files) {
        const std::string folder = oracle + file.substr(0, file.find('/', 1));
        check_invariance(file, oracle + file, oracle_cases(folder)[7].ids, options);
        if (kIsSlowBuild) break;
    }
}

std::vector<TokenId> some_ids(std::size_t count) {
    std::vector<TokenId> ids;
    for (std::size_t i = 0; i < count; ++i) ids.push_back(static_cast<TokenId>(20 + (i * i + 29 * i) % 240));
    return ids;
}

void check_random_model(const char* kind, const RigOptions& options) {
    const auto bytes = random_model_bytes(kind, 5);
    REQUIRE(bytes);
    // More than one block of attention, where the model's context has room for it.
    const std::size_t n_ids = kind == std::string("tiny") ? 100 : 280;
    check_invariance(kind, Source::from_memory(*bytes), some_ids(n_ids), options);
}

}  // namespace

TEST_CASE(
    "forward: with unrounded activations chunks of any length and any number of threads give the same bits") {
    check_oracle_files({"/moe/model-Q4_K_M.gguf", "/moe", "/dense/model-Q8_0.gguf"}, {});
}

TEST_CASE(
    "forward: with rounded activations chunks of any length and any number of threads give the same bits") {
    check_oracle_files({"/moe/model-Q4_0.gguf", "/moe/model-Q4_K_M.gguf", "/moe/model-Q8_0.gguf"},
                       {.quantises = true, .kv_type = KvType::kF16});
}

TEST_CASE("forward: of random models too chunks of any length and any number of threads give the same bits") {
    for (const bool quantises : {true, false}) {
        for (const char* kind : {"moe", "dense", "tiny"}) {
            if (kIsSlowBuild && kind[0] == 'd') continue;
            check_random_model(kind, {.quantises = quantises, .kv_type = KvType::kF16});
        }
    }
}

TEST_CASE("forward: with caches of blocks chunks of any length and any number of threads give the same bits") {
    for (const KvType type : {KvType::kQ8_0, KvType::kQ4_0}) {
        check_random_model("moe", {.quantises = true, .kv_type = type});
    }
    if (!kIsSlowBuild) check_oracle_files({"/dense/model-Q8_0.gguf"}, {.kv_type = KvType::kQ8_0});
}

TEST_CASE(
    "forward: generated tokens give the same bits one by one and several at once, in every role's own sums") {
    for (const bool quantises : {true, false}) {
        const auto bytes = random_model_bytes("moe", 6);
        REQUIRE(bytes);
        Rig rig(Source::from_memory(*bytes), {.quantises = quantises});
        const auto ids = some_ids(kIsSlowBuild ? 20 : 70);
        const auto one_by_one = run_in_chunks(rig, ids, 1, TokenRole::kGenerated);
        for (const std::size_t chunk : {5u, 33u, 70u}) {
            INFO("in chunks of " << chunk << (quantises ? ", rounded" : ", floats"));
            const auto together = run_in_chunks(rig, ids, chunk, TokenRole::kGenerated);
            CHECK(std::memcmp(together.data(), one_by_one.data(), one_by_one.size() * sizeof(float)) == 0);
        }
    }
}

TEST_CASE(
    "forward: with rounded activations every table of kernels gives the bits of integers that scalar does") {
    // Attention may fuse products, so the tables are compared over a model's first token: its history is
    // itself.
    const auto bytes = random_model_bytes("moe", 5);
    REQUIRE(bytes);
    const std::string names = kernel_names();
    std::vector<std::vector<float>> results;
    for (std::size_t at = 0; at < names.size();) {
        const std::size_t end = std::min(names.find(", ", at), names.size());
        const std::string name = names.substr(at, end - at);
        Rig rig(Source::from_memory(*bytes), {.kernels = name.c_str(), .quantises = true});
        KvCache cache = rig.cache(1);
        const TokenId id = 77;
        // As a generated one: oneDNN's sums are of prompts only.
        results.push_back(rig.run({&id, 1}, cache, LogitRows::kAll, nullptr, TokenRole::kGenerated));
        INFO(name);
        CHECK(std::memcmp(results.back().data(), results[0].data(), results[0].size() * sizeof(float)) == 0);
        at = end + 2;
    }
}
