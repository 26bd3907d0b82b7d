// Dot products and matrix products: the order of sums, and that a result depends on nothing else.
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "base/result.h"
#include "kernels/select.h"
#include "support/catch.h"

using namespace sluice;

namespace {

constexpr double kUnit = 0x1p-24;  // half the distance of two floats near 1
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kSizes[] = {0, 1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 255, 1792, 2049};

const Kernels& scalar() {
    return **select_kernels("scalar");
}

std::vector<float> random_floats(std::size_t count, std::mt19937& random) {
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& value : values) value = normal(random);
    return values;
}

// The order of kernels.h, said once more: lane by lane, with every rounding forced.
float dot_by_definition(const std::vector<float>& a, const std::vector<float>& b) {
    std::vector<float> lanes(16, 0.0F);
    for (std::size_t lane = 0; lane < 16; ++lane) {
        for (std::size_t i = lane; i < a.size(); i += 16) {
            const volatile float product = a[i] * b[i];
            const volatile float sum = lanes[lane] + product;
            lanes[lane] = sum;
        }
    }
    while (lanes.size() > 1) {
        const std::size_t half = lanes.size() / 2;
        for (std::size_t lane = 0; lane < half; ++lane) lanes[lane] = lanes[lane] + lanes[half + lane];
        lanes.resize(half);
    }
    return lanes[0];
}

// A matrix of random bytes whose float16 scales are all small and finite, and its decoded rows.
struct StoredMatrix {
    std::vector<std::byte> bytes;
    Matrix matrix;
    std::vector<std::vector<float>> rows;
};

StoredMatrix random_matrix(TensorType type, std::size_t n_rows, std::size_t n_columns,
                           std::size_t misalignment) {
    std::mt19937 random(static_cast<unsigned>(type));
    const std::size_t row_bytes = row_size(type, n_columns);
    StoredMatrix stored;
    stored.bytes.resize(misalignment + n_rows * row_bytes);
    // Without the bits 0x40 no float, half or bfloat in these bytes is large, infinite or NaN.
    for (std::byte& byte : stored.bytes) byte = static_cast<std::byte>(random() & 0xBF);
    stored.matrix = {type, n_rows, n_columns, stored.bytes.data() + misalignment};
    for (std::size_t r = 0; r < n_rows; ++r) {
        std::vector<float> row(n_columns);
        scalar().decode(type, stored.matrix.data + r * row_bytes, n_columns, row.data());
        stored.rows.push_back(row);
    }
    return stored;
}

std::uint32_t bits_of(float value) {
    return std::bit_cast<std::uint32_t>(value);
}

}  // namespace

TEST_CASE("dot: sums in sixteen lanes, then in halves") {
    std::mt19937 random(1);
    for (const std::size_t n : kSizes) {
        for (int round = 0; round < 20; ++round) {
            const auto a = random_floats(n, random);
            const auto b = random_floats(n, random);
            INFO("n " << n);
            CHECK(bits_of(scalar().dot(a.data(), b.data(), n)) == bits_of(dot_by_definition(a, b)));
        }
    }
}

TEST_CASE("dot: another order would be noticed") {
    std::mt19937 random(2);
    const auto a = random_floats(1792, random);
    const auto b = random_floats(1792, random);
    float ascending = 0.0F;
    for (std::size_t i = 0; i < a.size(); ++i) ascending += a[i] * b[i];
    CHECK(bits_of(scalar().dot(a.data(), b.data(), a.size())) != bits_of(ascending));
}

TEST_CASE("dot: errs by no more than its roundings allow") {
    std::mt19937 random(3);
    for (const std::size_t n : kSizes) {
        const auto a = random_floats(n, random);
        const auto b = random_floats(n, random);
        double exact = 0.0;
        double magnitude = 0.0;
        for (std::size_t i = 0; i < n; ++i) {
            const double product = static_cast<double>(a[i]) * static_cast<double>(b[i]);
            exact += product;
            magnitude += std::fabs(product);
        }
        // A product, the sums of its lane, and four halvings (Higham 2002, section 3.1).
        const double n_roundings = static_cast<double>((n + 15) / 16) + 5.0;
        const double bound = n_roundings * kUnit / (1.0 - n_roundings * kUnit) * magnitude;
        CHECK(std::fabs(static_cast<double>(scalar().dot(a.data(), b.data(), n)) - exact) <= bound);
    }
}

TEST_CASE("dot: a NaN at any place comes out, an infinity does not become a number") {
    for (const std::size_t n : {1u, 15u, 16u, 17u, 33u}) {
        for (std::size_t at = 0; at < n; ++at) {
            std::vector<float> a(n, 1.0F);
            const std::vector<float> b(n, 2.0F);
            const std::vector<float> zeros(n, 0.0F);
            a[at] = kNaN;
            CHECK(std::isnan(scalar().dot(a.data(), b.data(), n)));
            CHECK(std::isnan(scalar().dot(zeros.data(), a.data(), n)));
            a[at] = -kInfinity;
            CHECK(scalar().dot(a.data(), b.data(), n) == -kInfinity);
            CHECK(std::isnan(scalar().dot(a.data(), zeros.data(), n)));
        }
    }
}

TEST_CASE("multiply: gives one dot product per row and vector, for every type at any alignment") {
    std::mt19937 random(4);
    for (const TensorTypeInfo& info : kTensorTypes) {
        const std::size_t n_columns = info.block_count == 1 ? 37 : 2 * info.block_count;
        for (const std::size_t misalignment : {0u, 1u, 2u, 3u}) {
            const StoredMatrix w = random_matrix(info.type, 5, n_columns, misalignment);
            const auto x = random_floats(n_columns, random);
            std::vector<float> scratch(n_columns);
            std::vector<float> out(5);
            scalar().multiply(w.matrix, 0, 5, {x.data(), 1, n_columns, n_columns}, out.data(), 5,
                              scratch.data());
            for (std::size_t r = 0; r < 5; ++r) {
                INFO(info.name << " row " << r << " misalignment " << misalignment);
                CHECK(bits_of(out[r]) == bits_of(dot_by_definition(w.rows[r], x)));
            }
        }
    }
}

