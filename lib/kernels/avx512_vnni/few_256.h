// Products of integers for a few vectors with the types of 256 weights in a block: Q4_K, Q5_K and Q6_K.
#pragma once

#include "kernels/avx512_vnni/few.h"
#include "kernels/blocks.h"

namespace sluice::avx512_vnni {
namespace {

template <int n>
inline void add_minimum(__m512 minimums, std::size_t block, const Few<n>& few, Sums<n>& sums) {
#pragma GCC unroll 8
    for (int v = 0; v < n; ++v) {
        sums.of[v] = _mm512_fmadd_ps(minimums, _mm512_set1_ps(few.offsets[v][block]), sums.of[v]);
    }
}

template <int n, bool has_fifth_bits>
void multiply_4k(RowsAt rows, std::size_t n_blocks, const Few<n>& few, Ahead& ahead, Sums<n>& sums) {
    constexpr std::size_t kSize = has_fifth_bits ? sizeof(BlockQ5K) : sizeof(BlockQ4K);
    constexpr std::size_t kNibbles = has_fifth_bits ? 48 : 16;
    for (std::size_t first = 0; first < n_blocks; first += 8) {
        const Scales4K scales(load_columns(rows, 0));
        Columns bits[2] = {};
        if constexpr (has_fifth_bits) {
            bits[0] = load_columns(rows, 16);
            bits[1] = load_columns(rows, 32);
        }
        // A line holds the nibbles of four blocks: 32 bytes for each two.
#pragma GCC unroll 2
        for (std::size_t half = 0; half < 2; ++half) {
            const Line nibbles = load_line(rows, kNibbles + 64 * half);
#pragma GCC unroll 2
            for (std::size_t part = 0; part < 2; ++part) {
                const int run = static_cast<int>(4 * half + 2 * part);
                const std::size_t even = first + static_cast<std::size_t>(run);
                ahead.fetch_next<kSize * 16 / 4>();
                __m512i low[8];
                __m512i high[8];
#pragma GCC unroll 8
                for (std::size_t k = 0; k < 8; ++k) {
                    low[k] = low_nibbles(nibbles.c[8 * part + k]);
                    high[k] = high_nibbles(nibbles.c[8 * part + k]);
                    if constexpr (has_fifth_bits) {
                        low[k] = _mm512_or_si512(low[k], fifth_bit(bits[k / 4].c[k % 4], run));
                        high[k] = _mm512_or_si512(high[k], fifth_bit(bits[k / 4].c[k % 4], run + 1));
                    }
                }
                add_group<n, 8>(low, scales.scale(run), even * 32, even, few, sums);
                add_minimum(scales.minimum(run), even, few, sums);
                add_group<n, 8>(high, scales.scale(run + 1), (even + 1) * 32, even + 1, few, sums);
                add_minimum(scales.minimum(run + 1), even + 1, few, sums);
            }
        }
        rows.advance(kSize);
    }
}

template <int n>
void multiply_q6_k(RowsAt rows, std::size_t n_blocks, const Few<n>& few, Ahead& ahead, Sums<n>& sums) {
    for (std::size_t first = 0; first < n_blocks; first += 8) {
        const Scales6K scales(rows, 0);
#pragma GCC unroll 2
        for (std::size_t half = 0; half < 2; ++half) {
            const Line nibbles = load_line(rows, 64 * half);
            const Columns pairs[2] = {load_columns(rows, 128 + 32 * half),
                                      load_columns(rows, 128 + 32 * half + 16)};
#pragma GCC unroll 4
            for (int run = 0; run < 4; ++run) {
                const std::size_t block = first + 4 * half + static_cast<std::size_t>(run);
                ahead.fetch_next<sizeof(BlockQ6K) * 16 / 8>();
#pragma GCC unroll 2
                for (std::size_t part = 0; part < 2; ++part) {
                    __m512i w[4];
#pragma GCC unroll 4
                    for (std::size_t k = 0; k < 4; ++k) {
                        const __m512i nibble =
                            nibbles.c[8 * (static_cast<std::size_t>(run) % 2) + 4 * part + k];
                        w[k] = _mm512_or_si512(run < 2 ? low_nibbles(nibble) : high_nibbles(nibble),
                                               pair_of(pairs[part].c[k], run));
                    }
                    const std::size_t group = 8 * half + 2 * static_cast<std::size_t>(run) + part;
                    add_group<n, 4>(w, scales.scale(static_cast<int>(group)), block * 32 + 16 * part,
                                    2 * block + part, few, sums);
                }
            }
        }
        rows.advance(sizeof(BlockQ6K));
    }
}

}  // namespace
}  // namespace sluice::avx512_vnni
