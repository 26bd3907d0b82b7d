// Products of float matrices by oneDNN: near the exact ones, and the same bits wherever a row or a vector
// stands.
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/prompt_products.h"
#include "kernels/select.h"
#include "support/catch.h"

using namespace sluice;

// Of OpenMP, where it is in this process.
extern "C" __attribute__((weak)) int omp_get_max_threads();

namespace {

constexpr float kUntouched = -12345.0F;
constexpr std::size_t kColumns[] = {256, 1792};

const Kernels& kernels() {
    return **select_kernels("scalar");
}

struct Rig {
    MemoryBudget budget;
    std::unique_ptr<PromptProducts> products;

    explicit Rig(std::uint32_t n_workers = 1) {
        auto made = PromptProducts::create(kernels(), kColumns, n_workers, budget);
        REQUIRE(made);
        products = std::move(*made);
        if (products == nullptr)
            WARN("skipped: this build has no oneDNN, or it has nothing for this processor");
        CHECK(budget.used() == (products == nullptr ? 0 : PromptProducts::planned_size(kColumns, n_workers)));
    }
    explicit operator bool() const { return products != nullptr; }
};

struct FloatMatrix {
    std::vector<std::byte> bytes;
    Matrix matrix;
};

FloatMatrix random_floats(TensorType type, std::size_t n_rows, std::size_t n_columns, std::mt19937& random) {
    std::normal_distribution<float> normal;
    FloatMatrix stored;
    stored.bytes.resize(n_rows * row_size(type, n_columns));
    for (std::size_t i = 0; i < n_rows * n_columns; ++i) {
        const float value = normal(random);
        std::uint32_t bits = 0;
        std::memcpy(&bits, &value, sizeof bits);
        if (type == TensorType::kF32) {
            std::memcpy(stored.bytes.data() + 4 * i, &bits, 4);
        } else if (type == TensorType::kBF16) {
            std::memcpy(stored.bytes.data() + 2 * i, reinterpret_cast<const std::byte*>(&bits) + 2, 2);
        } else {  // float16 between 2^-4 and 4, of either sign
            const auto half = static_cast<std::uint16_t>((bits & 0x83FF) | (11 + (bits >> 16) % 6) << 10);
            std::memcpy(stored.bytes.data() + 2 * i, &half, 2);
        }
    }
    stored.matrix = {type, n_rows, n_columns, stored.bytes.data()};
    return stored;
}

std::vector<float> random_vectors(std::size_t count, std::size_t size, std::mt19937& random) {
    std::normal_distribution<float> normal;
    std::vector<float> values(count * size);
    for (float& value : values) value = normal(random);
    return values;
}

std::vector<float> turned(const Vectors& x) {
    const std::size_t n_tiles = (x.count + kPromptVectors - 1) / kPromptVectors;
    std::vector<float> tiles(n_tiles * prompt_tile_size(x.size), std::numeric_limits<float>::quiet_NaN());
    for (std::size_t tile = 0; tile < n_tiles; ++tile) {
        turn_vectors(x, tile * kPromptVectors, tiles.data() + tile * prompt_tile_size(x.size));
    }
    return tiles;
}

std::vector<float> products(const Rig& rig, const Matrix& w, std::size_t first_row, std::size_t last_row,
                            const Vectors& x) {
    std::vector<float> out(x.count * w.rows, kUntouched);
    CHECK(rig.products->multiply(w, first_row, last_row, turned(x).data(), x.count, out.data(), w.rows, 0));
    return out;
}

}  // namespace

TEST_CASE("oneDNN: turned vectors stand element by element, with zeros behind the last one") {
    constexpr std::size_t kSize = 40;
    std::vector<float> values(3 * kSize);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    constexpr std::uint32_t kRows[] = {2, 0};
    const Vectors x{values.data(), 2, kSize, kSize, kRows};
    const auto tile = turned(x);
    for (std::size_t i = 0; i < kSize; ++i) {
        CHECK(tile[i * kPromptVectors] == values[2 * kSize + i]);
        CHECK(tile[i * kPromptVectors + 1] == values[i]);
        for (std::size_t v = 2; v < kPromptVectors; ++v) CHECK(tile[i * kPromptVectors + v] == 0.0F);
    }
}

