// Products of integers for a few vectors: what a group of columns of 16 rows adds to their sums.
#pragma once

#include "kernels/avx512_vnni/parts.h"

namespace sluice::avx512_vnni {
namespace {

using Word __attribute__((may_alias)) = std::int32_t;

// One instruction of assembly, as in multiply_quantised.cpp; here each four values serve one product only, so
// they are broadcast by it.
#define SLUICE_DOT(sum, weights, at) \
    __asm__("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(weights), "m"(*reinterpret_cast<const Word*>(at)))

// The vectors, with what their blocks add to a product beside the dot products.
template <int n>
struct Few {
    const std::int8_t* values[n];  // two bytes before them may be read
    const float* scales[n];
    const std::int32_t* corrections[n];  // of a block, or of its halves: - zero point * sum of values
    const float* offsets[n];             // likewise: scale * sum of values
};

// Sixteen rows times each vector.
template <int n>
struct Sums {
    __m512 of[n];
};

// What will be read after these rows, asked for in step with them. One by one in a loop: asked for in one burst
// of code, so many are dropped that Zen 5 reads a tenth less from memory.
struct Ahead {
    const std::byte* at;
    template <std::size_t size>
    [[gnu::always_inline]] void fetch_next() {
#pragma GCC unroll 1
        for (std::size_t i = 0; i < size; i += 64) fetch(at + i, 1);
        at += size;
    }
};

inline __m512 add_scaled_dot(__m512i dot, __m512 scales, float scale, __m512 sum) {
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_mul_ps(scales, _mm512_set1_ps(scale)), sum);
}

// Adds a group of 4 n_registers columns: w[k] holds columns 4 k to 4 k + 3 of 16 rows. `first` is the group's
// first element of the vectors, `at` its number among groups.
template <int n, int n_registers>
[[gnu::always_inline]] inline void add_group(const __m512i* w, __m512 scales, std::size_t first, std::size_t at,
                                             const Few<n>& few, Sums<n>& sums) {
#pragma GCC unroll 8
    for (int v = 0; v < n; ++v) {
        const std::int8_t* values = few.values[v] + first;
        __m512i even = _mm512_set1_epi32(few.corrections[v][at]);
        __m512i odd = _mm512_setzero_si512();
#pragma GCC unroll 8
        for (int k = 0; k < n_registers; k += 2) {
            SLUICE_DOT(even, w[k], values + 4 * k);
            SLUICE_DOT(odd, w[k + 1], values + 4 * k + 4);
        }
        sums.of[v] = add_scaled_dot(_mm512_add_epi32(even, odd), scales, few.scales[v][first / 32], sums.of[v]);
    }
}

}  // namespace
}  // namespace sluice::avx512_vnni
