// The float kernels of every table that runs here, against the scalar ones: the same bits, but for attend,
// which may fuse a product with its sum.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/attention_data.h"
#include "kernels/exponential.h"
#include "kernels/quantised_data.h"
#include "kernels/select.h"
#include "support/catch.h"
#include "support/slow_build.h"

using namespace sluice;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kUntouched = -12345.0F;
constexpr std::size_t kSizes[] = {1, 2, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 101, 256, 1792, 2049};

const Kernels& scalar() {
    return **select_kernels("scalar");
}

std::vector<const Kernels*> tables() {
    std::vector<const Kernels*> found;
    const std::string names = kernel_names();
    for (std::size_t at = 0; at < names.size();) {
        const std::size_t end = std::min(names.find(", ", at), names.size());
        const std::string name = names.substr(at, end - at);
        if (name != "scalar") found.push_back(*select_kernels(name));
        at = end + 2;
    }
    if (found.empty()) WARN("skipped: this processor runs no table but scalar");
    return found;
}

// NaNs are alike: which one an operation gives is the processor's choice.
bool same(float a, float b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) ||
           (std::isnan(a) && std::isnan(b));
}

bool same(const std::vector<float>& a, const std::vector<float>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) { return same(x, y); });
}

std::vector<float> random_floats(std::size_t count, std::mt19937& random, float size = 1.0F) {
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& value : values) value = size * normal(random);
    return values;
}

// Numbers of every size, and those that are none.
std::vector<float> wild_floats(std::size_t count, std::mt19937& random) {
    std::vector<float> values(count);
    for (float& value : values) value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    return values;
}

// A matrix of a type without blocks, of normal numbers.
StoredMatrix matrix_of_floats(TensorType type, std::size_t n_rows, std::size_t n_columns,
                              std::size_t misalignment, std::mt19937& random) {
    std::normal_distribution<float> normal;
    StoredMatrix stored;
    const std::size_t size = info_of(type).block_size;
    stored.bytes.resize(misalignment + n_rows * n_columns * size);
    for (std::size_t i = 0; i < n_rows * n_columns; ++i) {
        const float x = normal(random);
        const std::uint16_t half = type == TensorType::kF16 ? float_to_half(x) : float_to_bfloat(x);
        std::byte* at = stored.bytes.data() + misalignment + i * size;
        if (type == TensorType::kF32) {
            std::memcpy(at, &x, sizeof x);
        } else {
            std::memcpy(at, &half, sizeof half);
        }
    }
    stored.matrix = {type, n_rows, n_columns, stored.bytes.data() + misalignment};
    return stored;
}

StoredMatrix any_matrix(TensorType type, std::size_t n_rows, std::size_t n_columns, std::size_t misalignment,
                        std::mt19937& random) {
    return info_of(type).block_count == 1 ? matrix_of_floats(type, n_rows, n_columns, misalignment, random)
                                          : random_matrix(type, n_rows, n_columns, misalignment, random);
}

std::vector<float> products(const Kernels& table, const Matrix& w, std::size_t first_row, std::size_t last_row,
                            const Vectors& x, std::size_t out_stride) {
    std::vector<float> scratch(w.columns, kNaN);
    std::vector<float> out((x.count + 2) * out_stride, kUntouched);
    table.multiply(w, first_row, last_row, x, out.data() + out_stride, out_stride, scratch.data());
    return out;
}

void check_products(const Kernels& table, const Matrix& w, std::size_t first_row, std::size_t last_row,
                    const Vectors& x) {
    const std::size_t out_stride = w.rows + 3;
    INFO(table.name << " " << info_of(w.type).name << " columns " << w.columns << " vectors " << x.count
                    << " rows " << first_row << " to " << last_row << (x.rows == nullptr ? "" : ", gathered"));
    CHECK(same(products(table, w, first_row, last_row, x, out_stride),
               products(scalar(), w, first_row, last_row, x, out_stride)));
}

using OneVector = void (*)(const Kernels&, std::vector<float>&, const std::vector<float>&);

