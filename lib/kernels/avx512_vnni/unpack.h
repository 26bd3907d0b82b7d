// What unpacking writes to: a panel's values, 16 rows at a time, and its scales.
#pragma once

#include "kernels/avx512_vnni/parts.h"
#include "kernels/tile/panel.h"

namespace sluice::avx512_vnni {

// As unpack, for the types that the community makes and LiquidAI does not: Q4_1, Q5_0, Q5_1, IQ4_NL, IQ4_XS,
// Q2_K and Q3_K.
void unpack_community(TensorType type, const tile::PanelRows& rows, std::size_t first, std::size_t count,
                      tile::Panel& panel);

namespace {

using tile::kLaneRows;
using tile::kPanelBlocks;
using tile::Panel;
using tile::PanelRows;

// The 32 values of 16 rows in one block of a panel; part k holds columns 4 k to 4 k + 3.
struct Values {
    std::uint8_t* at;
    void set(std::size_t k, __m512i values) const {
        _mm512_store_si512(reinterpret_cast<__m512i*>(at + 64 * k), values);
    }
};

inline std::uint8_t* values_of(Panel& panel, std::size_t block, std::size_t upper) {
    return &panel.values[block][upper][0][0][0];
}

// The float16 at an offset of stored blocks of 32 weights, of all rows. Collected as integers first, for the
// whole panel: a register read from bytes just written by sixteen stores would wait for them.
inline void unpack_scales_32(const PanelRows& rows, std::size_t first, std::size_t count,
                             std::size_t block_size, std::size_t offset, float (*out)[2][tile::kPanelRows]) {
    alignas(64) std::uint16_t halves[kPanelBlocks][tile::kPanelRows];
    for (std::size_t row = 0; row < tile::kPanelRows; ++row) {
        const std::byte* at = rows.at[row] + first * block_size + offset;
        for (std::size_t b = 0; b < count; ++b) __builtin_memcpy(&halves[b][row], at + b * block_size, 2);
    }
    for (std::size_t b = 0; b < count; ++b) {
        for (std::size_t i = 0; i < tile::kPanelRows; i += 16) {
            const __m256i half = _mm256_load_si256(reinterpret_cast<const __m256i*>(&halves[b][i]));
            _mm512_store_ps(&out[b][0][i], _mm512_cvtph_ps(half));
        }
    }
}

}  // namespace
}  // namespace sluice::avx512_vnni
