// The loop over the blocks of a row, and how blocks store what was found for them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/blocks.h"

namespace sluice::quantise {

inline constexpr auto kEqualImportance = [] {
    struct {
        float values[kMaxBlockCount];
    } ones{};
    for (float& value : ones.values) value = 1.0F;
    return ones;
}();

// The blocks are bytes only, so any address is aligned for them.
template <TensorType type, class Block, void (*quantise_block)(const float* x, const float* w, Block& block)>
void quantise_blocks(const float* x, const float* importance, std::size_t count, std::byte* row) {
    static_assert(kLiesAsInFile<type, Block>);
    constexpr std::size_t kCount = info_of(type).block_count;
    auto* blocks = reinterpret_cast<Block*>(row);
    for (std::size_t b = 0; b < count / kCount; ++b) {
        const float* w = importance == nullptr ? kEqualImportance.values : importance + b * kCount;
        quantise_block(x + b * kCount, w, blocks[b]);
    }
}

inline StoredWord stored_word(std::uint32_t word) {
    return {static_cast<std::uint8_t>(word & 0xFFu), static_cast<std::uint8_t>(word >> 8 & 0xFFu)};
}
inline StoredWord stored_half(float value) {
    return stored_word(float_to_half(value));
}
// What a decoder will read where value was stored.
inline float as_stored(float value) {
    return half_to_float(float_to_half(value));
}

// The next float16 that is not below value, which is above 0 and far from the largest: with it as the scale of
// integers that have a limit, the largest of them still fits, also where float16 is coarse.
inline float as_stored_above(float value) {
    const std::uint16_t word = float_to_half(value);
    return half_to_float(half_to_float(word) < value ? static_cast<std::uint16_t>(word + 1) : word);
}

// q has 32 elements from 0 to 31. Block is Q5_0 or Q5_1.
template <class Block>
void store_five_bits(const std::int32_t* q, Block& block) {
    std::uint32_t fifth = 0;
    for (std::size_t i = 0; i < 16; ++i) {
        block.nibbles[i] = static_cast<std::uint8_t>((q[i] & 15) | (q[i + 16] & 15) << 4);
        fifth |= static_cast<std::uint32_t>(q[i] >> 4) << i | static_cast<std::uint32_t>(q[i + 16] >> 4)
                                                                  << (i + 16);
    }
    block.low_fifth_bits = stored_word(fifth & 0xFFFFu);
    block.high_fifth_bits = stored_word(fifth >> 16);
}

}  // namespace sluice::quantise
