// Products of integers for one vector or two, as decoding has them: 16 rows at a time go from memory through
// registers into their sums, and no panel is written. The sums and their order are those of the panels.
#include "kernels/avx512_vnni/parts.h"
#include "kernels/avx512_vnni/table.h"
#include "kernels/tile/form.h"

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

// What will be read after these rows.
struct Ahead {
    const std::byte* at;
    std::size_t per_block;
    void fetch_blocks(std::size_t block, std::size_t count) const {
        fetch(at + block * per_block, count * per_block);
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
#pragma GCC unroll 2
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
#pragma GCC unroll 2
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

// Eight stored blocks of Q4_0 are 144 bytes, nine loads of a row: scales come out of the columns like the rest.
template <int n>
void add_eight_q4_0(const RowsAt& rows, std::size_t block, const Few<n>& few, Sums<n>& sums) {
    Columns at = load_columns(rows, 0);
#pragma GCC unroll 4
    for (std::size_t pair = 0; pair < 4; ++pair) {
        __m512i columns[9];
#pragma GCC unroll 9
        for (std::size_t i = 0; i < 9; ++i) {
            const std::size_t column = 9 * pair + i;
            columns[i] = at.c[column % 4];
            if (column % 4 == 3 && column < 35) at = load_columns(rows, 4 * (column + 1));
        }
        add_shifted_q4_0(columns, block + 2 * pair, few, sums);
        add_q4_0(columns + 5, from_low_halves(_mm512_srli_epi32(columns[4], 16)), block + 2 * pair + 1, few,
                 sums);
    }
}

template <int n>
void multiply_q4_0(RowsAt rows, std::size_t n_blocks, const Few<n>& few, const Ahead& ahead, Sums<n>& sums) {
    constexpr std::size_t kSize = sizeof(BlockQ40);
    std::size_t block = 0;
    for (; n_blocks - block >= 8; block += 8) {
        ahead.fetch_blocks(block, 8);
        add_eight_q4_0(rows, block, few, sums);
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

template <int n>
void multiply_q8_0(RowsAt rows, std::size_t n_blocks, const Few<n>& few, const Ahead& ahead, Sums<n>& sums) {
    constexpr std::size_t kSize = sizeof(BlockQ80);
    const __m512i flip = _mm512_set1_epi8(-128);
    FrontScales scales;
    for (std::size_t first = 0; first < n_blocks; first += 8) {
        const std::size_t count = n_blocks - first < 8 ? n_blocks - first : 8;
        scales.collect(rows, kSize, count);
        for (std::size_t b = 0; b < count; ++b) {
            const std::size_t block = first + b;
            ahead.fetch_blocks(block, 1);
            const Columns low = load_columns(rows, 2);
            const Columns high = load_columns(rows, 18);
            __m512i w[8];
#pragma GCC unroll 4
            for (int k = 0; k < 4; ++k) {
                w[k] = _mm512_xor_si512(low.c[k], flip);
                w[4 + k] = _mm512_xor_si512(high.c[k], flip);
            }
            add_group<n, 8>(w, scales.of(b), block * 32, block, few, sums);
            rows.advance(kSize);
        }
    }
}

template <int n>
inline void add_minimum(__m512 minimums, std::size_t block, const Few<n>& few, Sums<n>& sums) {
#pragma GCC unroll 2
    for (int v = 0; v < n; ++v) {
        sums.of[v] = _mm512_fmadd_ps(minimums, _mm512_set1_ps(few.offsets[v][block]), sums.of[v]);
    }
}

template <int n, bool has_fifth_bits>
void multiply_4k(RowsAt rows, std::size_t n_blocks, const Few<n>& few, const Ahead& ahead, Sums<n>& sums) {
    constexpr std::size_t kSize = has_fifth_bits ? sizeof(BlockQ5K) : sizeof(BlockQ4K);
    constexpr std::size_t kNibbles = has_fifth_bits ? 48 : 16;
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
            ahead.fetch_blocks(even, 2);
            __m512i low[8];
            __m512i high[8];
#pragma GCC unroll 2
            for (std::size_t part = 0; part < 2; ++part) {
                const Columns nibbles =
                    load_columns(rows, kNibbles + 32 * static_cast<std::size_t>(pair) + 16 * part);
#pragma GCC unroll 4
                for (std::size_t k = 0; k < 4; ++k) {
                    __m512i l = low_nibbles(nibbles.c[k]);
                    __m512i h = high_nibbles(nibbles.c[k]);
                    if constexpr (has_fifth_bits) {
                        l = _mm512_or_si512(l, fifth_bit(bits[part].c[k], 2 * pair));
                        h = _mm512_or_si512(h, fifth_bit(bits[part].c[k], 2 * pair + 1));
                    }
                    low[4 * part + k] = l;
                    high[4 * part + k] = h;
                }
            }
            add_group<n, 8>(low, scales.scale(2 * pair), even * 32, even, few, sums);
            add_minimum(scales.minimum(2 * pair), even, few, sums);
            add_group<n, 8>(high, scales.scale(2 * pair + 1), (even + 1) * 32, even + 1, few, sums);
            add_minimum(scales.minimum(2 * pair + 1), even + 1, few, sums);
        }
        rows.advance(kSize);
    }
}

template <int n>
void multiply_q6_k(RowsAt rows, std::size_t n_blocks, const Few<n>& few, const Ahead& ahead, Sums<n>& sums) {
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
                ahead.fetch_blocks(block, 1);
#pragma GCC unroll 2
                for (std::size_t part = 0; part < 2; ++part) {
                    __m512i w[4];
#pragma GCC unroll 4
                    for (std::size_t k = 0; k < 4; ++k) {
                        const __m512i nibble = nibbles[run % 2][part].c[k];
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

#undef SLUICE_DOT

template <int n>
using MultiplyRows = void(RowsAt rows, std::size_t n_blocks, const Few<n>& few, const Ahead& ahead,
                          Sums<n>& sums);

template <int n>
MultiplyRows<n>* kernel_of(TensorType type) {
    switch (type) {
        case TensorType::kQ4_0:
            return multiply_q4_0<n>;
        case TensorType::kQ8_0:
            return multiply_q8_0<n>;
        case TensorType::kQ4_K:
            return multiply_4k<n, false>;
        case TensorType::kQ5_K:
            return multiply_4k<n, true>;
        case TensorType::kQ6_K:
            return multiply_q6_k<n>;
        default:
            return nullptr;
    }
}

// Where the numbers of one vector are kept while a matrix is multiplied with it.
struct Room {
    std::int32_t* corrections;
    float* offsets;
    std::int8_t* values;
};

// The vector in row `row` of x, its values copied to where bytes before them may be read.
template <int n>
void prepare(const tile::Form& form, const QuantisedVectors& x, std::size_t row, const Room& room, int v,
             Few<n>& few) {
    const std::size_t n_blocks = x.size / kQuantisedBlock;
    const std::int32_t* sums = x.sums + row * 2 * n_blocks;
    const float* scales = x.scales + row * n_blocks;
    if (form.has_halves) {
        for (std::size_t i = 0; i < 2 * n_blocks; ++i) room.corrections[i] = -form.zero_point * sums[i];
    } else {
        for (std::size_t b = 0; b < n_blocks; ++b) {
            const std::int32_t both = sums[2 * b] + sums[2 * b + 1];
            room.corrections[b] = -form.zero_point * both;
            room.offsets[b] = scales[b] * static_cast<float>(both);
        }
    }
    __builtin_memcpy(room.values, x.values + row * x.size, x.size);
    few.values[v] = room.values;
    few.scales[v] = scales;
    few.corrections[v] = room.corrections;
    few.offsets[v] = room.offsets;
}

template <int n>
std::size_t multiply_rows(const Matrix& w, std::size_t first_row, std::size_t last_row,
                          const QuantisedVectors& x, float* out, std::size_t out_stride, std::byte* scratch) {
    MultiplyRows<n>* const kernel = kernel_of<n>(w.type);
    const std::size_t n_blocks = w.columns / kQuantisedBlock;
    const std::size_t room_size = 2 * (2 * n_blocks * sizeof(float)) + 64 + w.columns;
    if (kernel == nullptr || n * room_size > kTileScratchSize) return first_row;
    const tile::Form form = tile::form_of(w.type);
    Few<n> few;
    for (int v = 0; v < n; ++v) {
        std::byte* at = scratch + static_cast<std::size_t>(v) * room_size;
        auto* corrections = reinterpret_cast<std::int32_t*>(at);
        auto* offsets = reinterpret_cast<float*>(corrections + 2 * n_blocks);
        auto* values = reinterpret_cast<std::int8_t*>(offsets + 2 * n_blocks) + 64;
        const auto index = static_cast<std::size_t>(v);
        prepare(form, x, x.rows == nullptr ? index : x.rows[index], {corrections, offsets, values}, v, few);
    }
    const std::size_t row_bytes = w.row_bytes();
    std::size_t r = first_row;
    for (; last_row - r >= 16; r += 16) {
        const std::byte* at = w.data + r * row_bytes;
        Sums<n> sums = {};
        kernel(RowsAt(at, row_bytes), n_blocks, few, {at + 16 * row_bytes, 16 * row_bytes / n_blocks}, sums);
        for (int v = 0; v < n; ++v) {
            _mm512_storeu_ps(out + static_cast<std::size_t>(v) * out_stride + r, sums.of[v]);
        }
    }
    return r;
}

}  // namespace

std::size_t multiply_few(const Matrix& w, std::size_t first_row, std::size_t last_row,
                         const QuantisedVectors& x, float* out, std::size_t out_stride, std::byte* scratch) {
    switch (x.count) {
        case 1:
            return multiply_rows<1>(w, first_row, last_row, x, out, out_stride, scratch);
        case 2:
            return multiply_rows<2>(w, first_row, last_row, x, out, out_stride, scratch);
        default:
            return first_row;
    }
}

}  // namespace sluice::avx512_vnni