// Runs a kernel over vectors of every size and of tame and wild numbers, with a place behind that it may not
// touch.
void check_over_vectors(const char* what, OneVector run) {
    std::mt19937 random(1);
    for (const Kernels* table : tables()) {
        for (const std::size_t n : kSizes) {
            for (int round = 0; round < 4; ++round) {
                const bool is_wild = round == 3;
                auto x = is_wild ? wild_floats(n, random) : random_floats(n, random, round == 2 ? 40.0F : 1.0F);
                const auto y = is_wild ? wild_floats(n, random) : random_floats(n, random);
                x.push_back(kUntouched);
                auto expected = x;
                run(scalar(), expected, y);
                run(*table, x, y);
                INFO(what << " of " << table->name << " over " << n
                          << (is_wild ? " wild numbers" : " numbers"));
                CHECK(x.back() == kUntouched);
                CHECK(same(x, expected));
            }
        }
    }
}

}  // namespace

TEST_CASE("float tables: every float16 and bfloat16 is the float that scalar decodes") {
    std::vector<std::uint16_t> bits(65536);
    for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<std::uint16_t>(i);
    for (const Kernels* table : tables()) {
        for (const TensorType type : {TensorType::kF16, TensorType::kBF16}) {
            for (const std::size_t count : {bits.size(), std::size_t{64}, std::size_t{31}, std::size_t{1}}) {
                const auto* row = reinterpret_cast<const std::byte*>(bits.data() + bits.size() - count);
                std::vector<float> expected(count + 1, kUntouched);
                std::vector<float> got(count + 1, kUntouched);
                scalar().decode(type, row, count, expected.data());
                table->decode(type, row, count, got.data());
                INFO(table->name << " " << info_of(type).name << " " << count);
                CHECK(same(expected, got));
            }
        }
    }
}

TEST_CASE("float tables: dot gives the bits of scalar, for vectors of any length at any place") {
    std::mt19937 random(2);
    for (const Kernels* table : tables()) {
        for (const std::size_t n : kSizes) {
            for (std::size_t offset = 0; offset < 3; ++offset) {
                const auto a = random_floats(n + offset, random);
                const auto b = random_floats(n + offset, random);
                INFO(table->name << " n " << n << " offset " << offset);
                CHECK(same(table->dot(a.data() + offset, b.data(), n),
                           scalar().dot(a.data() + offset, b.data(), n)));
            }
            const auto wild = wild_floats(n, random);
            const auto tame = random_floats(n, random);
            CHECK(same(table->dot(wild.data(), tame.data(), n), scalar().dot(wild.data(), tame.data(), n)));
        }
        CHECK(table->dot(nullptr, nullptr, 0) == 0.0F);
    }
}

TEST_CASE(
    "float tables: multiply gives the bits of scalar for every type, length of rows and number of vectors") {
    constexpr std::size_t kRows = 11;
    std::mt19937 random(3);
    for (const Kernels* table : tables()) {
        for (const TensorTypeInfo& info : kTensorTypes) {
            for (const std::size_t n_columns : {1u, 7u, 16u, 32u, 37u, 48u, 96u, 256u, 512u, 768u, 2048u}) {
                if (n_columns % info.block_count != 0 || (kIsSlowBuild && n_columns > 768)) continue;
                const StoredMatrix w = any_matrix(info.type, kRows, n_columns, 0, random);
                const std::size_t stride = n_columns + 5;
                const auto x = random_floats(9 * stride, random);
                for (std::size_t count = 0; count <= 9; ++count) {
                    check_products(*table, w.matrix, 0, kRows, {x.data(), count, n_columns, stride});
                }
            }
        }
    }
}

TEST_CASE("float tables: multiply gives the bits of scalar for gathered vectors") {
    constexpr std::size_t kRows = 9;
    constexpr std::uint32_t kOrder[] = {4, 4, 0, 7, 2, 7, 1, 5, 3};
    std::mt19937 random(4);
    for (const Kernels* table : tables()) {
        for (const TensorTypeInfo& info : kTensorTypes) {
            for (const std::size_t n_columns : {256u, 259u}) {
                if (n_columns % info.block_count != 0) continue;
                const StoredMatrix w = any_matrix(info.type, kRows, n_columns, 0, random);
                const auto x = random_floats(8 * n_columns, random);
                for (std::size_t count = 1; count <= 9; ++count) {
                    check_products(*table, w.matrix, 0, kRows, {x.data(), count, n_columns, n_columns, kOrder});
                }
            }
        }
    }
}