TEST_CASE("multiply: no bit depends on the number of vectors or the range of rows") {
    constexpr std::size_t kRows = 7;
    constexpr std::size_t kVectors = 9;
    constexpr std::size_t kOutStride = kRows + 3;
    std::mt19937 random(5);
    for (const TensorTypeInfo& info : kTensorTypes) {
        const std::size_t n_columns = info.block_count == 1 ? 67 : 3 * info.block_count;
        const std::size_t stride = n_columns + 5;
        const StoredMatrix w = random_matrix(info.type, kRows, n_columns, 1);
        const auto x = random_floats(kVectors * stride, random);
        std::vector<float> scratch(n_columns);
        std::vector<float> together(kVectors * kOutStride, -1.0F);
        scalar().multiply(w.matrix, 0, kRows, {x.data(), kVectors, n_columns, stride}, together.data(),
                          kOutStride, scratch.data());
        std::size_t n_wrong = 0;
        for (std::size_t v = 0; v < kVectors; ++v) {
            for (std::size_t r = 0; r < kRows; ++r) {
                std::vector<float> alone(kRows, -1.0F);
                scalar().multiply(w.matrix, r, r + 1, {x.data() + v * stride, 1, n_columns, n_columns},
                                  alone.data(), kRows, scratch.data());
                for (std::size_t other = 0; other < kRows; ++other) {
                    if (other != r) n_wrong += alone[other] != -1.0F;  // only the rows asked for are written
                }
                n_wrong += bits_of(alone[r]) != bits_of(together[v * kOutStride + r]);
            }
            for (std::size_t r = kRows; r < kOutStride; ++r) n_wrong += together[v * kOutStride + r] != -1.0F;
        }
        INFO(info.name);
        CHECK(n_wrong == 0);
    }
}

TEST_CASE("multiply: vector v is the row that is named for it, rows may be named often or never") {
    constexpr std::uint32_t kOrder[] = {3, 0, 3, 1, 3};
    std::mt19937 random(6);
    for (const TensorTypeInfo& info : kTensorTypes) {
        const StoredMatrix w = random_matrix(info.type, 3, 256, 0);
        const auto x = random_floats(4 * 261, random);
        std::vector<float> scratch(256);
        std::vector<float> out(5 * 3);
        scalar().multiply(w.matrix, 0, 3, {x.data(), 5, 256, 261, kOrder}, out.data(), 3, scratch.data());
        for (std::size_t v = 0; v < 5; ++v) {
            const auto at = x.begin() + kOrder[v] * 261;
            for (std::size_t r = 0; r < 3; ++r) {
                INFO(info.name << " vector " << v << " row " << r);
                CHECK(bits_of(out[v * 3 + r]) == bits_of(dot_by_definition(w.rows[r], {at, at + 256})));
            }
        }
    }
}

TEST_CASE("multiply: a NaN in a vector reaches every row of that vector and no other vector") {
    for (const TensorTypeInfo& info : kTensorTypes) {
        const std::size_t n_columns = 256;
        const StoredMatrix w = random_matrix(info.type, 3, n_columns, 0);
        std::vector<float> x(3 * n_columns, 0.5F);
        x[n_columns + 200] = kNaN;
        std::vector<float> scratch(n_columns);
        std::vector<float> out(9);
        scalar().multiply(w.matrix, 0, 3, {x.data(), 3, n_columns, n_columns}, out.data(), 3, scratch.data());
        for (std::size_t i = 0; i < out.size(); ++i) {
            INFO(info.name << " result " << i);
            CHECK(std::isnan(out[i]) == (i / 3 == 1));
        }
    }
}

TEST_CASE("multiply: no vectors, no rows and no columns are allowed") {
    const StoredMatrix w = random_matrix(TensorType::kQ4_0, 3, 64, 0);
    std::vector<float> x(64, 1.0F);
    std::vector<float> scratch(64);
    std::vector<float> out(3, -1.0F);
    scalar().multiply(w.matrix, 0, 3, {x.data(), 0, 64, 64}, out.data(), 3, scratch.data());
    scalar().multiply(w.matrix, 2, 2, {x.data(), 1, 64, 64}, out.data(), 3, scratch.data());
    CHECK(out == std::vector<float>(3, -1.0F));
    const Matrix empty{TensorType::kF16, 3, 0, w.matrix.data};
    scalar().multiply(empty, 0, 3, {x.data(), 1, 0, 0}, out.data(), 3, scratch.data());
    CHECK(out == std::vector<float>(3, 0.0F));
}

TEST_CASE("select: scalar is there on every processor, an unknown name is answered with the names there are") {
    const auto scalar_table = select_kernels("scalar");
    REQUIRE(scalar_table);
    CHECK(std::string_view((*scalar_table)->name) == "scalar");
    CHECK(kernel_names().find("scalar") != std::string::npos);
    const auto best = select_kernels("");
    REQUIRE(best);
    CHECK(kernel_names().substr(0, kernel_names().find(',')) == (*best)->name);

    const auto unknown = select_kernels("quantum\n");
    REQUIRE(!unknown);
    CHECK(unknown.error().status == SLUICE_E_NOT_FOUND);
    CHECK(unknown.error().message.find("quantum") != std::string::npos);
    CHECK(unknown.error().message.find('\n') == std::string::npos);
    CHECK(unknown.error().message.find("scalar") != std::string::npos);
}
