// The panel of the NEON tables: the memory of tile::Panel with values of its own order, as signed integers less
// their zero point, so that no product needs a correction.
//
// A panel is four tiles of 8 rows. In a block a tile is 256 bytes: 16 registers in the order in which they are
// multiplied, the first 8 of columns 0 to 15. What a register holds is the table's own choice.
#pragma once

#include <arm_neon.h>

#include "kernels/tile/driver.h"

namespace sluice::neon_dotprod {
namespace {

constexpr std::size_t kTileRows = 8;
constexpr std::size_t kTiles = tile::kPanelRows / kTileRows;
constexpr std::size_t kTileSize = kTileRows * kQuantisedBlock;  // bytes in a block
constexpr std::size_t kTokens = 6;

static_assert(sizeof(tile::Panel{}.values[0]) == kTiles * kTileSize);

inline std::uint8_t* values_of(tile::Panel& panel, std::size_t block, std::size_t tile) {
    return reinterpret_cast<std::uint8_t*>(panel.values[block]) + tile * kTileSize;
}
inline const std::int8_t* values_of(const tile::Panel& panel, std::size_t block, std::size_t tile) {
    return reinterpret_cast<const std::int8_t*>(panel.values[block]) + tile * kTileSize;
}

// An integer of less than 2^22, added to the bits of 1.5 * 2^23, makes the float 1.5 * 2^23 + integer; a
// group's sum is at most 32 * 128 * 127. So sums that begin with those bits become floats by a subtraction, of
// which several Arm cores do more in a cycle than conversions.
constexpr std::int32_t kBase = 0x4B400000;

// Made anew where it is needed: kept in a register it would push an accumulator out.
inline int32x4_t base() {
    int32x4_t lanes;
    __asm__ volatile("dup %0.4s, %w1" : "=w"(lanes) : "r"(kBase));
    return lanes;
}

inline float32x4_t to_float(int32x4_t sums, int32x4_t base) {
    return vsubq_f32(vreinterpretq_f32_s32(sums), vreinterpretq_f32_s32(base));
}

// Calls multiply(tile, out, out_stride) for the tiles that hold wanted rows. The last may lack some: it gets a
// copy of the results with room for 8.
template <class Multiply>
inline void each_tile(std::size_t n_rows, std::size_t n_tokens, float* out, std::size_t out_stride,
                      bool is_first, const Multiply& multiply) {
    const std::size_t n_whole = n_rows / kTileRows;
    for (std::size_t tile = 0; tile < n_whole; ++tile) multiply(tile, out + tile * kTileRows, out_stride);
    const std::size_t rest = n_rows % kTileRows;
    if (rest == 0) return;
    out += n_whole * kTileRows;
    float whole[kTokens][kTileRows] = {};
    if (!is_first) {
        for (std::size_t t = 0; t < n_tokens; ++t) {
            for (std::size_t row = 0; row < rest; ++row) whole[t][row] = out[t * out_stride + row];
        }
    }
    multiply(n_whole, &whole[0][0], kTileRows);
    for (std::size_t t = 0; t < n_tokens; ++t) {
        for (std::size_t row = 0; row < rest; ++row) out[t * out_stride + row] = whole[t][row];
    }
}

}  // namespace
}  // namespace sluice::neon_dotprod