TEST_CASE("float tables: multiply gives the bits of scalar at any alignment") {
    std::mt19937 random(5);
    for (const Kernels* table : tables()) {
        for (const TensorTypeInfo& info : kTensorTypes) {
            for (const std::size_t misalignment : {1u, 2u, 3u, 5u, 15u, 31u, 63u}) {
                const StoredMatrix w = any_matrix(info.type, 6, 256, misalignment, random);
                const auto x = random_floats(5 * 256 + misalignment, random);
                for (const std::size_t count : {1u, 5u}) {
                    check_products(*table, w.matrix, 0, 6, {x.data() + misalignment, count, 256, 256});
                }
            }
        }
    }
}

TEST_CASE("float tables: multiply computes any range of rows, and writes nothing else") {
    constexpr std::size_t kRows = 23;
    std::mt19937 random(6);
    for (const Kernels* table : tables()) {
        for (const TensorTypeInfo& info : kTensorTypes) {
            const StoredMatrix w = any_matrix(info.type, kRows, 256, 0, random);
            const auto x = random_floats(6 * 256, random);
            for (const std::size_t first : {0u, 1u, 3u, 4u, 19u, 22u}) {
                for (const std::size_t last : {first, first + 1, first + 3, first + 4, kRows}) {
                    if (last > kRows) continue;
                    check_products(*table, w.matrix, first, last, {x.data(), 1, 256, 256});
                    check_products(*table, w.matrix, first, last, {x.data(), 6, 256, 256});
                }
            }
        }
    }
}

TEST_CASE("float tables: multiply hands on a NaN or an infinity of a weight or a vector as scalar does") {
    std::mt19937 random(7);
    for (const Kernels* table : tables()) {
        for (const TensorType type : {TensorType::kF32, TensorType::kF16, TensorType::kBF16}) {
            for (const std::uint32_t wrong : {0xFFFFu, 0x7F80u, 0x7C00u, 0xFC00u}) {
                StoredMatrix w = matrix_of_floats(type, 6, 64, 0, random);
                const std::size_t size = info_of(type).block_size;
                // The upper half of a float is what its bfloat is.
                std::memcpy(w.bytes.data() + (2 * 64 + 37) * size + size - 2, &wrong, 2);
                auto x = random_floats(5 * 64, random);
                x[3 * 64 + 11] = kInfinity;
                check_products(*table, w.matrix, 0, 6, {x.data(), 5, 64, 64});
                check_products(*table, w.matrix, 0, 6, {x.data() + 3 * 64, 1, 64, 64});
            }
        }
    }
}

TEST_CASE("float tables: rms_norm gives the bits of scalar, also in place") {
    check_over_vectors("rms_norm",
                       [](const Kernels& table, std::vector<float>& x, const std::vector<float>& y) {
                           std::vector<float> out(x.size(), kUntouched);
                           table.rms_norm(x.data(), y.data(), y.size(), 1e-5F, out.data());
                           table.rms_norm(x.data(), y.data(), y.size(), 1e-5F, x.data());
                           CHECK(same(x, out));
                       });
}

TEST_CASE("float tables: rotate gives the bits of scalar") {
    check_over_vectors("rotate", [](const Kernels& table, std::vector<float>& x, const std::vector<float>& y) {
        const std::size_t n = y.size() / 2 * 2;
        table.rotate(x.data(), y.data(), y.data() + n / 2, n);
    });
}

TEST_CASE("float tables: silu_multiply gives the bits of scalar") {
    check_over_vectors("silu_multiply",
                       [](const Kernels& table, std::vector<float>& x, const std::vector<float>& y) {
                           table.silu_multiply(x.data(), y.data(), y.size());
                       });
}

