// Products of integers for one vector, as decoding has them: 16 rows at a time go from memory through registers
// into their sums, and no panel is written. The sums and their order are those of the panels.
#include "kernels/avx512_vnni/parts.h"
#include "kernels/avx512_vnni/table.h"
#include "kernels/tile/form.h"

namespace sluice::avx512_vnni {
namespace {

using Word __attribute__((may_alias)) = std::int32_t;

#define SLUICE_DOT(sum, weights, at) \
    __asm__("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(sum) : "v"(weights), "m"(*reinterpret_cast<const Word*>(at)))

// The vector, with what its blocks add to a product beside the dot products.
struct One {
    const std::int8_t* values;  // two bytes before them may be read
    const float* scales;
    const std::int32_t* corrections;  // of a block, or of its halves: - zero point * sum of values
    const float* offsets;             // likewise: scale * sum of values
};

// Four registers of 16 rows x 4 columns times 16 values.
inline __m512i dot_half(__m512i w0, __m512i w1, __m512i w2, __m512i w3, const std::int8_t* values,
                        __m512i sum) {
    __m512i other = _mm512_setzero_si512();
    SLUICE_DOT(sum, w0, values);
    SLUICE_DOT(other, w1, values + 4);
    SLUICE_DOT(sum, w2, values + 8);
    SLUICE_DOT(other, w3, values + 12);
    return _mm512_add_epi32(sum, other);
}

inline __m512 add_scaled_dot(__m512i dot, __m512 scales, float scale, __m512 sum) {
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_mul_ps(scales, _mm512_set1_ps(scale)), sum);
}

// What will be read after these rows.
struct Ahead {
    const std::byte* at;
    std::size_t per_block;
    void fetch_block(std::size_t block) const { fetch(at + block * per_block, per_block); }
};

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

// Eight stored blocks of Q4_0 are 144 bytes, nine loads of a row. Scales then come out of the columns like all
// else; in every first block of two the values begin in the middle of a column, so that column is multiplied
// with the four values from two places earlier on, its scale masked out.
__m512 eight_q4_0(const RowsAt& rows, std::size_t block, const One& one, __m512 sum) {
    const __m512i upper = _mm512_set1_epi32(static_cast<std::int32_t>(0x0F0F0000u));
    const __m512i lower = _mm512_set1_epi32(0x00000F0F);
    Columns at = load_columns(rows, 0);
    __m512i columns[9];
#pragma GCC unroll 4
    for (std::size_t pair = 0; pair < 4; ++pair) {
#pragma GCC unroll 9
        for (std::size_t i = 0; i < 9; ++i) {
            const std::size_t column = 9 * pair + i;
            columns[i] = at.c[column % 4];
            if (column % 4 == 3 && column < 35) at = load_columns(rows, 4 * (column + 1));
        }
        const std::size_t even = block + 2 * pair;
        const std::int8_t* v = one.values + even * 32;
        __m512i low = _mm512_set1_epi32(one.corrections[even]);
        __m512i high = _mm512_setzero_si512();
        SLUICE_DOT(low, _mm512_and_si512(columns[0], upper), v - 2);
        SLUICE_DOT(high, _mm512_and_si512(_mm512_srli_epi16(columns[0], 4), upper), v + 14);
#pragma GCC unroll 3
        for (std::size_t k = 1; k < 4; ++k) {
            SLUICE_DOT(low, low_nibbles(columns[k]), v + 4 * k - 2);
            SLUICE_DOT(high, high_nibbles(columns[k]), v + 4 * k + 14);
        }
        SLUICE_DOT(low, _mm512_and_si512(columns[4], lower), v + 14);
        SLUICE_DOT(high, _mm512_and_si512(_mm512_srli_epi16(columns[4], 4), lower), v + 30);
        sum = add_scaled_dot(_mm512_add_epi32(low, high), from_low_halves(columns[0]), one.scales[even], sum);

        low = dot_half(low_nibbles(columns[5]), low_nibbles(columns[6]), low_nibbles(columns[7]),
                       low_nibbles(columns[8]), v + 32, _mm512_set1_epi32(one.corrections[even + 1]));
        low = dot_half(high_nibbles(columns[5]), high_nibbles(columns[6]), high_nibbles(columns[7]),
                       high_nibbles(columns[8]), v + 48, low);
        sum =
            add_scaled_dot(low, from_low_halves(_mm512_srli_epi32(columns[4], 16)), one.scales[even + 1], sum);
    }
    return sum;
}

__m512 one_q4_0(RowsAt rows, std::size_t n_blocks, const One& one, const Ahead& ahead) {
    constexpr std::size_t kSize = sizeof(BlockQ40);
    __m512 sum = _mm512_setzero_ps();
    std::size_t block = 0;
    for (; n_blocks - block >= 8; block += 8) {
        fetch(ahead.at + block * ahead.per_block, 8 * ahead.per_block);
        sum = eight_q4_0(rows, block, one, sum);
        rows.advance(8 * kSize);
    }
    FrontScales scales;
    scales.collect(rows, kSize, n_blocks - block);
    for (std::size_t b = 0; block < n_blocks; ++block, ++b) {
        const Columns n = load_columns(rows, 2);
        const std::int8_t* values = one.values + block * 32;
        const __m512i low = dot_half(low_nibbles(n.c[0]), low_nibbles(n.c[1]), low_nibbles(n.c[2]),
                                     low_nibbles(n.c[3]), values, _mm512_set1_epi32(one.corrections[block]));
        const __m512i dot = dot_half(high_nibbles(n.c[0]), high_nibbles(n.c[1]), high_nibbles(n.c[2]),
                                     high_nibbles(n.c[3]), values + 16, low);
        sum = add_scaled_dot(dot, scales.of(b), one.scales[block], sum);
        rows.advance(kSize);
    }
    return sum;
}

__m512 one_q8_0(RowsAt rows, std::size_t n_blocks, const One& one, const Ahead& ahead) {
    constexpr std::size_t kSize = sizeof(BlockQ80);
    const __m512i flip = _mm512_set1_epi8(-128);
    __m512 sum = _mm512_setzero_ps();
    FrontScales scales;
    for (std::size_t first = 0; first < n_blocks; first += 8) {
        const std::size_t count = n_blocks - first < 8 ? n_blocks - first : 8;
        scales.collect(rows, kSize, count);
        for (std::size_t b = 0; b < count; ++b) {
            const std::size_t block = first + b;
            ahead.fetch_block(block);
            __m512i dot = _mm512_set1_epi32(one.corrections[block]);
            for (std::size_t part = 0; part < 2; ++part) {
                const Columns w = load_columns(rows, 2 + 16 * part);
                dot = dot_half(_mm512_xor_si512(w.c[0], flip), _mm512_xor_si512(w.c[1], flip),
                               _mm512_xor_si512(w.c[2], flip), _mm512_xor_si512(w.c[3], flip),
                               one.values + block * 32 + 16 * part, dot);
            }
            rows.advance(kSize);
            sum = add_scaled_dot(dot, scales.of(b), one.scales[block], sum);
        }
    }
    return sum;
}

template <bool has_fifth_bits>
__m512 one_4k(RowsAt rows, std::size_t n_blocks, const One& one, const Ahead& ahead) {
    constexpr std::size_t kSize = has_fifth_bits ? sizeof(BlockQ5K) : sizeof(BlockQ4K);
    constexpr std::size_t kNibbles = has_fifth_bits ? 48 : 16;
    __m512 sum = _mm512_setzero_ps();
    for (std::size_t first = 0; first < n_blocks; first += 8) {
        const Scales4K scales(load_columns(rows, 0));
        Columns bits[2] = {};
        if constexpr (has_fifth_bits) {
            bits[0] = load_columns(rows, 16);
            bits[1] = load_columns(rows, 32);
        }
#pragma GCC unroll 4
        for (int pair = 0; pair < 4; ++pair) {
            const std::size_t even = first + 2 * static_cast<std::size_t>(pair);
            ahead.fetch_block(even);
            ahead.fetch_block(even + 1);
            const std::int8_t* values = one.values + even * 32;
            __m512i dots[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
            for (std::size_t part = 0; part < 2; ++part) {
                const Columns n =
                    load_columns(rows, kNibbles + 32 * static_cast<std::size_t>(pair) + 16 * part);
                __m512i low[4];
                __m512i high[4];
#pragma GCC unroll 4
                for (std::size_t k = 0; k < 4; ++k) {
                    low[k] = low_nibbles(n.c[k]);
                    high[k] = high_nibbles(n.c[k]);
                    if constexpr (has_fifth_bits) {
                        low[k] = _mm512_or_si512(low[k], fifth_bit(bits[part].c[k], 2 * pair));
                        high[k] = _mm512_or_si512(high[k], fifth_bit(bits[part].c[k], 2 * pair + 1));
                    }
                }
                dots[0] = dot_half(low[0], low[1], low[2], low[3], values + 16 * part, dots[0]);
                dots[1] = dot_half(high[0], high[1], high[2], high[3], values + 32 + 16 * part, dots[1]);
            }
            for (int odd = 0; odd < 2; ++odd) {
                const std::size_t block = even + static_cast<std::size_t>(odd);
                sum = add_scaled_dot(dots[odd], scales.scale(2 * pair + odd), one.scales[block], sum);
                sum = _mm512_fmadd_ps(scales.minimum(2 * pair + odd), _mm512_set1_ps(one.offsets[block]), sum);
            }
        }
        rows.advance(kSize);
    }
    return sum;
}

__m512 one_q6_k(RowsAt rows, std::size_t n_blocks, const One& one, const Ahead& ahead) {
    __m512 sum = _mm512_setzero_ps();
    for (std::size_t first = 0; first < n_blocks; first += 8) {
        const Scales6K scales(rows, 0);
#pragma GCC unroll 2
        for (std::size_t half = 0; half < 2; ++half) {
            Columns nibbles[2][2];
            Columns pairs[2];
            for (std::size_t part = 0; part < 2; ++part) {
                nibbles[0][part] = load_columns(rows, 64 * half + 16 * part);
                nibbles[1][part] = load_columns(rows, 64 * half + 32 + 16 * part);
                pairs[part] = load_columns(rows, 128 + 32 * half + 16 * part);
            }
#pragma GCC unroll 4
            for (int run = 0; run < 4; ++run) {
                const std::size_t block = first + 4 * half + static_cast<std::size_t>(run);
                ahead.fetch_block(block);
#pragma GCC unroll 2
                for (std::size_t part = 0; part < 2; ++part) {
                    __m512i w[4];
#pragma GCC unroll 4
                    for (std::size_t k = 0; k < 4; ++k) {
                        const __m512i nibble = nibbles[run % 2][part].c[k];
                        w[k] = _mm512_or_si512(run < 2 ? low_nibbles(nibble) : high_nibbles(nibble),
                                               pair_of(pairs[part].c[k], run));
                    }
                    const __m512i dot = dot_half(w[0], w[1], w[2], w[3], one.values + block * 32 + 16 * part,
                                                 _mm512_set1_epi32(one.corrections[2 * block + part]));
                    const std::size_t group = 8 * half + 2 * static_cast<std::size_t>(run) + part;
                    sum = add_scaled_dot(dot, scales.scale(static_cast<int>(group)), one.scales[block], sum);
                }
            }
        }
        rows.advance(sizeof(BlockQ6K));
    }
    return sum;
}

#undef SLUICE_DOT

using MultiplyRows = __m512(RowsAt rows, std::size_t n_blocks, const One& one, const Ahead& ahead);

MultiplyRows* rows_of(TensorType type) {
    switch (type) {
        case TensorType::kQ4_0:
            return one_q4_0;
        case TensorType::kQ8_0:
            return one_q8_0;
        case TensorType::kQ4_K:
            return one_4k<false>;
        case TensorType::kQ5_K:
            return one_4k<true>;
        case TensorType::kQ6_K:
            return one_q6_k;
        default:
            return nullptr;
    }
}

}  // namespace

std::size_t multiply_one(const Matrix& w, std::size_t first_row, std::size_t last_row,
                         const QuantisedVectors& x, float* out, std::byte* scratch) {
    MultiplyRows* const multiply_rows = rows_of(w.type);
    const std::size_t n_blocks = w.columns / kQuantisedBlock;
    const std::size_t n_sums = 2 * n_blocks;
    if (multiply_rows == nullptr || 2 * n_sums * sizeof(float) + 64 + w.columns > kTileScratchSize)
        return first_row;
    auto* corrections = reinterpret_cast<std::int32_t*>(scratch);
    auto* offsets = reinterpret_cast<float*>(corrections + n_sums);
    auto* values = reinterpret_cast<std::int8_t*>(offsets + n_sums) + 64;
    const tile::Form form = tile::form_of(w.type);
    const std::size_t row = x.rows == nullptr ? 0 : x.rows[0];
    __builtin_memcpy(values, x.values + row * x.size, w.columns);
    const One one{values, x.scales + row * n_blocks, corrections, offsets};
    const std::int32_t* sums = x.sums + row * n_sums;
    if (form.has_halves) {
        for (std::size_t i = 0; i < n_sums; ++i) corrections[i] = -form.zero_point * sums[i];
    } else {
        for (std::size_t b = 0; b < n_blocks; ++b) {
            const std::int32_t both = sums[2 * b] + sums[2 * b + 1];
            corrections[b] = -form.zero_point * both;
            offsets[b] = one.scales[b] * static_cast<float>(both);
        }
    }
    const std::size_t row_bytes = w.row_bytes();
    std::size_t r = first_row;
    for (; last_row - r >= 16; r += 16) {
        const std::byte* at = w.data + r * row_bytes;
        const Ahead ahead{at + 16 * row_bytes, 16 * row_bytes / n_blocks};
        _mm512_storeu_ps(out + r, multiply_rows(RowsAt(at, row_bytes), n_blocks, one, ahead));
    }
    return r;
}

}  // namespace sluice::avx512_vnni
