// Every table that this processor can run, against the scalar one: the same bits, whatever the shape and the
// data.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "kernels/quantised_data.h"
#include "kernels/select.h"
#include "support/catch.h"
#include "support/slow_build.h"

using namespace sluice;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kUntouched = -12345.0F;

const Kernels& scalar() {
    return **select_kernels("scalar");
}

// Every name of a table of this architecture; select_kernels says which run here.
constexpr const char* kNames[] = {
#if defined(__x86_64__)
    "avx512_vnni",
    "avx_vnni",
    "avx2",
#elif defined(__aarch64__)
    "neon_i8mm",
    "neon_dotprod",
#endif
};

// The tables besides scalar that run here. That one does not run is said once, by its own test below.
std::vector<const Kernels*> tables() {
    std::vector<const Kernels*> found;
    for (const std::string_view name : kNames) {
        const auto table = select_kernels(name);
        if (table) found.push_back(*table);
    }
    if (found.empty()) WARN("skipped: this processor runs no table but scalar");
    return found;
}

std::uint32_t bits_of(float value) {
    return std::bit_cast<std::uint32_t>(value);
}

// NaNs are alike: which one an operation gives is the processor's choice.
bool same(float a, float b) {
    return bits_of(a) == bits_of(b) || (std::isnan(a) && std::isnan(b));
}

struct alignas(64) Scratch {
    std::byte bytes[kTileScratchSize];
};

// The products, in the middle of memory that nothing else may write: all columns of `out_stride` floats, one
// more before and after.
std::vector<float> products(const Kernels& table, const Matrix& w, std::size_t first_row, std::size_t last_row,
                            const QuantisedVectors& x, std::size_t out_stride) {
    static Scratch scratch;
    std::memset(scratch.bytes, 0xFF, sizeof scratch.bytes);  // floats of these bits are NaN
    std::vector<float> out((x.count + 2) * out_stride, kUntouched);
    table.multiply_quantised(w, first_row, last_row, x, out.data() + out_stride, out_stride, scratch.bytes);
    return out;
}

std::size_t count_differences(const std::vector<float>& a, const std::vector<float>& b) {
    std::size_t n_wrong = 0;
    for (std::size_t i = 0; i < a.size(); ++i) n_wrong += !same(a[i], b[i]);
    return n_wrong;
}

std::string describe(const Kernels& table, TensorType type, const Matrix& w, std::size_t n_vectors) {
    return std::string(table.name) + " " + info_of(type).name + " columns " + std::to_string(w.columns) +
           " vectors " + std::to_string(n_vectors);
}

void check_products(const Kernels& table, const Matrix& w, std::size_t first_row, std::size_t last_row,
                    const QuantisedVectors& x, std::size_t out_stride) {
    const auto expected = products(scalar(), w, first_row, last_row, x, out_stride);
    const auto got = products(table, w, first_row, last_row, x, out_stride);
    INFO(describe(table, w.type, w, x.count) << " rows " << first_row << " to " << last_row);
    CHECK(count_differences(expected, got) == 0);
}

struct Quantised {
    bool is_finite;
    std::vector<std::int8_t> values;
    std::vector<float> scales;
    std::vector<std::int32_t> sums;
};

Quantised quantised(const Kernels& table, const std::vector<float>& x, std::size_t n) {
    Quantised to{false, std::vector<std::int8_t>(x.size(), 99), std::vector<float>(x.size() / 32, kUntouched),
                 std::vector<std::int32_t>(x.size() / 16, 99)};
    to.is_finite = table.quantise(x.data(), n, to.values.data(), to.scales.data(), to.sums.data());
    return to;
}

void check_quantised(const Kernels& table, const std::vector<float>& x, std::size_t n) {
    const Quantised expected = quantised(scalar(), x, n);
    const Quantised got = quantised(table, x, n);
    REQUIRE(expected.is_finite);
    CHECK(got.is_finite);
    CHECK(got.values == expected.values);
    CHECK(got.sums == expected.sums);
    CHECK(std::equal(got.scales.begin(), got.scales.end(), expected.scales.begin(),
                     [](float a, float b) { return bits_of(a) == bits_of(b); }));
}

