// Attention of the scalar table, block by block, against its definition in double precision.
#include <cstring>
#include <string>

#include "base/result.h"
#include "kernels/attention_data.h"
#include "kernels/select.h"
#include "support/catch.h"
#include "support/slow_build.h"

using namespace sluice;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kHeadSizes[] = {8, 16, 48, 64, 128};

const Kernels& scalar() {
    return **select_kernels("scalar");
}

using Counts = std::vector<std::size_t>;
const std::vector<Counts>& histories() {
    static const std::vector<Counts> all = {{1},        {15},       {16},        {17},           {255},
                                            {256},      {256, 1},   {256, 256},  {256, 256, 17}, {17, 1, 255},
                                            {1, 16, 3}, {256, 255}, {2, 2, 2, 2}};
    return all;
}

std::string describe(const Counts& counts) {
    std::string text;
    for (const std::size_t count : counts) text += std::to_string(count) + " ";
    return text;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void check_by_definition(const AttentionHistory& history, const std::vector<float>& queries,
                         std::size_t n_heads, float scale) {
    const Attended attended = attend(scalar(), history, queries, n_heads, scale);
    for (std::size_t head = 0; head < n_heads; ++head) {
        const std::size_t size = history.head_size();
        const ExactAttention exact = exact_attention(history, queries.data() + head * size, scale);
        double furthest = 0.0;  // of its bound
        for (std::size_t d = 0; d < size; ++d) {
            const double distance = std::fabs(static_cast<double>(attended.out(head, d)) - exact.out[d]);
            if (!(distance / exact.bound[d] <= furthest)) furthest = distance / exact.bound[d];
        }
        INFO("head " << head << " of size " << size);
        CHECK(furthest <= 1.0);
    }
}

}  // namespace

TEST_CASE("attend: errs by no more than its roundings allow, over any history in blocks") {
    std::mt19937 random(1);
    for (const std::size_t head_size : kHeadSizes) {
        if (kIsSlowBuild && head_size == 48) continue;
        for (const Counts& counts : histories()) {
            for (const StoredTypes types : types_for(head_size)) {
                if (types.key != types.value && counts.size() == 1) continue;
                const AttentionHistory history(head_size, types.key, types.value, counts, random);
                const auto queries = random_queries(2 * head_size, random);
                INFO(info_of(types.key).name << " and " << info_of(types.value).name << " in blocks of "
                                             << describe(counts));
                check_by_definition(history, queries, 2, 1.0F / std::sqrt(static_cast<float>(head_size)));
            }
        }
    }
}

TEST_CASE("attend: errs by no more than its roundings allow, for any number of heads") {
    std::mt19937 random(2);
    for (std::size_t n_heads = 1; n_heads <= 9; ++n_heads) {
        const AttentionHistory history(64, TensorType::kF16, TensorType::kF16, {256, 40}, random);
        check_by_definition(history, random_queries(n_heads * 64, random), n_heads, 0.125F);
    }
}

TEST_CASE("attend: errs by no more than its roundings allow where scores are far apart") {
    std::mt19937 random(3);
    for (const float key_size : {5.0F, 20.0F, 50.0F}) {
        const AttentionHistory history(16, TensorType::kF32, TensorType::kF32, {256, 30, 256}, random,
                                       key_size);
        check_by_definition(history, random_queries(4 * 16, random), 4, 0.25F);
    }
}

TEST_CASE("attend: over one position it is that value, exactly") {
    std::mt19937 random(4);
    const AttentionHistory history(8, TensorType::kF32, TensorType::kF32, {1}, random);
    const Attended attended = attend(scalar(), history, random_queries(8, random), 1, 0.3F);
    CHECK(attended.states[0].sum == 1.0F);
    for (std::size_t d = 0; d < 8; ++d) CHECK(attended.out(0, d) == history.value(0, 0, d));
}

