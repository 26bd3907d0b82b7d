// exp as every table computes it, against double precision.
#include "kernels/exponential.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "support/catch.h"
#include "support/slow_build.h"

using namespace sluice;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The header's.
constexpr double kRelativeError = 2.5e-7;

double relative_error(float x) {
    const double exact = std::exp(static_cast<double>(x));
    return std::fabs(static_cast<double>(exponential::of(x)) - exact) / exact;
}

// Calls visit with every step-th float from low to high.
template <class Visit>
void for_floats(float low, float high, std::uint32_t step, const Visit& visit) {
    // Floats of one sign are ordered as their bits are.
    const auto last = std::bit_cast<std::uint32_t>(std::max(std::fabs(low), std::fabs(high)));
    for (std::uint32_t bits = 0; bits <= last; bits += step) {
        const auto x = std::bit_cast<float>(bits);
        if (x <= high) visit(x);
        if (-x >= low) visit(-x);
    }
}

}  // namespace

TEST_CASE("exponential: errs by no more than the header says, over the whole range") {
    double largest = 0.0;
    float worst = 0.0F;
    for_floats(exponential::kSmallest, exponential::kLargest, kIsSlowBuild ? 9973 : 199, [&](float x) {
        const double error = relative_error(x);
        if (error <= largest) return;
        largest = error;
        worst = x;
    });
    INFO("exp(" << worst << ") errs by " << largest);
    CHECK(largest <= kRelativeError);
    CHECK(largest > kRelativeError / 4);  // the figure is a measured one
}

TEST_CASE("exponential: errs no more next to the places where its parts meet") {
    for (int n = -126; n <= 127; ++n) {
        const auto border = static_cast<float>((static_cast<double>(n) + 0.5) * 0.69314718055994531);
        const auto middle = static_cast<float>(static_cast<double>(n) * 0.69314718055994531);
        for (float x : {border, middle}) {
            for (int i = 0; i < 50; ++i) x = std::nextafter(x, -kInfinity);
            for (int i = 0; i < 100; ++i) {
                x = std::nextafter(x, kInfinity);
                if (x < exponential::kSmallest || x > exponential::kLargest) continue;
                if (!(relative_error(x) <= kRelativeError)) FAIL("exp(" << x << ")");
            }
        }
    }
    SUCCEED();
}

TEST_CASE("exponential: exp(0) is 1, with either sign") {
    CHECK(exponential::of(0.0F) == 1.0F);
    CHECK(exponential::of(-0.0F) == 1.0F);
    CHECK(exponential::of(std::numeric_limits<float>::denorm_min()) == 1.0F);
}

TEST_CASE("exponential: below its smallest it is 0, above its largest infinite, and in between neither") {
    using exponential::kLargest, exponential::kSmallest;
    CHECK(std::isnormal(exponential::of(std::nextafter(kSmallest, 0.0F))));
    CHECK(exponential::of(kSmallest) > 0.0F);
    CHECK(exponential::of(std::nextafter(kSmallest, -kInfinity)) == 0.0F);
    CHECK(exponential::of(-1000.0F) == 0.0F);
    CHECK(exponential::of(std::numeric_limits<float>::lowest()) == 0.0F);
    CHECK(exponential::of(-kInfinity) == 0.0F);
    CHECK(std::isfinite(exponential::of(kLargest)));
    CHECK(exponential::of(std::nextafter(kLargest, kInfinity)) == kInfinity);
    CHECK(exponential::of(1000.0F) == kInfinity);
    CHECK(exponential::of(std::numeric_limits<float>::max()) == kInfinity);
    CHECK(exponential::of(kInfinity) == kInfinity);
}

TEST_CASE("exponential: a NaN stays one, whatever its bits") {
    std::mt19937 random(1);
    for (int i = 0; i < 10000; ++i) {
        const auto any = static_cast<std::uint32_t>(1 + random() % 0x7FFFFF);
        const std::uint32_t payload = i == 0 ? 0x7FFFFFu : i == 1 ? 0x400000u : any;
        for (const std::uint32_t sign : {0u, 0x80000000u}) {
            const auto nan = std::bit_cast<float>(sign | 0x7F800000u | payload);
            if (!std::isnan(exponential::of(nan))) FAIL("the NaN of the bits " << std::hex << (sign | payload));
        }
    }
    SUCCEED();
}

TEST_CASE("exponential: of two numbers that differ by more than its error the larger has the larger exp") {
    std::mt19937 random(2);
    std::uniform_real_distribution<float> anywhere(exponential::kSmallest, exponential::kLargest);
    std::uniform_real_distribution<float> near(0.0F, 1e-5F);
    for (int i = 0; i < 200000; ++i) {
        const float a = anywhere(random);
        const float b = i % 2 == 0 ? anywhere(random) : a + near(random);
        const float low = std::min(a, b);
        const float high = std::max(a, b);
        const double allowed = 1.0 + 2.0 * kRelativeError;
        const double before = static_cast<double>(exponential::of(low));
        if (!(before <= allowed * static_cast<double>(exponential::of(high)))) FAIL(low << " and " << high);
        if (static_cast<double>(high - low) > 2.1 * kRelativeError &&
            !(exponential::of(low) < exponential::of(high)))
            FAIL(low << " and " << high);
    }
    SUCCEED();
}