TEST_CASE("float tables: silu_multiply gives the bits of scalar at the borders of exp's range") {
    for (const Kernels* table : tables()) {
        std::vector<float> gate;
        for (const float border : {-exponential::kSmallest, -exponential::kLargest}) {
            float x = border;
            for (int i = 0; i < 20; ++i) x = std::nextafter(x, -kInfinity);
            for (int i = 0; i < 40; ++i) gate.push_back(x = std::nextafter(x, kInfinity));
        }
        for (const float x : {0.0F, -0.0F, kInfinity, -kInfinity, kNaN, 1e-42F, 3e38F, -3e38F})
            gate.push_back(x);
        const std::vector<float> up(gate.size(), 1.0F);
        auto expected = gate;
        scalar().silu_multiply(expected.data(), up.data(), up.size());
        table->silu_multiply(gate.data(), up.data(), up.size());
        INFO(table->name);
        CHECK(same(gate, expected));
    }
}

TEST_CASE("float tables: add and add_scaled give the bits of scalar") {
    check_over_vectors("add", [](const Kernels& table, std::vector<float>& x, const std::vector<float>& y) {
        table.add(x.data(), y.data(), y.size());
    });
    check_over_vectors("add_scaled",
                       [](const Kernels& table, std::vector<float>& x, const std::vector<float>& y) {
                           table.add_scaled(x.data(), 0.37F, y.data(), y.size());
                       });
}

namespace {

bool is_within_bound(const Attended& attended, const AttentionHistory& history,
                     const std::vector<float>& queries, float scale) {
    for (std::size_t head = 0; head < attended.states.size(); ++head) {
        const ExactAttention exact =
            exact_attention(history, queries.data() + head * history.head_size(), scale);
        for (std::size_t d = 0; d < history.head_size(); ++d) {
            const double distance = std::fabs(static_cast<double>(attended.out(head, d)) - exact.out[d]);
            if (!(distance <= exact.bound[d])) return false;
        }
    }
    return true;
}

}  // namespace

TEST_CASE(
    "float tables: attend errs by no more than its roundings allow, so by no more than twice from scalar") {
    const std::vector<std::vector<std::size_t>> histories = {
        {1}, {15}, {16}, {17}, {31}, {33}, {255}, {256}, {256, 3}, {256, 256, 17}, {17, 1, 100}};
    std::mt19937 random(8);
    for (const Kernels* table : tables()) {
        for (const std::size_t head_size : {8u, 16u, 48u, 64u, 80u, 96u, 128u}) {
            for (const auto& counts : histories) {
                if (kIsSlowBuild && counts.size() > 2) continue;
                for (const StoredTypes types : types_for(head_size)) {
                    if (types.key != types.value && counts.size() != 2) continue;
                    const AttentionHistory history(head_size, types.key, types.value, counts, random, 2.0F);
                    const auto queries = random_queries(5 * head_size, random);
                    const Attended attended = attend(*table, history, queries, 5, 0.2F);
                    INFO(table->name << " " << info_of(types.key).name << " " << info_of(types.value).name
                                     << " head size " << head_size << " positions " << history.count());
                    CHECK(is_within_bound(attended, history, queries, 0.2F));
                }
            }
        }
    }
}

TEST_CASE("float tables: no bit of a head's attention depends on the heads computed with it") {
    std::mt19937 random(9);
    for (const Kernels* table : tables()) {
        for (const std::size_t head_size : {8u, 16u, 48u, 64u, 128u}) {
            for (const TensorType type : kTypes) {
                if (is_stored_in_blocks(type) && head_size % 32 != 0) continue;
                const AttentionHistory history(head_size, type, type, {256, 117}, random);
                const auto queries = random_queries(9 * head_size, random);
                const Attended all = attend(*table, history, queries, 9, 0.2F);
                for (std::size_t first = 0; first < 9; ++first) {
                    for (std::size_t count = 1; first + count <= 9; ++count) {
                        const auto at = static_cast<std::ptrdiff_t>(first * head_size);
                        const auto size = static_cast<std::ptrdiff_t>(count * head_size);
                        const std::vector<float> some(queries.begin() + at, queries.begin() + at + size);
                        const Attended part = attend(*table, history, some, count, 0.2F);
                        INFO(table->name << " size " << head_size << " heads " << first << " and " << count);
                        CHECK(same(part.sums, {all.sums.begin() + at, all.sums.begin() + at + size}));
                        for (std::size_t i = 0; i < count; ++i) {
                            CHECK(part.states[i].sum == all.states[first + i].sum);
                            CHECK(part.states[i].largest == all.states[first + i].largest);
                        }
                    }
                }
            }
        }
    }
}

