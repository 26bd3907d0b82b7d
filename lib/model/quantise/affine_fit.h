// A run of 32 elements as x = a q - b: the shape of Q4_K, Q5_K and Q5_1, before a and b are rounded themselves.
#pragma once

#include <cstddef>

namespace sluice::quantise {

constexpr std::size_t kRun = 32;

struct AffineFit {
    float scale = 0;    // a
    float minimum = 0;  // b
};

// The K formats store no b below 0.
enum class Minimum { kNotAboveZero, kAny };

// The best fit found with levels 0 to highest; a is not negative, and 0 where all elements are (nearly) one
// number.
AffineFit find_affine(const float* x, const float* w, float highest, Minimum minimum);

// Weighted squares of x - (a q - b) with q rounded from x; of x + b where a is 0. Requires a >= 0.
float affine_error(const float* x, const float* w, float highest, AffineFit fit);

// These q, as floats.
void affine_levels(const float* x, float highest, AffineFit fit, float* q);

}  // namespace sluice::quantise
