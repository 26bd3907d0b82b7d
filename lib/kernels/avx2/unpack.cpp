// Stored blocks to panels.
#include "kernels/avx2/unpack.h"

#include "kernels/avx2/table.h"

namespace sluice::avx2 {
namespace {

void unpack_q4_0(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    constexpr std::size_t kSize = sizeof(BlockQ40);
    for (std::size_t b = 0; b < count; ++b) {
        fetch(rows.next + (first + b) * rows.next_per_block, rows.next_per_block);
        for (std::size_t row = 0; row < kPanelRows; row += kEight) {
            const Columns nibbles = load_columns(rows.at + row, (first + b) * kSize + 2);
            const Values out(panel, b, row);
#pragma GCC unroll 4
            for (std::size_t k = 0; k < 4; ++k) {
                out.set(k, low_nibbles(nibbles.c[k]));
                out.set(4 + k, high_nibbles(nibbles.c[k]));
            }
        }
    }
    unpack_scales_32(rows, first, count, kSize, 0, panel.scales);
}

void unpack_q8_0(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    constexpr std::size_t kSize = sizeof(BlockQ80);
    const __m256i flip = _mm256_set1_epi8(-128);
    for (std::size_t b = 0; b < count; ++b) {
        fetch(rows.next + (first + b) * rows.next_per_block, rows.next_per_block);
        for (std::size_t row = 0; row < kPanelRows; row += kEight) {
            const Values out(panel, b, row);
            for (std::size_t part = 0; part < 2; ++part) {
                const Columns bytes = load_columns(rows.at + row, (first + b) * kSize + 2 + 16 * part);
#pragma GCC unroll 4
                for (std::size_t k = 0; k < 4; ++k) out.set(4 * part + k, _mm256_xor_si256(bytes.c[k], flip));
            }
        }
    }
    unpack_scales_32(rows, first, count, kSize, 0, panel.scales);
}

// Scales and minimums of a Q4_K or Q5_K block of 8 rows, eight runs from panel block `at` on. The first 16
// bytes of the stored block, by columns of four: d m | low six bits of 0 to 3 | of the minimums | the rest of 4
// to 7.
void unpack_scales_4k(const Columns& head, std::size_t at, std::size_t row, Panel& panel) {
    const __m256i six = _mm256_set1_epi32(0x3F3F3F3F);
    const __m256i four = _mm256_set1_epi32(0x0F0F0F0F);
    const __m256i top = _mm256_set1_epi32(0x30303030);
    const __m256 d = low_halves(head.c[0]);
    const __m256 minus_m = _mm256_xor_ps(low_halves(_mm256_srli_epi32(head.c[0], 16)), _mm256_set1_ps(-0.0F));
    const __m256i scales[2] = {_mm256_and_si256(head.c[1], six),
                               _mm256_or_si256(_mm256_and_si256(head.c[3], four),
                                               _mm256_and_si256(_mm256_srli_epi32(head.c[1], 2), top))};
    const __m256i minimums[2] = {_mm256_and_si256(head.c[2], six),
                                 _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi32(head.c[3], 4), four),
                                                 _mm256_and_si256(_mm256_srli_epi32(head.c[2], 2), top))};
    for (int run = 0; run < 8; ++run) {
        const __m256 s = _mm256_cvtepi32_ps(byte_of(scales[run / 4], run % 4));
        const __m256 n = _mm256_cvtepi32_ps(byte_of(minimums[run / 4], run % 4));
        const std::size_t block = at + static_cast<std::size_t>(run);
        _mm256_store_ps(&panel.scales[block][0][row], _mm256_mul_ps(d, s));
        _mm256_store_ps(&panel.minimums[block][0][row], _mm256_mul_ps(minus_m, n));
    }
}

// Bit `run` of each byte, moved to bit 4.
__m256i fifth_bit(__m256i bits, int run) {
    return _mm256_and_si256(shifted(bits, 4 - run), _mm256_set1_epi8(16));
}