std::vector<float> random_floats(std::size_t count, float size, std::mt19937& random) {
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& value : values) value = size * normal(random);
    return values;
}

}  // namespace

TEST_CASE("tables: those that this processor lists are the known ones") {
    std::string known = " scalar ";
    for (const char* name : kNames) known.append(name).append(" ");
    const std::string names = kernel_names();
    for (std::size_t at = 0; at < names.size();) {
        const std::size_t end = std::min(names.find(", ", at), names.size());
        const std::string name = names.substr(at, end - at);
        INFO(name);
        CHECK(known.find(" " + name + " ") != std::string::npos);
        const auto table = select_kernels(name);
        REQUIRE(table);
        CHECK((*table)->name == name);
        at = end + 2;
    }
}

#define SLUICE_TEST_TABLE(wanted)                                                          \
    TEST_CASE("tables: " wanted " runs on this processor and takes part in these tests") { \
        const auto table = select_kernels(wanted);                                         \
        if (!table) {                                                                      \
            WARN("skipped: " << table.error().message);                                    \
            return;                                                                        \
        }                                                                                  \
        const std::vector<const Kernels*> all = tables();                                  \
        CHECK(std::count(all.begin(), all.end(), *table) == 1);                            \
    }
#if defined(__x86_64__)
SLUICE_TEST_TABLE("avx512_vnni")
SLUICE_TEST_TABLE("avx_vnni")
SLUICE_TEST_TABLE("avx2")
#elif defined(__aarch64__)
SLUICE_TEST_TABLE("neon_i8mm")
SLUICE_TEST_TABLE("neon_dotprod")
#endif
#undef SLUICE_TEST_TABLE

TEST_CASE("tables: the int8 yardstick counts what it multiplied") {
    for (const Kernels* table : tables()) {
        INFO(table->name);
        REQUIRE(table->int8_peak != nullptr);
        CHECK(table->int8_peak(0) == 0);
        const std::uint64_t one = table->int8_peak(1);
        CHECK(one >= 12 * 16);
        CHECK(table->int8_peak(10) == 10 * one);
    }
}

TEST_CASE("tables: quantise gives the bits of scalar for data of every size") {
    std::mt19937 random(1);
    for (const Kernels* table : tables()) {
        INFO(table->name);
        for (const std::size_t n : {32u, 64u, 96u, 2048u}) {
            for (const float size : {1.0F, 1e-3F, 1e6F, 1e-30F, 3e37F, 1e-37F, 1e-38F, 1e-42F}) {
                check_quantised(*table, random_floats(n, size, random), n);
            }
        }
        check_quantised(*table, std::vector<float>(96, 0.0F), 96);
        check_quantised(*table, std::vector<float>(96, -0.0F), 96);
        check_quantised(*table, std::vector<float>(64, std::numeric_limits<float>::max()), 64);
        check_quantised(*table, std::vector<float>(64, std::numeric_limits<float>::denorm_min()), 64);
        // Past n nothing is written.
        check_quantised(*table, random_floats(96, 1.0F, random), 64);
        check_quantised(*table, random_floats(32, 1.0F, random), 0);
    }
}

TEST_CASE("tables: quantise gives the bits of scalar at every halfway case and around the smallest scale") {
    for (const Kernels* table : tables()) {
        INFO(table->name);
        std::vector<float> x;
        for (int i = -127; i < 127; ++i) {
            if (x.size() % 32 == 0) x.push_back(127.0F);
            x.push_back(static_cast<float>(i) + 0.5F);
        }
        x.resize((x.size() + 31) / 32 * 32, -127.0F);
        check_quantised(*table, x, x.size());

        const float smallest = 127.0F * 0x1p-126F;
        for (const float largest : {smallest, std::nextafter(smallest, 0.0F), std::nextafter(smallest, 1.0F)}) {
            std::vector<float> block(32, largest / 3.0F);
            block[17] = -largest;
            check_quantised(*table, block, 32);
        }
    }
}

