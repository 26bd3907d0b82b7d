// Rounding to small integers and products with them, of the scalar table, against their definitions in double
// precision. The other tables give the same bits (tables_test.cpp).
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/result.h"
#include "kernels/quantised_data.h"
#include "kernels/select.h"
#include "support/catch.h"

using namespace sluice;

namespace {

constexpr double kUnit = 0x1p-24;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

const Kernels& scalar() {
    return **select_kernels("scalar");
}

struct Quantised {
    bool is_finite;
    std::vector<std::int8_t> values;
    std::vector<float> scales;
    std::vector<std::int32_t> sums;
};

Quantised quantised(const std::vector<float>& x) {
    Quantised to{false, std::vector<std::int8_t>(x.size()), std::vector<float>(x.size() / 32),
                 std::vector<std::int32_t>(x.size() / 16)};
    to.is_finite = scalar().quantise(x.data(), x.size(), to.values.data(), to.scales.data(), to.sums.data());
    return to;
}

}  // namespace

TEST_CASE("quantise: each value is the nearest of 255 steps, and sums are those of the values") {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (const float size : {1e-30F, 1e-3F, 1.0F, 1e6F, 1e30F}) {
        std::vector<float> x(1024);
        for (float& value : x) value = size * normal(random);
        const Quantised q = quantised(x);
        CHECK(q.is_finite);
        std::size_t n_wrong = 0;
        for (std::size_t block = 0; block < 32; ++block) {
            float largest = 0.0F;
            for (std::size_t i = block * 32; i < block * 32 + 32; ++i)
                largest = std::max(largest, std::fabs(x[i]));
            const double step = static_cast<double>(largest) / 127.0;
            n_wrong += !(std::fabs(static_cast<double>(q.scales[block]) - step) <= kUnit * step);
            for (std::size_t i = block * 32; i < block * 32 + 32; ++i) {
                const double steps = static_cast<double>(x[i]) / step;
                // The reciprocal and the product with it are rounded, of a number up to 127.
                n_wrong += !(std::fabs(static_cast<double>(q.values[i]) - steps) <= 0.5 + 127.0 * 3.0 * kUnit);
                n_wrong += std::abs(static_cast<int>(q.values[i])) > 127;
            }
        }
        for (std::size_t half = 0; half < q.sums.size(); ++half) {
            std::int32_t sum = 0;
            for (std::size_t i = half * 16; i < half * 16 + 16; ++i) sum += q.values[i];
            n_wrong += sum != q.sums[half];
        }
        CHECK(n_wrong == 0);
    }
}

TEST_CASE("quantise: halfway it takes the even one") {
    std::vector<float> x(32, 0.5F);
    x[0] = 127.0F;
    x[1] = 1.5F;
    x[2] = 2.5F;
    x[3] = -0.5F;
    x[4] = -1.5F;
    const Quantised q = quantised(x);
    CHECK(q.scales[0] == 1.0F);
    CHECK(std::vector<std::int8_t>(q.values.begin(), q.values.begin() + 6) ==
          std::vector<std::int8_t>{127, 2, 2, 0, -2, 0});
}

TEST_CASE("quantise: zeros stay zeros, and what no number is is told") {
    const Quantised zeros = quantised(std::vector<float>(64, 0.0F));
    CHECK(zeros.is_finite);
    CHECK(zeros.values == std::vector<std::int8_t>(64, 0));
    CHECK(zeros.scales == std::vector<float>(2, 0.0F));
    CHECK(zeros.sums == std::vector<std::int32_t>(4, 0));
    for (const float wrong : {kNaN, kInfinity, -kInfinity}) {
        for (const std::size_t at : {0u, 31u, 32u, 63u}) {
            std::vector<float> x(64, 1.0F);
            x[at] = wrong;
            CHECK(!quantised(x).is_finite);
        }
    }
}

TEST_CASE("multiply_quantised: is the product of decoded weights with the values that the integers stand for") {
    constexpr std::size_t kRows = 9;
    constexpr std::size_t kVectors = 3;
    std::mt19937 random(2);
    for (const TensorType type : quantised_types()) {
        for (const std::size_t n_columns : {256u, 1024u}) {
            const StoredMatrix w = random_matrix(type, kRows, n_columns, 1, random);
            const Activations x = random_activations(kVectors, n_columns, random);
            std::vector<float> out(kVectors * kRows);
            alignas(64) std::byte scratch[kTileScratchSize];
            scalar().multiply_quantised(w.matrix, 0, kRows, x.vectors, out.data(), kRows, scratch);
            std::vector<float> row(n_columns);
            double furthest = 0.0;  // of its bound
            for (std::size_t r = 0; r < kRows; ++r) {
                scalar().decode(type, w.matrix.data + r * w.matrix.row_bytes(), n_columns, row.data());
                double largest = 0.0;
                for (const float weight : row)
                    largest = std::max(largest, std::fabs(static_cast<double>(weight)));
                for (std::size_t v = 0; v < kVectors; ++v) {
                    double exact = 0.0;
                    double magnitude = 0.0;
                    for (std::size_t i = 0; i < n_columns; ++i) {
                        const double value = static_cast<double>(x.scales[v * n_columns / 32 + i / 32]) *
                                             static_cast<double>(x.values[v * n_columns + i]);
                        exact += value * static_cast<double>(row[i]);
                        magnitude += std::fabs(value) * largest;
                    }
                    // Two sums for each group of 16; scale and minimum with two roundings each, decoding with
                    // three. Where a minimum takes a weight's larger part away, both are below twice the
                    // largest.
                    const double n_roundings = static_cast<double>(n_columns) / 16.0 * 2.0 + 7.0;
                    const double bound = 2.0 * 1.01 * n_roundings * kUnit * magnitude;
                    const double distance = std::fabs(static_cast<double>(out[v * kRows + r]) - exact);
                    if (!(distance / bound <= furthest)) furthest = distance / bound;
                }
            }
            INFO(info_of(type).name << " columns " << n_columns);
            CHECK(furthest <= 1.0);
        }
    }
}

TEST_CASE("multiply_quantised: vector v is the row that is named for it") {
    constexpr std::uint32_t kOrder[] = {2, 0, 2, 3};
    std::mt19937 random(3);
    for (const TensorType type : quantised_types()) {
        const StoredMatrix w = random_matrix(type, 5, 256, 0, random);
        const Activations x = random_activations(4, 256, random);
        alignas(64) std::byte scratch[kTileScratchSize];
        std::vector<float> all(4 * 5);
        std::vector<float> gathered(4 * 5);
        QuantisedVectors vectors = x.vectors;
        scalar().multiply_quantised(w.matrix, 0, 5, vectors, all.data(), 5, scratch);
        vectors.rows = kOrder;
        scalar().multiply_quantised(w.matrix, 0, 5, vectors, gathered.data(), 5, scratch);
        for (std::size_t i = 0; i < 20; ++i) CHECK(gathered[i] == all[kOrder[i / 5] * 5 + i % 5]);
    }
}