TEST_CASE("attend: equal scores share equally") {
    std::mt19937 random(5);
    AttentionHistory history(8, TensorType::kF32, TensorType::kF32, {256, 256}, random);
    for (std::size_t b = 0; b < 2; ++b) {
        for (std::size_t p = 0; p < 256; ++p) {
            for (std::size_t d = 0; d < 8; ++d) {
                history.set_key(b, p, d, 1.0F);
                history.set_value(b, p, d, static_cast<float>(256 * b + p));
            }
        }
    }
    const Attended attended = attend(scalar(), history, std::vector<float>(8, 0.5F), 1, 1.0F);
    CHECK(attended.states[0].largest == 4.0F);
    CHECK(attended.states[0].sum == 512.0F);
    for (std::size_t d = 0; d < 8; ++d) CHECK(attended.out(0, d) == 255.5F);
}

TEST_CASE("attend: what stands behind the last position does not matter") {
    std::mt19937 random(6);
    for (const std::size_t count : {1u, 7u, 15u, 17u, 255u}) {
        for (const TensorType type : kTypes) {
            AttentionHistory history(32, type, type, {256, count}, random);  // NaN behind it
            const auto queries = random_queries(3 * 32, random);
            const Attended before = attend(scalar(), history, queries, 3, 0.25F);
            for (const float stale : {0.0F, 60000.0F, -kInfinity, kInfinity}) {
                history.fill_unused(stale);
                CHECK(same_bits(attend(scalar(), history, queries, 3, 0.25F).sums, before.sums));
            }
            for (const float x : before.sums) CHECK(std::isfinite(x));
        }
    }
}

TEST_CASE("attend: heads computed together are those computed alone, bit by bit") {
    std::mt19937 random(7);
    for (const std::size_t head_size : kHeadSizes) {
        const StoredTypes types = types_for(head_size).back();
        const AttentionHistory history(head_size, types.key, types.value, {256, 100}, random);
        const auto queries = random_queries(9 * head_size, random);
        const Attended together = attend(scalar(), history, queries, 9, 0.2F);
        for (std::size_t head = 0; head < 9; ++head) {
            const auto at = static_cast<std::ptrdiff_t>(head * head_size);
            const auto size = static_cast<std::ptrdiff_t>(head_size);
            const std::vector<float> query(queries.begin() + at, queries.begin() + at + size);
            const Attended alone = attend(scalar(), history, query, 1, 0.2F);
            INFO("head " << head << " of size " << head_size);
            CHECK(same_bits(alone.sums, {together.sums.begin() + at, together.sums.begin() + at + size}));
            CHECK(alone.states[0].sum == together.states[head].sum);
            CHECK(alone.states[0].largest == together.states[head].largest);
        }
    }
}

TEST_CASE("attend: a NaN or an infinity in a key, a value or a query comes out of every head that meets it") {
    std::mt19937 random(8);
    for (const float wrong : {kNaN, kInfinity, -kInfinity}) {
        for (const std::size_t p : {0u, 5u, 16u, 39u}) {
            for (const std::size_t block : {0u, 1u}) {
                AttentionHistory history(8, TensorType::kF32, TensorType::kF16, {256, 40}, random);
                const auto queries = random_queries(2 * 8, random);
                history.set_value(block, p, 3, wrong);
                Attended attended = attend(scalar(), history, queries, 2, 0.3F);
                for (std::size_t head = 0; head < 2; ++head) {
                    for (std::size_t d = 0; d < 8; ++d) CHECK(std::isfinite(attended.out(head, d)) == (d != 3));
                }
            }
        }
    }
    for (const std::size_t p : {0u, 5u, 16u, 39u}) {
        for (const std::size_t block : {0u, 1u}) {
            AttentionHistory history(8, TensorType::kF32, TensorType::kF32, {256, 40}, random);
            history.set_key(block, p, 6, kNaN);
            const Attended attended = attend(scalar(), history, random_queries(2 * 8, random), 2, 0.3F);
            for (std::size_t d = 0; d < 8; ++d) CHECK(std::isnan(attended.out(0, d)));
            for (std::size_t d = 0; d < 8; ++d) CHECK(std::isnan(attended.out(1, d)));
        }
    }
    const AttentionHistory history(8, TensorType::kF32, TensorType::kF32, {256, 40}, random);
    auto queries = random_queries(2 * 8, random);
    queries[3] = kNaN;
    const Attended attended = attend(scalar(), history, queries, 2, 0.3F);
    CHECK(std::isnan(attended.out(0, 0)));
    CHECK(std::isfinite(attended.out(1, 0)));
}

