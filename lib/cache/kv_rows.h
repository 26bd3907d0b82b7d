// How one position's key and value are written into a tile of 16 positions, and read back
// (kernels/attention_tiles.h draws the tiles).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "kernels/attention_tiles.h"

namespace sluice {

enum class KvType : std::int32_t {  // numbered as SLUICE_KV_...
    kF32 = 1,
    kF16 = 2,
    kQ8_0 = 3,
    kQ4_0 = 4,
};

constexpr std::uint64_t kKeyTile = kTilePositions;

// The type by which kernels know it.
TensorType tensor_type_of(KvType type);

// Errors: UNSUPPORTED, blocks of 32 with a head size that is no multiple of 32.
Done check_kv_type(KvType type, std::uint32_t head_size);

// Bytes of a tile of keys or of values. Requires check_kv_type.
std::uint64_t kv_tile_size(KvType type, std::uint32_t head_size);

// Whether rows of this type are turned before they are rounded (docs/decisions/0014-quantised-caches.md).
// Kernels then need queries that are turned too, and what they sum of values has to be turned back.
bool is_turned(KvType type);

// Turns a head: head_size floats become their Walsh-Hadamard transform, normalised, in runs of the largest
// power of two that divides head_size. An element that is larger than the others is spread over its run, so
// that a block's scale suits all of them. Products of two heads stay the same, and turning twice is no turn, up
// to roundings. In place.
void turn_head(float* head, std::uint32_t head_size);

// Writes head_size floats to place `slot` < kKeyTile of a tile; other places stay as they are. Q8_0 rounds a
// block with the scale max |x| / 127, Q4_0 with m / -8, m being the element of the largest size; the scale is
// rounded to float16 first. A block that has no finite scale, or holds a NaN, is read back as no finite
// numbers.
void store_key(KvType type, std::uint32_t head_size, std::byte* tile, std::size_t slot, const float* key);
void store_value(KvType type, std::uint32_t head_size, std::byte* tile, std::size_t slot, const float* value);

// Reads what store wrote, turned back: head_size floats.
void read_key(KvType type, std::uint32_t head_size, const std::byte* tile, std::size_t slot, float* out);
void read_value(KvType type, std::uint32_t head_size, const std::byte* tile, std::size_t slot, float* out);

}  // namespace sluice
