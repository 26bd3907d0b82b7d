// Products of integers for a few vectors with the types of 32 weights in a block: Q4_0 and Q8_0. Their
// blocks have the scale in front, so that every other one begins in the middle of a column; scales come out of
// the columns like the rest.
#pragma once

#include "kernels/avx512_vnni/few.h"
#include "kernels/blocks.h"

namespace sluice::avx512_vnni {
namespace {

// The float16 at the front of eight stored blocks of 32 weights, of 16 rows, collected in memory first.
struct FrontScales {
    alignas(64) std::uint16_t halves[8][16];

    void collect(const RowsAt& rows, std::size_t block_size, std::size_t count) {
        for (std::size_t row = 0; row < 16; ++row) {
            const std::byte* at = rows.row(row);
            for (std::size_t b = 0; b < count; ++b) __builtin_memcpy(&halves[b][row], at + b * block_size, 2);
        }
    }
    __m512 of(std::size_t b) const {
        return _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(halves[b])));
    }
};

// A block whose values begin in the middle of c[0], behind its scale, and end in the middle of c[4]: columns
// are multiplied with the four values from two places earlier on, what is not theirs masked out.
template <int n>
[[gnu::always_inline]] inline void add_shifted_q4_0(const __m512i* c, std::size_t block, const Few<n>& few,
                                                    Sums<n>& sums) {
    const __m512i upper = _mm512_set1_epi32(static_cast<std::int32_t>(0x0F0F0000u));
    const __m512i lower = _mm512_set1_epi32(0x00000F0F);
    const __m512i low[5] = {_mm512_and_si512(c[0], upper), low_nibbles(c[1]), low_nibbles(c[2]),
                            low_nibbles(c[3]), _mm512_and_si512(c[4], lower)};
    const __m512i high[5] = {_mm512_and_si512(_mm512_srli_epi16(c[0], 4), upper), high_nibbles(c[1]),
                             high_nibbles(c[2]), high_nibbles(c[3]),
                             _mm512_and_si512(_mm512_srli_epi16(c[4], 4), lower)};
    const __m512 scales = from_low_halves(c[0]);
#pragma GCC unroll 8
    for (int v = 0; v < n; ++v) {
        const std::int8_t* values = few.values[v] + block * 32 - 2;
        __m512i dot = _mm512_set1_epi32(few.corrections[v][block]);
        __m512i other = _mm512_setzero_si512();
#pragma GCC unroll 5
        for (int k = 0; k < 5; ++k) {
            SLUICE_DOT(dot, low[k], values + 4 * k);
            SLUICE_DOT(other, high[k], values + 16 + 4 * k);
        }
        sums.of[v] = add_scaled_dot(_mm512_add_epi32(dot, other), scales, few.scales[v][block], sums.of[v]);
    }
}

template <int n>
[[gnu::always_inline]] inline void add_q4_0(const __m512i* c, __m512 scales, std::size_t block,
                                            const Few<n>& few, Sums<n>& sums) {
    const __m512i w[8] = {low_nibbles(c[0]),  low_nibbles(c[1]),  low_nibbles(c[2]),  low_nibbles(c[3]),
                          high_nibbles(c[0]), high_nibbles(c[1]), high_nibbles(c[2]), high_nibbles(c[3])};
    add_group<n, 8>(w, scales, block * 32, block, few, sums);
}

// Two stored blocks of Q4_0 are nine columns: the scale of the second is the upper half of the fifth.
template <int n>
[[gnu::always_inline]] inline void add_two_q4_0(const __m512i* c, std::size_t block, const Few<n>& few,
                                                Sums<n>& sums) {
    add_shifted_q4_0(c, block, few, sums);
    add_q4_0(c + 5, from_low_halves(_mm512_srli_epi32(c[4], 16)), block + 1, few, sums);
}

// Eight stored blocks are 144 bytes: two lines and four columns.
template <int n>
void add_eight_q4_0(const RowsAt& rows, std::size_t block, const Few<n>& few, Ahead& ahead, Sums<n>& sums) {
    Run<36> run;
    run.load_line_at(rows, 0);
    ahead.fetch_next<2 * 16 * sizeof(BlockQ40)>();
    add_two_q4_0(run.c, block, few, sums);
    run.load_line_at(rows, 1);
    ahead.fetch_next<2 * 16 * sizeof(BlockQ40)>();
    add_two_q4_0(run.c + 9, block + 2, few, sums);
    ahead.fetch_next<2 * 16 * sizeof(BlockQ40)>();
    add_two_q4_0(run.c + 18, block + 4, few, sums);
    run.load_rest(rows);
    ahead.fetch_next<2 * 16 * sizeof(BlockQ40)>();
    add_two_q4_0(run.c + 27, block + 6, few, sums);
}