TEST_CASE("attend: an infinite score, or minus infinity everywhere, is a NaN and no wait") {
    std::mt19937 random(9);
    for (const float sign : {1.0F, -1.0F}) {
        AttentionHistory history(8, TensorType::kF32, TensorType::kF32, {20}, random);
        for (std::size_t p = 0; p < 20; ++p) history.set_key(0, p, 0, sign * kInfinity);
        const Attended attended = attend(scalar(), history, std::vector<float>(8, 1.0F), 1, 1.0F);
        CHECK(std::isnan(attended.out(0, 0)));
        CHECK(std::isnan(attended.states[0].sum));
    }
    AttentionHistory history(8, TensorType::kF32, TensorType::kF32, {256, 20}, random);
    history.set_key(1, 7, 0, kInfinity);
    CHECK(std::isnan(attend(scalar(), history, std::vector<float>(8, 1.0F), 1, 1.0F).out(0, 0)));
    // One of minus infinity among others has no weight.
    history.set_key(1, 7, 0, -kInfinity);
    CHECK(std::isfinite(attend(scalar(), history, std::vector<float>(8, 1.0F), 1, 1.0F).out(0, 0)));
}

TEST_CASE("attend: huge scores do not overflow, the largest takes all") {
    std::mt19937 random(10);
    for (const float size : {1e10F, 1e30F, -1e30F}) {
        AttentionHistory history(8, TensorType::kF32, TensorType::kF32, {256, 256, 100}, random, 1e-3F);
        for (std::size_t d = 0; d < 8; ++d) history.set_key(1, 77, d, 1.0F);
        const Attended attended = attend(scalar(), history, std::vector<float>(8, size), 1, 0.3F);
        for (std::size_t d = 0; d < 8; ++d) {
            INFO("size " << size);
            CHECK(std::isfinite(attended.out(0, d)));
            if (size > 0.0F) CHECK(attended.out(0, d) == history.value(1, 77, d));
        }
    }
}

TEST_CASE("attend: the extremes of small integers add up exactly") {
    std::mt19937 random(11);
    for (const TensorType type : {TensorType::kQ8_0, TensorType::kQ4_0}) {
        for (const unsigned byte : {0x80u, 0x7Fu, 0x00u, 0xFFu}) {
            AttentionHistory history(32, type, type, {20}, random, 1e-3F);
            history.fill_keys(static_cast<std::uint8_t>(byte));
            check_by_definition(history, std::vector<float>(32, 1.0F), 1, 0.3F);
            check_by_definition(history, std::vector<float>(32, -1.0F), 1, 0.3F);
        }
    }
}

TEST_CASE("attend: a scale that is no number comes out of every head that meets it") {
    std::mt19937 random(12);
    for (const float wrong : {kNaN, kInfinity, -kInfinity}) {
        for (const TensorType type : {TensorType::kQ8_0, TensorType::kQ4_0}) {
            for (const std::size_t p : {0u, 5u, 39u}) {
                AttentionHistory history(64, type, type, {256, 40}, random);
                history.set_value_scale(1, p, wrong);
                Attended attended = attend(scalar(), history, random_queries(2 * 64, random), 2, 0.125F);
                for (std::size_t head = 0; head < 2; ++head) {
                    for (std::size_t d = 0; d < 64; ++d)
                        CHECK(std::isfinite(attended.out(head, d)) == (d >= 32));
                }
                history.set_key_scale(1, p, kNaN);
                attended = attend(scalar(), history, random_queries(2 * 64, random), 2, 0.125F);
                for (std::size_t head = 0; head < 2; ++head) {
                    for (std::size_t d = 0; d < 64; ++d) CHECK(std::isnan(attended.out(head, d)));
                }
            }
        }
    }
}
