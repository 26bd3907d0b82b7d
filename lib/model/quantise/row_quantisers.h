// Rounding rows of floats to the block formats of kernels/blocks.h, with as little error as the formats allow.
//
// A block stores integers q and few numbers that turn them into weights again. Rounding to nearest is best for
// q once those numbers are fixed, so the search is for them: many candidates are tried, each with the rounding
// that it makes, and the least weighted sum of squares
//     sum over i of importance[i] * (x[i] - decoded[i])^2
// wins. Which x are lucky with a scale is chance, so a finer look around the best scale also finds a better
// one. Between looks the numbers are set to their least-squares values for the integers at hand.
#pragma once

#include <cstddef>

#include "kernels/tensor_type.h"

namespace sluice::quantise {

// Rounds count elements to `row`, row_size(type, count) bytes. importance has count elements, none negative, at
// least one above 0 in every block for it to matter; null: all are 1.
// Requires count to be a multiple of the type's block_count, every x finite and at most kLargest in size.
using RowQuantiser = void (*)(const float* x, const float* importance, std::size_t count, std::byte* row);

// Null for types that nothing is rounded to.
RowQuantiser row_quantiser(TensorType type);

// The largest float16. Blocks keep their scales as such, and no trained weight comes near it.
constexpr float kLargest = 65504.0F;

// One for each format. The symmetric ones have a scale for each block of 32, Q5_1 also a minimum.
void quantise_q4_0(const float* x, const float* importance, std::size_t count, std::byte* row);
void quantise_q5_0(const float* x, const float* importance, std::size_t count, std::byte* row);
void quantise_q8_0(const float* x, const float* importance, std::size_t count, std::byte* row);
void quantise_q5_1(const float* x, const float* importance, std::size_t count, std::byte* row);
void quantise_q4_k(const float* x, const float* importance, std::size_t count, std::byte* row);
void quantise_q5_k(const float* x, const float* importance, std::size_t count, std::byte* row);
void quantise_q6_k(const float* x, const float* importance, std::size_t count, std::byte* row);

}  // namespace sluice::quantise
