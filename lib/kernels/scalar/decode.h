// Inside the scalar table: one decoder per type, and the loop over blocks that they share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/blocks.h"

namespace sluice::scalar {

// Each decodes count elements, a multiple of the type's block_count. row may have any alignment.
using DecodeRow = void(const std::byte* row, std::size_t count, float* out);

DecodeRow decode_f32, decode_f16, decode_bf16;
DecodeRow decode_q4_0, decode_q4_1, decode_q5_0, decode_q5_1, decode_q8_0, decode_iq4_nl;
DecodeRow decode_q2_k, decode_q3_k, decode_q4_k, decode_q5_k, decode_q6_k, decode_iq4_xs;

// The blocks are bytes only, so any address is aligned for them.
template <TensorType type, class Block, void (*decode_block)(const Block&, float*)>
void decode_blocks(const std::byte* row, std::size_t count, float* out) {
    static_assert(kLiesAsInFile<type, Block>);
    constexpr std::size_t block_count = info_of(type).block_count;
    const auto* blocks = reinterpret_cast<const Block*>(row);
    for (std::size_t b = 0; b < count / block_count; ++b) decode_block(blocks[b], out + b * block_count);
}

}  // namespace sluice::scalar
