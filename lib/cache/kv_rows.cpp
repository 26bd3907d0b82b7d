#include "cache/kv_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/sentence.h"
#include "kernels/half.h"
#include "model/config.h"

namespace sluice {
namespace {

// A sum with 1.5 * 2^23 has no bits below one: it is the nearest integer, the even one of two.
constexpr float kRounder = 12582912.0F;

void store_float(KvType type, std::byte* elements, std::size_t i, float value) {
    if (type == KvType::kF32) {
        std::memcpy(elements + i * sizeof value, &value, sizeof value);
        return;
    }
    const std::uint16_t half = float_to_half(value);
    std::memcpy(elements + i * sizeof half, &half, sizeof half);
}

float load_float(KvType type, const std::byte* elements, std::size_t i) {
    if (type == KvType::kF32) {
        float value = 0.0F;
        std::memcpy(&value, elements + i * sizeof value, sizeof value);
        return value;
    }
    std::uint16_t half = 0;
    std::memcpy(&half, elements + i * sizeof half, sizeof half);
    return half_to_float(half);
}

bool has_blocks(KvType type) {
    return is_stored_in_blocks(tensor_type_of(type));
}

// A block's elements as integers, and their scale. Where that is not finite, the product of any element with it
// is not either.
struct RoundedBlock {
    std::uint16_t scale = 0;
    std::int32_t elements[kStoredBlock];
};

RoundedBlock round_block(KvType type, const float* x) {
    float largest = 0.0F;  // with its sign
    bool has_nan = false;
    for (std::size_t i = 0; i < kStoredBlock; ++i) {
        if (std::fabs(x[i]) > std::fabs(largest)) largest = x[i];
        has_nan = has_nan || std::isnan(x[i]);
    }
    const float lowest = type == KvType::kQ8_0 ? -127.0F : -8.0F;
    const float highest = type == KvType::kQ8_0 ? 127.0F : 7.0F;
    RoundedBlock rounded;
    const float scale = type == KvType::kQ8_0 ? std::fabs(largest) / 127.0F : largest / -8.0F;
    rounded.scale = float_to_half(has_nan ? std::nanf("") : scale);
    const float stored = half_to_float(rounded.scale);
    const bool is_zero = stored == 0.0F || !std::isfinite(stored);
    for (std::size_t i = 0; i < kStoredBlock; ++i) {
        const float nearest = is_zero ? 0.0F : (x[i] / stored + kRounder) - kRounder;
        rounded.elements[i] = static_cast<std::int32_t>(std::clamp(nearest, lowest, highest));
    }
    return rounded;
}

void store_scale(std::byte* tile, std::size_t block, std::size_t slot, std::uint16_t scale) {
    std::memcpy(tile + (block * kTilePositions + slot) * sizeof scale, &scale, sizeof scale);
}

float load_scale(const std::byte* tile, std::size_t block, std::size_t slot) {
    std::uint16_t scale = 0;
    std::memcpy(&scale, tile + (block * kTilePositions + slot) * sizeof scale, sizeof scale);
    return half_to_float(scale);
}

// Stores a key or a value in blocks; byte_at(d) is where element d is behind the scales.
template <class At>
void store_blocks(KvType type, std::uint32_t head_size, std::byte* tile, std::size_t slot, const float* x,
                  const At& byte_at) {
    float turned[kMaxHeadSize];
    std::copy_n(x, head_size, turned);
    if (is_turned(type)) turn_head(turned, head_size);
    std::byte* bytes = tile + tile_scales_size(head_size);
    for (std::size_t block = 0; block < head_size / kStoredBlock; ++block) {
        const std::size_t first = block * kStoredBlock;
        const RoundedBlock rounded = round_block(type, turned + first);
        store_scale(tile, block, slot, rounded.scale);
        if (type == KvType::kQ8_0) {
            for (std::size_t i = 0; i < kStoredBlock; ++i) {
                bytes[byte_at(first + i)] = static_cast<std::byte>(rounded.elements[i]);
            }
        } else {
            for (std::size_t i = 0; i < kStoredBlock / 2; ++i) {
                const std::int32_t two = rounded.elements[i] + 8 + (rounded.elements[i + 16] + 8) * 16;
                bytes[byte_at(first + i)] = static_cast<std::byte>(two);
            }
        }
    }
}

template <class At>
void read_blocks(KvType type, std::uint32_t head_size, const std::byte* tile, std::size_t slot, float* out,
                 const At& byte_at) {
    const std::byte* bytes = tile + tile_scales_size(head_size);
    for (std::size_t d = 0; d < head_size; ++d) {
        const std::byte stored = bytes[byte_at(d)];
        const std::int32_t element = type == KvType::kQ8_0 ? static_cast<std::int8_t>(stored)
                                                           : q4_element(static_cast<std::uint8_t>(stored), d);
        out[d] = load_scale(tile, d / kStoredBlock, slot) * static_cast<float>(element);
    }
    if (is_turned(type)) turn_head(out, head_size);
}

auto key_bytes(KvType type, std::size_t slot) {
    return [=](std::size_t d) { return type == KvType::kQ8_0 ? q8_key_at(slot, d) : q4_key_at(slot, d); };
}

auto value_bytes(KvType type, std::size_t slot, std::size_t head_size) {
    return [=](std::size_t d) {
        return type == KvType::kQ8_0 ? q8_value_at(slot, d, head_size) : q4_value_at(slot, d, head_size);
    };
}

}  // namespace

TensorType tensor_type_of(KvType type) {
    switch (type) {
        case KvType::kQ8_0:
            return TensorType::kQ8_0;
        case KvType::kQ4_0:
            return TensorType::kQ4_0;
        case KvType::kF16:
            return TensorType::kF16;
        default:
            return TensorType::kF32;
    }
}

Done check_kv_type(KvType type, std::uint32_t head_size) {
    if (has_blocks(type) && head_size % kStoredBlock != 0) {
        return make_error(SLUICE_E_UNSUPPORTED, "a KV cache of ", type == KvType::kQ8_0 ? "q8_0" : "q4_0",
                          " needs heads of a multiple of 32, and the model's are ", head_size);
    }
    return Nothing{};
}

std::uint64_t kv_tile_size(KvType type, std::uint32_t head_size) {
    return tile_size(tensor_type_of(type), head_size);
}

bool is_turned(KvType type) {
    return has_blocks(type);
}

void turn_head(float* head, std::uint32_t head_size) {
    const std::uint32_t size = head_size & (~head_size + 1);
    const float scale = 1.0F / std::sqrt(static_cast<float>(size));
    for (float* block = head; block < head + head_size; block += size) {
        for (std::uint32_t half = 1; half < size; half *= 2) {
            for (std::uint32_t i = 0; i < size; i += 2 * half) {
                for (std::uint32_t k = i; k < i + half; ++k) {
                    const float a = block[k];
                    const float b = block[k + half];
                    block[k] = a + b;
                    block[k + half] = a - b;
                }
            }
        }
        for (std::uint32_t i = 0; i < size; ++i) block[i] *= scale;
    }
}

void store_key(KvType type, std::uint32_t head_size, std::byte* tile, std::size_t slot, const float* key) {
    if (has_blocks(type)) return store_blocks(type, head_size, tile, slot, key, key_bytes(type, slot));
    for (std::size_t d = 0; d < head_size; ++d) store_float(type, tile, d * kKeyTile + slot, key[d]);
}

void store_value(KvType type, std::uint32_t head_size, std::byte* tile, std::size_t slot, const float* value) {
    if (has_blocks(type)) {
        return store_blocks(type, head_size, tile, slot, value, value_bytes(type, slot, head_size));
    }
    for (std::size_t d = 0; d < head_size; ++d) store_float(type, tile, slot * head_size + d, value[d]);
}

void read_key(KvType type, std::uint32_t head_size, const std::byte* tile, std::size_t slot, float* out) {
    if (has_blocks(type)) return read_blocks(type, head_size, tile, slot, out, key_bytes(type, slot));
    for (std::size_t d = 0; d < head_size; ++d) out[d] = load_float(type, tile, d * kKeyTile + slot);
}

void read_value(KvType type, std::uint32_t head_size, const std::byte* tile, std::size_t slot, float* out) {
    if (has_blocks(type)) {
        return read_blocks(type, head_size, tile, slot, out, value_bytes(type, slot, head_size));
    }
    for (std::size_t d = 0; d < head_size; ++d) out[d] = load_float(type, tile, slot * head_size + d);
}

}  // namespace sluice
