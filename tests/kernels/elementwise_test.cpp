// The kernels over one vector: norm, rotation, SwiGLU and sums, against double precision. Each bound counts the
// roundings of float arithmetic; u is half the distance of two floats near 1.
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "base/result.h"
#include "kernels/select.h"
#include "support/catch.h"

using namespace sluice;

namespace {

constexpr double kUnit = 0x1p-24;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kSizes[] = {1, 2, 15, 16, 17, 31, 64, 101, 2048};

const Kernels& scalar() {
    return **select_kernels("scalar");
}

std::vector<float> uniform(std::size_t count, float low, float high, std::mt19937& random) {
    std::uniform_real_distribution<float> distribution(low, high);
    std::vector<float> values(count);
    for (float& value : values) value = distribution(random);
    return values;
}

double distance(float value, double reference) {
    return std::fabs(static_cast<double>(value) - reference);
}

double silu_by_definition(float gate, float up) {
    return static_cast<double>(gate) / (1.0 + std::exp(-static_cast<double>(gate))) * static_cast<double>(up);
}

}  // namespace

TEST_CASE("rms_norm: errs by no more than its roundings allow, also in place") {
    std::mt19937 random(1);
    for (const std::size_t n : kSizes) {
        for (const float magnitude : {1e-4F, 1.0F, 1e4F}) {
            const auto x = uniform(n, -magnitude, magnitude, random);
            const auto weight = uniform(n, -2.0F, 2.0F, random);
            double squares = 0.0;
            for (const float value : x) squares += static_cast<double>(value) * static_cast<double>(value);
            const double scale = 1.0 / std::sqrt(squares / static_cast<double>(n) + static_cast<double>(1e-5F));
            std::vector<float> out(n);
            scalar().rms_norm(x.data(), weight.data(), n, 1e-5F, out.data());
            // The mean: a square, a lane's sums, four halvings, a quotient, epsilon; the root halves their
            // error. Then root, reciprocal and two products.
            const double n_roundings = (static_cast<double>((n + 15) / 16) + 7.0) / 2.0 + 4.0;
            for (std::size_t i = 0; i < n; ++i) {
                const double reference = static_cast<double>(x[i]) * scale * static_cast<double>(weight[i]);
                CHECK(distance(out[i], reference) <= 1.001 * n_roundings * kUnit * std::fabs(reference));
            }
            std::vector<float> in_place = x;
            scalar().rms_norm(in_place.data(), weight.data(), n, 1e-5F, in_place.data());
            CHECK(in_place == out);
        }
    }
}

TEST_CASE("rms_norm: epsilon keeps a vector of zeros finite, a NaN or an infinity is not hidden") {
    std::vector<float> x(40, 0.0F);
    const std::vector<float> weight(40, 1.0F);
    std::vector<float> out(40, -1.0F);
    scalar().rms_norm(x.data(), weight.data(), 40, 1e-5F, out.data());
    CHECK(out == std::vector<float>(40, 0.0F));
    x[39] = kNaN;
    scalar().rms_norm(x.data(), weight.data(), 40, 1e-5F, out.data());
    for (const float value : out) CHECK(std::isnan(value));
    x[39] = kInfinity;
    scalar().rms_norm(x.data(), weight.data(), 40, 1e-5F, out.data());
    CHECK(std::isnan(out[39]));
}