template <bool has_fifth_bits>
void unpack_4k(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    constexpr std::size_t kSize = has_fifth_bits ? sizeof(BlockQ5K) : sizeof(BlockQ4K);
    constexpr std::size_t kNibbles = has_fifth_bits ? 48 : 16;
    for (std::size_t b = 0; b < count; b += 8) {
        const std::size_t offset = (first + b) / 8 * kSize;
        for (std::size_t row = 0; row < kPanelRows; row += kEight) {
            const std::byte* const* from = rows.at + row;
            fetch(rows.next + (first + b + row / 4) * rows.next_per_block, 2 * rows.next_per_block);
            unpack_scales_4k(load_columns(from, offset), b, row, panel);
            for (std::size_t part = 0; part < 2; ++part) {
                Columns bits{};
                if constexpr (has_fifth_bits) bits = load_columns(from, offset + 16 + 16 * part);
                for (int pair = 0; pair < 4; ++pair) {
                    const auto even = b + 2 * static_cast<std::size_t>(pair);
                    const Columns nibbles =
                        load_columns(from, offset + kNibbles + 32 * static_cast<std::size_t>(pair) + 16 * part);
                    const Values low(panel, even, row);
                    const Values high(panel, even + 1, row);
#pragma GCC unroll 4
                    for (std::size_t k = 0; k < 4; ++k) {
                        __m256i l = low_nibbles(nibbles.c[k]);
                        __m256i h = high_nibbles(nibbles.c[k]);
                        if constexpr (has_fifth_bits) {
                            l = _mm256_or_si256(l, fifth_bit(bits.c[k], 2 * pair));
                            h = _mm256_or_si256(h, fifth_bit(bits.c[k], 2 * pair + 1));
                        }
                        low.set(4 * part + k, l);
                        high.set(4 * part + k, h);
                    }
                }
            }
        }
    }
}

// Bits 2 run and 2 run + 1 of each byte, moved to bits 4 and 5.
__m256i pair_of(__m256i pairs, int run) {
    return _mm256_and_si256(shifted(pairs, 4 - 2 * run), _mm256_set1_epi8(48));
}

// Sixteen signed scales of a block, and d, of 8 rows.
void unpack_scales_6k(const std::byte* const* rows, std::size_t offset, std::size_t at, std::size_t row,
                      Panel& panel) {
    alignas(16) std::uint16_t halves[kEight];
    for (std::size_t i = 0; i < kEight; ++i) __builtin_memcpy(&halves[i], rows[i] + offset + 208, 2);
    const Columns scales = load_columns(rows, offset + 192);
    const __m256 d = _mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(halves)));
    for (int group = 0; group < 16; ++group) {
        const __m256i up = shifted(scales.c[group / 4], 24 - group % 4 * 8);
        const __m256 s = _mm256_cvtepi32_ps(_mm256_srai_epi32(up, 24));
        const std::size_t block = at + static_cast<std::size_t>(group) / 2;
        _mm256_store_ps(&panel.scales[block][group % 2][row], _mm256_mul_ps(d, s));
    }
}

void unpack_q6_k(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    for (std::size_t b = 0; b < count; b += 8) {
        const std::size_t offset = (first + b) / 8 * sizeof(BlockQ6K);
        for (std::size_t row = 0; row < kPanelRows; row += kEight) {
            const std::byte* const* from = rows.at + row;
            fetch(rows.next + (first + b + row / 4) * rows.next_per_block, 2 * rows.next_per_block);
            unpack_scales_6k(from, offset, b, row, panel);
            for (std::size_t half = 0; half < 2; ++half) {
                for (std::size_t part = 0; part < 2; ++part) {
                    const Columns pairs = load_columns(from, offset + 128 + 32 * half + 16 * part);
                    for (int odd = 0; odd < 2; ++odd) {
                        const Columns nibbles = load_columns(
                            from, offset + 64 * half + 32 * static_cast<std::size_t>(odd) + 16 * part);
                        const std::size_t run = b + 4 * half + static_cast<std::size_t>(odd);
                        const Values low(panel, run, row);
                        const Values high(panel, run + 2, row);
#pragma GCC unroll 4
                        for (std::size_t k = 0; k < 4; ++k) {
                            low.set(4 * part + k,
                                    _mm256_or_si256(low_nibbles(nibbles.c[k]), pair_of(pairs.c[k], odd)));
                            high.set(4 * part + k,
                                     _mm256_or_si256(high_nibbles(nibbles.c[k]), pair_of(pairs.c[k], odd + 2)));
                        }
                    }
                }
            }
        }
    }
}

}  // namespace

void unpack(TensorType type, const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    switch (type) {
        case TensorType::kQ4_0:
            return unpack_q4_0(rows, first, count, panel);
        case TensorType::kQ8_0:
            return unpack_q8_0(rows, first, count, panel);
        case TensorType::kQ4_K:
            return unpack_4k<false>(rows, first, count, panel);
        case TensorType::kQ5_K:
            return unpack_4k<true>(rows, first, count, panel);
        case TensorType::kQ6_K:
            return unpack_q6_k(rows, first, count, panel);
        default:
            return unpack_community(type, rows, first, count, panel);
    }
}

}  // namespace sluice::avx2
