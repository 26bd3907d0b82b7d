// How keys and values lie in memory: in tiles of 16 positions of one key/value head, all of one size.
//
//              keys                                     values
//   F32, F16   [head_size][16]                          [16][head_size]
//   Q8_0       scales, then [head_size / 4][16][4]      scales, then [16][head_size]
//   Q4_0       scales, then [head_size / 32][4][16][4]  scales, then [16][head_size / 32][16]
//
// Q8_0 and Q4_0 are rounded in blocks of 32 elements of one position, each with a scale: float16, together at
// the tile's beginning as [head_size / 32][16]. An element is its scale times a signed byte, or times four bits
// less 8. A byte of four bits twice holds elements i and i + 16 of a block, i in the lower half. Keys lie so
// that 64 bytes are four elements of 16 positions: a lane is a position, and a product of integers takes four
// elements of one.
//
// Static and free of std, so that a file compiled for one instruction set keeps its own copy.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/tensor_type.h"

namespace sluice {

constexpr std::size_t kTilePositions = 16;
constexpr std::size_t kStoredBlock = 32;

static constexpr bool is_stored_in_blocks(TensorType type) {
    return type == TensorType::kQ8_0 || type == TensorType::kQ4_0;
}

// Bytes of a tile. Requires one of the four types, and a head size that is a multiple of 32 where it has
// blocks.
static constexpr std::size_t tile_size(TensorType type, std::size_t head_size) {
    switch (type) {
        case TensorType::kQ8_0:
            return kTilePositions * (head_size / kStoredBlock) * (2 + kStoredBlock);
        case TensorType::kQ4_0:
            return kTilePositions * (head_size / kStoredBlock) * (2 + kStoredBlock / 2);
        case TensorType::kF16:
            return kTilePositions * head_size * 2;
        default:
            return kTilePositions * head_size * 4;
    }
}

// Bytes of the scales that a tile with blocks begins with; its elements follow.
static constexpr std::size_t tile_scales_size(std::size_t head_size) {
    return head_size / kStoredBlock * kTilePositions * 2;
}

// Where element d of a position's key is behind the scales, in bytes; with Q4_0 the byte holds d % 32 < 16 in
// its lower half.
static constexpr std::size_t q8_key_at(std::size_t position, std::size_t d) {
    return d / 4 * 4 * kTilePositions + position * 4 + d % 4;
}
static constexpr std::size_t q4_key_at(std::size_t position, std::size_t d) {
    return q8_key_at(position, d / kStoredBlock * (kStoredBlock / 2) + d % 16);
}
static constexpr std::size_t q8_value_at(std::size_t position, std::size_t d, std::size_t head_size) {
    return position * head_size + d;
}
static constexpr std::size_t q4_value_at(std::size_t position, std::size_t d, std::size_t head_size) {
    return position * (head_size / 2) + d / kStoredBlock * (kStoredBlock / 2) + d % 16;
}

// The element of which a byte of Q4_0 is a part, without its scale.
static constexpr std::int32_t q4_element(std::uint8_t two, std::size_t d) {
    return static_cast<std::int32_t>(d % kStoredBlock < 16 ? two & 15u : two >> 4) - 8;
}

}  // namespace sluice
