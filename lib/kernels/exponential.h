// exp, the same bits in every table: only sums and products, each rounded.
//
// exp(x) = 2^n exp(r) with n the integer nearest to x / ln 2 and |r| <= ln 2 / 2 (Cody and Waite 1980, with ln
// 2 in two parts), exp(r) by a polynomial of degree 6 whose coefficients are the Taylor series', the last two
// moved to level the error. Relative error below 2.5e-7, measured over the whole range
// (tests/kernels/exponential_test.cpp).
#pragma once

#include <cstdint>

namespace sluice::exponential {

constexpr float kSmallest = -87.33654F;  // below it the result is 0: it would not be a normal number
constexpr float kLargest = 88.37626F;    // above it the result is infinity
constexpr float kLog2E = 1.44269504F;
constexpr float kLn2High = 0.693359375F;
constexpr float kLn2Low = -2.12194440e-4F;
// 1.5 * 2^23 + 127: a sum with it has no bits below one, and its lowest are the exponent of 2^n.
constexpr float kRounder = 12583039.0F;
constexpr float kFactors[] = {0.5F, 1.66666672e-1F, 4.16666791e-2F, 8.33333377e-3F, 1.38888892e-3F};

// exp(x) of one float. A NaN stays one.
static inline float of(float x) {
    if (x < kSmallest) return 0.0F;
    if (x > kLargest) return __builtin_inff();
    const float shifted = x * kLog2E + kRounder;
    const float n = shifted - kRounder;
    const float r = (x - n * kLn2High) - n * kLn2Low;
    float p = kFactors[4];
    for (int i = 3; i >= 0; --i) p = p * r + kFactors[i];
    p = (p * r) * r + r + 1.0F;
    // A product, not a sum of exponents: that would make a number of some NaNs.
    return p * __builtin_bit_cast(float, __builtin_bit_cast(std::uint32_t, shifted) << 23);
}

}  // namespace sluice::exponential