TEST_CASE("tables: quantise gives the bits of scalar when one value is large, wherever it is") {
    std::mt19937 random(2);
    for (const Kernels* table : tables()) {
        for (std::size_t at = 0; at < 32; ++at) {
            std::vector<float> x = random_floats(64, 1.0F, random);
            x[32 + at] = at % 2 == 0 ? 1e4F : -1e30F;
            INFO(table->name << " at " << at);
            check_quantised(*table, x, 64);
        }
    }
}

TEST_CASE("tables: quantise refuses a NaN or an infinity, wherever it is") {
    std::mt19937 random(3);
    for (const Kernels* table : tables()) {
        std::vector<float> x = random_floats(96, 1.0F, random);
        for (std::size_t at = 0; at < x.size(); ++at) {
            for (const float wrong : {kNaN, -kNaN, kInfinity, -kInfinity}) {
                const float before = std::exchange(x[at], wrong);
                INFO(table->name << " at " << at << ": " << wrong);
                CHECK(!quantised(*table, x, 96).is_finite);
                CHECK(!quantised(scalar(), x, 96).is_finite);
                x[at] = before;
            }
        }
    }
}

TEST_CASE("tables: multiply_quantised gives the bits of scalar for every type and number of columns") {
    constexpr std::size_t kRows = 45;
    std::mt19937 random(4);
    for (const Kernels* table : tables()) {
        for (const TensorType type : quantised_types()) {
            for (const std::size_t n_columns : {32u, 96u, 256u, 512u, 544u, 768u, 2048u}) {
                if (n_columns % info_of(type).block_count != 0) continue;
                if (kIsSlowBuild && n_columns > 768) continue;
                const StoredMatrix w = random_matrix(type, kRows, n_columns, n_columns % 4, random);
                const Activations x = random_activations(3, n_columns, random);
                check_products(*table, w.matrix, 0, kRows, x.vectors, kRows);
            }
        }
    }
}

TEST_CASE("tables: multiply_quantised gives the bits of scalar for every number of vectors, also gathered") {
    constexpr std::size_t kRows = 33;
    constexpr std::size_t kColumns = 768;
    constexpr std::size_t kVectors = 37;
    std::mt19937 random(5);
    for (const Kernels* table : tables()) {
        for (const TensorType type : quantised_types()) {
            const StoredMatrix w = random_matrix(type, kRows, kColumns, 1, random);
            const Activations x = random_activations(kVectors, kColumns, random);
            QuantisedVectors all = x.vectors;
            const auto expected = products(scalar(), w.matrix, 0, kRows, all, kRows);
            for (std::size_t count = 0; count <= kVectors; count = count == 14 ? kVectors : count + 1) {
                if (kIsSlowBuild && count > 8 && count < 13) continue;
                all.count = count;
                auto part = expected;
                part.resize((count + 1) * kRows);
                part.resize((count + 2) * kRows, kUntouched);
                const auto got = products(*table, w.matrix, 0, kRows, all, kRows);
                INFO(describe(*table, type, w.matrix, count));
                CHECK(count_differences(part, got) == 0);

                // In any order, some rows often, others never.
                std::vector<std::uint32_t> rows(count);
                for (std::uint32_t& row : rows) row = static_cast<std::uint32_t>(random() % kVectors);
                if (count > 1) rows[1] = rows[0];
                QuantisedVectors gathered = all;
                gathered.rows = rows.data();
                const auto got_gathered = products(*table, w.matrix, 0, kRows, gathered, kRows);
                std::size_t n_wrong = 0;
                for (std::size_t v = 0; v < count; ++v) {
                    for (std::size_t r = 0; r < kRows; ++r) {
                        n_wrong +=
                            !same(got_gathered[(v + 1) * kRows + r], expected[(rows[v] + 1) * kRows + r]);
                    }
                }
                CHECK(n_wrong == 0);
            }
        }
    }
}

