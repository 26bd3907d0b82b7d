// What unpacking shares: the scales of a panel, and parts of columns.
#pragma once

#include "kernels/avx2/columns.h"

namespace sluice::avx2 {

// As unpack, for the types that the community makes and LiquidAI does not: Q4_1, Q5_0, Q5_1, IQ4_NL, IQ4_XS,
// Q2_K and Q3_K.
void unpack_community(TensorType type, const tile::PanelRows& rows, std::size_t first, std::size_t count,
                      tile::Panel& panel);

namespace {

using tile::kPanelBlocks;
using tile::kPanelRows;
using tile::Panel;
using tile::PanelRows;

// The float16 at an offset of stored blocks of 32 weights, of all rows. Collected as integers first, for the
// whole panel: a register read from bytes just written by eight stores would wait for them.
inline void unpack_scales_32(const PanelRows& rows, std::size_t first, std::size_t count,
                             std::size_t block_size, std::size_t offset,
                             float (&out)[kPanelBlocks][2][kPanelRows]) {
    alignas(64) std::uint16_t halves[kPanelBlocks][kPanelRows];
    for (std::size_t row = 0; row < kPanelRows; ++row) {
        const std::byte* at = rows.at[row] + first * block_size + offset;
        for (std::size_t b = 0; b < count; ++b) __builtin_memcpy(&halves[b][row], at + b * block_size, 2);
    }
    for (std::size_t b = 0; b < count; ++b) {
        for (std::size_t i = 0; i < kPanelRows; i += kEight) {
            const __m128i half = _mm_load_si128(reinterpret_cast<const __m128i*>(&halves[b][i]));
            _mm256_store_ps(&out[b][0][i], _mm256_cvtph_ps(half));
        }
    }
}

// Byte i % 4 of each lane.
inline __m256i byte_of(__m256i lanes, int i) {
    return _mm256_and_si256(shifted(lanes, -8 * i), _mm256_set1_epi32(255));
}

// The float16 in the lower half of each lane.
inline __m256 low_halves(__m256i lanes) {
    const __m256i packed =
        _mm256_packus_epi32(_mm256_and_si256(lanes, _mm256_set1_epi32(0xFFFF)), _mm256_setzero_si256());
    return _mm256_cvtph_ps(_mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 8)));
}

}  // namespace
}  // namespace sluice::avx2