TEST_CASE("oneDNN: products are within the bound of float sums from the exact ones") {
    constexpr std::size_t kRows = 133;  // two whole calls and a part
    constexpr std::size_t kVectors = 45;
    constexpr double kUnit = 0x1p-24;
    const Rig rig;
    if (!rig) return;
    std::mt19937 random(1);
    for (const TensorType type : {TensorType::kF32, TensorType::kF16, TensorType::kBF16}) {
        for (const std::size_t n_columns : kColumns) {
            const FloatMatrix w = random_floats(type, kRows, n_columns, random);
            const auto values = random_vectors(kVectors, n_columns, random);
            const auto got = products(rig, w.matrix, 0, kRows, {values.data(), kVectors, n_columns, n_columns});
            std::vector<float> row(n_columns);
            double furthest = 0.0;  // of its bound
            for (std::size_t r = 0; r < kRows; ++r) {
                kernels().decode(type, w.matrix.data + r * w.matrix.row_bytes(), n_columns, row.data());
                for (std::size_t v = 0; v < kVectors; ++v) {
                    double exact = 0.0;
                    double magnitude = 0.0;
                    for (std::size_t i = 0; i < n_columns; ++i) {
                        const double product =
                            static_cast<double>(row[i]) * static_cast<double>(values[v * n_columns + i]);
                        exact += product;
                        magnitude += std::fabs(product);
                    }
                    // In any order of n sums, whether products are rounded too or not (Higham 2002, 3.1).
                    const double n = static_cast<double>(n_columns) + 1.0;
                    const double bound = n * kUnit / (1.0 - n * kUnit) * magnitude;
                    const double distance = std::fabs(static_cast<double>(got[v * kRows + r]) - exact);
                    if (!(distance / bound <= furthest)) furthest = distance / bound;
                }
            }
            INFO(info_of(type).name << " columns " << n_columns);
            CHECK(furthest <= 1.0);
        }
    }
}

TEST_CASE("oneDNN: a result's bits do not depend on what else is computed, nor where") {
    constexpr std::size_t kRows = 200;
    constexpr std::size_t kVectors = 70;
    const Rig rig;
    if (!rig) return;
    std::mt19937 random(2);
    for (const std::size_t n_columns : kColumns) {
        const FloatMatrix w = random_floats(TensorType::kF32, kRows, n_columns, random);
        const auto values = random_vectors(kVectors, n_columns, random);
        const auto all = products(rig, w.matrix, 0, kRows, {values.data(), kVectors, n_columns, n_columns});
        // Each vector alone, and rows from the second call on: their places in a call are others.
        std::size_t n_wrong = 0;
        for (std::size_t v = 0; v < kVectors; ++v) {
            const auto alone = products(rig, w.matrix, kPromptRows, kRows,
                                        {values.data() + v * n_columns, 1, n_columns, n_columns});
            for (std::size_t r = 0; r < kRows; ++r) {
                const float expected = r < kPromptRows ? kUntouched : all[v * kRows + r];
                n_wrong += std::memcmp(&alone[r], &expected, sizeof(float)) != 0;
            }
        }
        CHECK(n_wrong == 0);
        // A row in the place of each other row of a call.
        Matrix moved = w.matrix;
        moved.rows = kPromptRows;
        for (std::size_t first = 1; first < 64; first += 9) {
            moved.data = w.matrix.data + first * w.matrix.row_bytes();
            const auto part = products(rig, moved, 0, kPromptRows, {values.data(), 2, n_columns, n_columns});
            for (std::size_t r = 0; r < kPromptRows; ++r) {
                n_wrong += part[r] != all[first + r];
                n_wrong += part[kPromptRows + r] != all[kRows + first + r];
            }
        }
        CHECK(n_wrong == 0);
    }
}

TEST_CASE("oneDNN: the caller's own number of OpenMP threads is left as it was") {
    if (omp_get_max_threads == nullptr) {
        WARN("skipped: OpenMP is not in this process");
        return;
    }
    const int before = omp_get_max_threads();
    const Rig rig;
    if (!rig) return;
    std::mt19937 random(3);
    const FloatMatrix w = random_floats(TensorType::kF32, 64, 256, random);
    const auto values = random_vectors(1, 256, random);
    products(rig, w.matrix, 0, 64, {values.data(), 1, 256, 256});
    CHECK(omp_get_max_threads() == before);
}

TEST_CASE("oneDNN: a number of columns that it was not created for is refused") {
    const Rig rig;
    if (!rig) return;
    std::mt19937 random(4);
    const FloatMatrix w = random_floats(TensorType::kF32, 64, 512, random);
    const auto values = random_vectors(1, 512, random);
    std::vector<float> out(64);
    const auto tiles = turned({values.data(), 1, 512, 512});
    CHECK(!rig.products->multiply(w.matrix, 0, 64, tiles.data(), 1, out.data(), 64, 0));
}

TEST_CASE("oneDNN: a budget that is too small is an error, and nothing stays charged") {
    const Rig rig;
    if (!rig) return;
    MemoryBudget budget(1000);
    const auto made = PromptProducts::create(kernels(), kColumns, 2, budget);
    REQUIRE(!made);
    CHECK(made.error().status == SLUICE_E_OUT_OF_MEMORY);
    CHECK(budget.used() == 0);
}