TEST_CASE("tables: multiply_quantised gives the bits of scalar for rows too long to keep many vectors beside") {
    constexpr std::size_t kRows = 17;
    std::mt19937 random(9);
    for (const Kernels* table : tables()) {
        for (const TensorType type : {TensorType::kQ4_0, TensorType::kQ6_K}) {
            for (const std::size_t n_columns : {7168u, 24576u}) {
                const StoredMatrix w = random_matrix(type, kRows, n_columns, 1, random);
                const Activations x = random_activations(kIsSlowBuild ? 4 : 9, n_columns, random);
                check_products(*table, w.matrix, 0, kRows, x.vectors, kRows);
            }
        }
    }
}

TEST_CASE("tables: multiply_quantised computes any range of rows, and writes nothing else") {
    constexpr std::size_t kRows = 100;
    constexpr std::size_t kColumns = 256;
    struct Range {
        std::size_t first, last;
    };
    constexpr Range kRanges[] = {{0, 1},   {0, 31},  {0, 32},  {0, 33},  {5, 6},    {7, 23},   {15, 17},
                                 {16, 48}, {17, 64}, {31, 97}, {36, 36}, {68, 100}, {99, 100}, {3, 98}};
    std::mt19937 random(6);
    for (const Kernels* table : tables()) {
        for (const TensorType type : quantised_types()) {
            const StoredMatrix w = random_matrix(type, kRows, kColumns, 3, random);
            const Activations x = random_activations(7, kColumns, random);
            for (const Range range : kRanges) {
                check_products(*table, w.matrix, range.first, range.last, x.vectors, kRows + 13);
            }
        }
    }
}

TEST_CASE("tables: multiply_quantised gives the bits of scalar for data at any alignment") {
    std::mt19937 random(7);
    for (const Kernels* table : tables()) {
        for (const TensorType type : quantised_types()) {
            for (const std::size_t misalignment : {0u, 1u, 2u, 3u, 7u, 15u, 16u, 31u, 63u}) {
                const StoredMatrix w = random_matrix(type, 35, 512, misalignment, random);
                const Activations x = random_activations(2, 512, random);
                check_products(*table, w.matrix, 0, 35, x.vectors, 35);
            }
        }
    }
}

// The largest sums of integers that data can make: a kernel whose sums saturate or wrap gives something else.
TEST_CASE("tables: multiply_quantised does not saturate, whatever the bytes of weights and values are") {
    constexpr std::size_t kRows = 33;
    constexpr std::size_t kColumns = 768;
    // Patterns of bytes of which some give the largest and smallest stored integers of each type: 255, 0, -128,
    // 127.
    constexpr unsigned kBytes[] = {0x00, 0xFF, 0x80, 0x7F, 0x81, 0x0F, 0xF0};
    struct Pattern {
        int even, odd;
    };
    constexpr Pattern kPatterns[] = {{127, 127}, {-127, -127}, {127, -127}, {0, 127}, {-127, 0}};
    for (const Kernels* table : tables()) {
        for (const TensorType type : quantised_types()) {
            for (const unsigned byte : kBytes) {
                for (const std::uint16_t half : {std::uint16_t{0x3C00}, std::uint16_t{0x9456}}) {
                    const StoredMatrix w = matrix_of(
                        type, kRows, kColumns, 0, [&] { return byte; }, [&] { return half; });
                    for (const Pattern pattern : kPatterns) {
                        const Activations x = activations_of(
                            4, kColumns, [&](std::size_t i) { return i % 2 == 0 ? pattern.even : pattern.odd; },
                            [] { return 0.013F; });
                        INFO("bytes " << byte << " values " << pattern.even << " and " << pattern.odd);
                        check_products(*table, w.matrix, 0, kRows, x.vectors, kRows);
                    }
                }
            }
        }
    }
}