TEST_CASE("rotate: turns the pairs (i, i + n/2) and keeps their length") {
    std::mt19937 random(2);
    for (const std::size_t n : {2u, 16u, 34u, 64u, 128u}) {
        const auto head = uniform(n, -3.0F, 3.0F, random);
        const auto angle = uniform(n / 2, -7.0F, 7.0F, random);
        std::vector<float> cosine, sine;
        for (const float a : angle) {
            cosine.push_back(std::cos(a));
            sine.push_back(std::sin(a));
        }
        std::vector<float> turned = head;
        scalar().rotate(turned.data(), cosine.data(), sine.data(), n);
        for (std::size_t i = 0; i < n / 2; ++i) {
            const double a = head[i], b = head[i + n / 2], c = cosine[i], s = sine[i];
            // Two products and their sum.
            CHECK(distance(turned[i], a * c - b * s) <= 2.001 * kUnit * (std::fabs(a * c) + std::fabs(b * s)));
            CHECK(distance(turned[i + n / 2], b * c + a * s) <=
                  2.001 * kUnit * (std::fabs(b * c) + std::fabs(a * s)));
        }
    }
    std::vector<float> axes = {1.0F, 0.0F, 0.0F, 1.0F};
    const std::vector<float> cosine = {0.0F, 0.0F};
    const std::vector<float> sine = {1.0F, 1.0F};
    scalar().rotate(axes.data(), cosine.data(), sine.data(), 4);
    CHECK(axes == std::vector<float>{0.0F, -1.0F, 1.0F, 0.0F});
}

TEST_CASE("silu_multiply: errs by no more than its roundings allow") {
    std::mt19937 random(3);
    for (const std::size_t n : kSizes) {
        const auto gate = uniform(n, -80.0F, 80.0F, random);
        const auto up = uniform(n, -4.0F, 4.0F, random);
        std::vector<float> out = gate;
        scalar().silu_multiply(out.data(), up.data(), n);
        for (std::size_t i = 0; i < n; ++i) {
            const double reference = silu_by_definition(gate[i], up[i]);
            // exp (kernels/exponential.h), sum, quotient, product.
            CHECK(distance(out[i], reference) <= (2.5e-7 + 3.001 * kUnit) * std::fabs(reference));
        }
    }
}

TEST_CASE("silu_multiply: no bit depends on the length, large gates do not overflow, a NaN stays") {
    std::mt19937 random(4);
    const auto gate = uniform(133, -20.0F, 20.0F, random);
    const auto up = uniform(133, -4.0F, 4.0F, random);
    std::vector<float> together = gate;
    scalar().silu_multiply(together.data(), up.data(), 133);
    for (std::size_t i = 0; i < 133; ++i) {
        float alone = gate[i];
        scalar().silu_multiply(&alone, &up[i], 1);
        CHECK(std::bit_cast<std::uint32_t>(alone) == std::bit_cast<std::uint32_t>(together[i]));
    }
    std::vector<float> extremes = {1e30F, -1e30F, kNaN, 1.0F, -kInfinity, kInfinity};
    const std::vector<float> ups = {1.0F, 1.0F, 1.0F, kNaN, 1.0F, 1.0F};
    scalar().silu_multiply(extremes.data(), ups.data(), extremes.size());
    CHECK(extremes[0] == 1e30F);
    CHECK(extremes[1] == 0.0F);
    CHECK(std::isnan(extremes[2]));
    CHECK(std::isnan(extremes[3]));
    CHECK(std::isnan(extremes[4]));
    CHECK(extremes[5] == kInfinity);
}

TEST_CASE("add: sums element by element, scaled ones with the product rounded first") {
    std::mt19937 random(6);
    for (const std::size_t n : {0u, 1u, 15u, 16u, 17u, 101u}) {
        const auto x = uniform(n + 1, -1.0F, 1.0F, random);
        const auto y = uniform(n + 1, -1.0F, 1.0F, random);
        std::vector<float> sum = x;
        std::vector<float> scaled = x;
        scalar().add(sum.data(), y.data(), n);
        scalar().add_scaled(scaled.data(), 0.3F, y.data(), n);
        for (std::size_t i = 0; i < n; ++i) {
            const volatile float product = 0.3F * y[i];
            CHECK(sum[i] == x[i] + y[i]);
            CHECK(scaled[i] == x[i] + product);
        }
        CHECK(sum[n] == x[n]);
        CHECK(scaled[n] == x[n]);
    }
}