TEST_CASE("float tables: what stands behind the last position does not matter to attend") {
    std::mt19937 random(10);
    for (const Kernels* table : tables()) {
        for (const std::size_t count : {1u, 15u, 17u, 40u, 255u}) {
            for (const TensorType type : kTypes) {
                AttentionHistory history(64, type, type, {256, count}, random);  // NaN behind it
                const auto queries = random_queries(5 * 64, random);
                const Attended before = attend(*table, history, queries, 5, 0.125F);
                for (const float stale : {0.0F, 60000.0F, -kInfinity, kInfinity}) {
                    history.fill_unused(stale);
                    CHECK(same(attend(*table, history, queries, 5, 0.125F).sums, before.sums));
                }
                for (const float x : before.sums) CHECK(std::isfinite(x));
            }
        }
    }
}

TEST_CASE("float tables: attend hides no NaN, and has a result for scores of any size") {
    std::mt19937 random(11);
    for (const Kernels* table : tables()) {
        for (const std::size_t p : {0u, 5u, 16u, 39u}) {
            for (const std::uint32_t bits : {0x7FC00000u, 0x7FFFFFFFu, 0xFFFFFFFFu}) {
                AttentionHistory history(16, TensorType::kF32, TensorType::kF32, {256, 40}, random);
                history.set_key(1, p, 6, std::bit_cast<float>(bits));
                const Attended attended = attend(*table, history, random_queries(5 * 16, random), 5, 0.3F);
                INFO(table->name << " position " << p << " bits " << bits);
                std::size_t n_hidden = 0;
                for (std::size_t head = 0; head < 5; ++head) n_hidden += !std::isnan(attended.out(head, 3));
                CHECK(n_hidden == 0);
            }
        }
        for (const float sign : {1.0F, -1.0F}) {
            AttentionHistory history(16, TensorType::kF32, TensorType::kF32, {40}, random);
            for (std::size_t p = 0; p < 40; ++p) history.set_key(0, p, 0, sign * kInfinity);
            CHECK(std::isnan(attend(*table, history, std::vector<float>(16, 1.0F), 1, 1.0F).out(0, 0)));
        }
        for (const float size : {1e30F, -1e30F}) {
            const AttentionHistory history(16, TensorType::kF32, TensorType::kF32, {256, 40}, random);
            const Attended attended = attend(*table, history, std::vector<float>(5 * 16, size), 5, 0.3F);
            for (std::size_t head = 0; head < 5; ++head) CHECK(std::isfinite(attended.out(head, 7)));
        }
    }
}

TEST_CASE(
    "float tables: attend adds the extremes of small integers up exactly, and hides no scale that is none") {
    std::mt19937 random(12);
    for (const Kernels* table : tables()) {
        for (const TensorType type : {TensorType::kQ8_0, TensorType::kQ4_0}) {
            INFO(table->name << " " << info_of(type).name);
            for (const unsigned byte : {0x80u, 0x7Fu, 0x00u, 0xFFu}) {
                AttentionHistory history(64, type, type, {20}, random, 1e-3F);
                history.fill_keys(static_cast<std::uint8_t>(byte));
                for (const float size : {1.0F, -1.0F}) {
                    const std::vector<float> queries(5 * 64, size);
                    CHECK(is_within_bound(attend(*table, history, queries, 5, 0.3F), history, queries, 0.3F));
                }
            }
            AttentionHistory history(64, type, type, {256, 40}, random);
            history.set_value_scale(1, 39, kInfinity);
            Attended attended = attend(*table, history, random_queries(5 * 64, random), 5, 0.125F);
            for (std::size_t head = 0; head < 5; ++head) {
                CHECK(!std::isfinite(attended.out(head, 31)));
                CHECK(std::isfinite(attended.out(head, 32)));
            }
            history.set_key_scale(0, 200, kNaN);
            attended = attend(*table, history, random_queries(5 * 64, random), 5, 0.125F);
            for (std::size_t head = 0; head < 5; ++head) CHECK(std::isnan(attended.out(head, 63)));
        }
    }
}