TEST_CASE("tables: multiply_quantised does not saturate for extreme weights of any sign next to each other") {
    constexpr std::size_t kRows = 32;
    constexpr std::size_t kColumns = 512;
    std::mt19937 random(8);
    constexpr unsigned kBytes[] = {0x00, 0xFF, 0x80, 0x7F};
    for (const Kernels* table : tables()) {
        for (const TensorType type : quantised_types()) {
            const StoredMatrix w = matrix_of(
                type, kRows, kColumns, 0, [&] { return kBytes[random() % 4]; },
                [] { return std::uint16_t{0x3C00}; });
            const Activations x = activations_of(
                6, kColumns, [&](std::size_t) { return random() % 2 == 0 ? 127 : -127; }, [] { return 1.0F; });
            check_products(*table, w.matrix, 0, kRows, x.vectors, kRows);
        }
    }
}

TEST_CASE("tables: the product of -128 with 127, over a whole row, is the exact integer") {
    constexpr std::size_t kColumns = 2048;
    const StoredMatrix w = matrix_of(
        TensorType::kQ8_0, 32, kColumns, 0, [] { return 0x80; }, [] { return std::uint16_t{0x3C00}; });
    const Activations x = activations_of(
        5, kColumns, [](std::size_t) { return 127; }, [] { return 1.0F; });
    std::vector<const Kernels*> all = tables();
    all.push_back(&scalar());
    for (const Kernels* table : all) {
        const auto out = products(*table, w.matrix, 0, 32, x.vectors, 32);
        INFO(table->name);
        CHECK(std::count(out.begin() + 32, out.end() - 32, -33292288.0F) == 5 * 32);  // 2048 * -128 * 127
    }
}

TEST_CASE("tables: scales of any size give the bits of scalar, zero and subnormal too") {
    constexpr std::uint16_t kHalves[] = {0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0xFBFF};
    std::mt19937 random(9);
    for (const Kernels* table : tables()) {
        for (const TensorType type : quantised_types()) {
            const StoredMatrix w = matrix_of(
                type, 40, 512, 0, [&] { return random() & 0xFF; }, [&] { return kHalves[random() % 7]; });
            for (const float scale : {0.0F, 1e-37F, 1.0F, 1e30F}) {
                const Activations x = activations_of(
                    3, 512, [&](std::size_t) { return static_cast<int>(random() % 255) - 127; },
                    [&] { return scale; });
                INFO("vector scale " << scale);
                check_products(*table, w.matrix, 0, 40, x.vectors, 40);
            }
        }
    }
}

TEST_CASE("tables: a scale that is NaN or infinite reaches the result of its row, and no other row") {
    constexpr std::size_t kRows = 40;
    constexpr std::size_t kColumns = 512;
    std::mt19937 random(10);
    for (const Kernels* table : tables()) {
        for (const TensorType type : quantised_types()) {
            // Its packed scales are all odd, so that no factor is zero.
            StoredMatrix w = matrix_of(
                type, kRows, kColumns, 0, [] { return 0x55; }, [] { return std::uint16_t{0x3C00}; });
            const Activations x = activations_of(
                4, kColumns, [](std::size_t i) { return i % 5 == 0 ? -40 : 90; }, [] { return 0.5F; });
            for (const std::size_t row : {0u, 13u, 31u, 39u}) {
                for (const std::uint16_t wrong :
                     {std::uint16_t{0x7C00}, std::uint16_t{0xFC00}, std::uint16_t{0x7E01}}) {
                    std::byte* at = w.bytes.data() + row * w.matrix.row_bytes() + halves_of(type).offsets[0];
                    std::uint16_t before = 0;
                    std::memcpy(&before, at, sizeof before);
                    std::memcpy(at, &wrong, sizeof wrong);
                    const auto out = products(*table, w.matrix, 0, kRows, x.vectors, kRows);
                    std::size_t n_wrong = 0;
                    for (std::size_t v = 0; v < 4; ++v) {
                        for (std::size_t r = 0; r < kRows; ++r) {
                            n_wrong += std::isfinite(out[(v + 1) * kRows + r]) == (r == row);
                        }
                    }
                    INFO(table->name << " " << info_of(type).name << " row " << row << " scale bits " << wrong);
                    CHECK(n_wrong == 0);
                    check_products(*table, w.matrix, 0, kRows, x.vectors, kRows);
                    std::memcpy(at, &before, sizeof before);
                }
            }
        }
    }
}
