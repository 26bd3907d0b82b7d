// The formats with blocks of 32. The loops over low and high nibbles are apart, so that compilers turn
// each into vector code; __restrict lets them know that no float lies inside a block.
#include "kernels/scalar/decode.h"

namespace sluice::scalar {
namespace {

void decode_block_q4_0(const BlockQ40& block, float* __restrict out) {
    const float scale = half_of(block.scale);
    for (int i = 0; i < 16; ++i) out[i] = scale * static_cast<float>((block.nibbles[i] & 15) - 8);
    for (int i = 0; i < 16; ++i) out[16 + i] = scale * static_cast<float>((block.nibbles[i] >> 4) - 8);
}

void decode_block_q4_1(const BlockQ41& block, float* __restrict out) {
    const float scale = half_of(block.scale);
    const float minimum = half_of(block.minimum);
    for (int i = 0; i < 16; ++i) out[i] = scale * static_cast<float>(block.nibbles[i] & 15) + minimum;
    for (int i = 0; i < 16; ++i) out[16 + i] = scale * static_cast<float>(block.nibbles[i] >> 4) + minimum;
}

// Bit i of a word selected by a mask, not by a shift: SSE2 has no shift by a different count in each lane.
constexpr std::uint32_t kBits[16] = {1u << 0,  1u << 1,  1u << 2,  1u << 3, 1u << 4,  1u << 5,
                                     1u << 6,  1u << 7,  1u << 8,  1u << 9, 1u << 10, 1u << 11,
                                     1u << 12, 1u << 13, 1u << 14, 1u << 15};

// Sixteen elements' five bits: four from the nibbles, the fifth from the bits of a word.
void join_bits(const std::uint8_t* nibbles, int shift, std::uint32_t fifth_bits,
               std::int32_t* __restrict joined) {
    for (int i = 0; i < 16; ++i)
        joined[i] = (nibbles[i] >> shift & 15) | ((fifth_bits & kBits[i]) != 0 ? 16 : 0);
}

void decode_block_q5_0(const BlockQ50& block, float* __restrict out) {
    const float scale = half_of(block.scale);
    std::int32_t joined[32];
    join_bits(block.nibbles, 0, word_of(block.low_fifth_bits), joined);
    join_bits(block.nibbles, 4, word_of(block.high_fifth_bits), joined + 16);
    for (int i = 0; i < 32; ++i) out[i] = scale * static_cast<float>(joined[i] - 16);
}

void decode_block_q5_1(const BlockQ51& block, float* __restrict out) {
    const float scale = half_of(block.scale);
    const float minimum = half_of(block.minimum);
    std::int32_t joined[32];
    join_bits(block.nibbles, 0, word_of(block.low_fifth_bits), joined);
    join_bits(block.nibbles, 4, word_of(block.high_fifth_bits), joined + 16);
    for (int i = 0; i < 32; ++i) out[i] = scale * static_cast<float>(joined[i]) + minimum;
}

void decode_block_q8_0(const BlockQ80& block, float* __restrict out) {
    const float scale = half_of(block.scale);
    for (int i = 0; i < 32; ++i) out[i] = scale * static_cast<float>(block.values[i]);
}

void decode_block_iq4_nl(const BlockIQ4NL& block, float* __restrict out) {
    const float scale = half_of(block.scale);
    for (int i = 0; i < 16; ++i) {
        out[i] = scale * static_cast<float>(kIQ4Levels[block.nibbles[i] & 15]);
        out[16 + i] = scale * static_cast<float>(kIQ4Levels[block.nibbles[i] >> 4]);
    }
}

}  // namespace

void decode_q4_0(const std::byte* row, std::size_t count, float* out) {
    decode_blocks<TensorType::kQ4_0, BlockQ40, decode_block_q4_0>(row, count, out);
}
void decode_q4_1(const std::byte* row, std::size_t count, float* out) {
    decode_blocks<TensorType::kQ4_1, BlockQ41, decode_block_q4_1>(row, count, out);
}
void decode_q5_0(const std::byte* row, std::size_t count, float* out) {
    decode_blocks<TensorType::kQ5_0, BlockQ50, decode_block_q5_0>(row, count, out);
}
void decode_q5_1(const std::byte* row, std::size_t count, float* out) {
    decode_blocks<TensorType::kQ5_1, BlockQ51, decode_block_q5_1>(row, count, out);
}
void decode_q8_0(const std::byte* row, std::size_t count, float* out) {
    decode_blocks<TensorType::kQ8_0, BlockQ80, decode_block_q8_0>(row, count, out);
}
void decode_iq4_nl(const std::byte* row, std::size_t count, float* out) {
    decode_blocks<TensorType::kIQ4_NL, BlockIQ4NL, decode_block_iq4_nl>(row, count, out);
}

}  // namespace sluice::scalar