template <int n>
void multiply_q4_0(RowsAt rows, std::size_t n_blocks, const Few<n>& few, Ahead& ahead, Sums<n>& sums) {
    constexpr std::size_t kSize = sizeof(BlockQ40);
    std::size_t block = 0;
    for (; n_blocks - block >= 8; block += 8) {
        add_eight_q4_0(rows, block, few, ahead, sums);
        rows.advance(8 * kSize);
    }
    FrontScales scales;
    scales.collect(rows, kSize, n_blocks - block);
    for (std::size_t b = 0; block < n_blocks; ++block, ++b) {
        const Columns nibbles = load_columns(rows, 2);
        add_q4_0(nibbles.c, scales.of(b), block, few, sums);
        rows.advance(kSize);
    }
}

// As add_shifted_q4_0, of nine columns.
template <int n>
[[gnu::always_inline]] inline void add_shifted_q8_0(const __m512i* c, std::size_t block, const Few<n>& few,
                                                    Sums<n>& sums) {
    const __m512i flip = _mm512_set1_epi8(-128);
    __m512i w[9];
#pragma GCC unroll 9
    for (int k = 0; k < 9; ++k) w[k] = _mm512_xor_si512(c[k], flip);
    w[0] = _mm512_and_si512(w[0], _mm512_set1_epi32(static_cast<std::int32_t>(0xFFFF0000u)));
    w[8] = _mm512_and_si512(w[8], _mm512_set1_epi32(0x0000FFFF));
    const __m512 scales = from_low_halves(c[0]);
#pragma GCC unroll 8
    for (int v = 0; v < n; ++v) {
        const std::int8_t* values = few.values[v] + block * 32 - 2;
        __m512i even = _mm512_set1_epi32(few.corrections[v][block]);
        __m512i odd = _mm512_setzero_si512();
#pragma GCC unroll 4
        for (int k = 0; k < 8; k += 2) {
            SLUICE_DOT(even, w[k], values + 4 * k);
            SLUICE_DOT(odd, w[k + 1], values + 4 * k + 4);
        }
        SLUICE_DOT(even, w[8], values + 32);
        sums.of[v] = add_scaled_dot(_mm512_add_epi32(even, odd), scales, few.scales[v][block], sums.of[v]);
    }
}

template <int n>
[[gnu::always_inline]] inline void add_q8_0(const __m512i* c, __m512 scales, std::size_t block,
                                            const Few<n>& few, Sums<n>& sums) {
    const __m512i flip = _mm512_set1_epi8(-128);
    __m512i w[8];
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k) w[k] = _mm512_xor_si512(c[k], flip);
    add_group<n, 8>(w, scales, block * 32, block, few, sums);
}

// Eight stored blocks are 272 bytes: four lines and four columns. Two blocks are 17 columns.
template <int n>
void add_eight_q8_0(const RowsAt& rows, std::size_t block, const Few<n>& few, Ahead& ahead, Sums<n>& sums) {
    Run<68> run;
    run.load_line_at(rows, 0);
#pragma GCC unroll 4
    for (std::size_t pair = 0; pair < 4; ++pair) {
        const __m512i* c = run.c + 17 * pair;
        ahead.fetch_next<2 * 16 * sizeof(BlockQ80)>();
        add_shifted_q8_0(c, block + 2 * pair, few, sums);
        if (pair < 3) {
            run.load_line_at(rows, pair + 1);
        } else {
            run.load_rest(rows);
        }
        add_q8_0(c + 9, from_low_halves(_mm512_srli_epi32(c[8], 16)), block + 2 * pair + 1, few, sums);
    }
}

template <int n>
void multiply_q8_0(RowsAt rows, std::size_t n_blocks, const Few<n>& few, Ahead& ahead, Sums<n>& sums) {
    constexpr std::size_t kSize = sizeof(BlockQ80);
    std::size_t block = 0;
    for (; n_blocks - block >= 8; block += 8) {
        add_eight_q8_0(rows, block, few, ahead, sums);
        rows.advance(8 * kSize);
    }
    FrontScales scales;
    scales.collect(rows, kSize, n_blocks - block);
    for (std::size_t b = 0; block < n_blocks; ++block, ++b) {
        const Columns low = load_columns(rows, 2);
        const Columns high = load_columns(rows, 18);
        const __m512i c[8] = {low.c[0],  low.c[1],  low.c[2],  low.c[3],
                              high.c[0], high.c[1], high.c[2], high.c[3]};
        add_q8_0(c, scales.of(b), block, few, sums);
        rows.advance(kSize);
    }
}

}  // namespace
}  // namespace sluice::avx512_vnni
