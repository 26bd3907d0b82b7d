// The formats with blocks of 256: the K formats and IQ4_XS. Each loop fills one run of 16 or 32 elements
// that has one scale; blocks.h draws where its bits lie.
#include "kernels/scalar/decode.h"

namespace sluice::scalar {
namespace {

void decode_block_q2_k(const BlockQ2K& block, float* __restrict out) {
    const float scale = half_of(block.scale);
    const float minimum = half_of(block.minimum);
    for (std::size_t group = 0; group < 16; ++group) {
        const std::uint8_t* pairs = block.pairs + group / 8 * 32 + group % 2 * 16;
        const std::size_t shift = group % 8 / 2 * 2;
        const float step = scale * static_cast<float>(block.scales[group] & 15);
        const float offset = minimum * static_cast<float>(block.scales[group] >> 4);
        float* values = out + group * 16;
        for (int i = 0; i < 16; ++i) values[i] = step * static_cast<float>(pairs[i] >> shift & 3) - offset;
    }
}

int scale_q3_k(const std::uint8_t* scales, std::size_t group) {
    const int low = group < 8 ? scales[group] & 15 : scales[group - 8] >> 4;
    const int high = scales[8 + group % 4] >> group / 4 * 2 & 3;
    return (low | high << 4) - 32;
}

void decode_block_q3_k(const BlockQ3K& block, float* __restrict out) {
    const float scale = half_of(block.scale);
    for (std::size_t group = 0; group < 16; ++group) {
        const std::size_t run = group / 2;
        const std::uint8_t* pairs = block.pairs + group / 8 * 32 + group % 2 * 16;
        const std::uint8_t* third_bits = block.third_bits + group % 2 * 16;
        const std::size_t shift = run % 4 * 2;
        const float step = scale * static_cast<float>(scale_q3_k(block.scales, group));
        float* values = out + group * 16;
        for (int i = 0; i < 16; ++i) {
            const int q = (pairs[i] >> shift & 3) | (third_bits[i] >> run & 1) << 2;
            values[i] = step * static_cast<float>(q - 4);
        }
    }
}

struct ScaleAndMinimum {
    int scale, minimum;
};

// Of run 0 to 7 of a Q4_K or Q5_K block.
ScaleAndMinimum scale_q4_k(const std::uint8_t* scales, std::size_t run) {
    if (run < 4) return {scales[run] & 63, scales[run + 4] & 63};
    return {(scales[run + 4] & 15) | scales[run - 4] >> 6 << 4, scales[run + 4] >> 4 | scales[run] >> 6 << 4};
}

void decode_block_q4_k(const BlockQ4K& block, float* __restrict out) {
    const float scale = half_of(block.scale);
    const float minimum = half_of(block.minimum);
    for (std::size_t run = 0; run < 8; ++run) {
        const std::uint8_t* nibbles = block.nibbles + run / 2 * 32;
        const std::size_t shift = run % 2 * 4;
        const auto part = scale_q4_k(block.scales, run);
        const float step = scale * static_cast<float>(part.scale);
        const float offset = minimum * static_cast<float>(part.minimum);
        float* values = out + run * 32;
        for (int i = 0; i < 32; ++i) values[i] = step * static_cast<float>(nibbles[i] >> shift & 15) - offset;
    }
}

void decode_block_q5_k(const BlockQ5K& block, float* __restrict out) {
    const float scale = half_of(block.scale);
    const float minimum = half_of(block.minimum);
    for (std::size_t run = 0; run < 8; ++run) {
        const std::uint8_t* nibbles = block.nibbles + run / 2 * 32;
        const std::size_t shift = run % 2 * 4;
        const auto part = scale_q4_k(block.scales, run);
        const float step = scale * static_cast<float>(part.scale);
        const float offset = minimum * static_cast<float>(part.minimum);
        float* values = out + run * 32;
        for (int i = 0; i < 32; ++i) {
            const int q = (nibbles[i] >> shift & 15) | (block.fifth_bits[i] >> run & 1) << 4;
            values[i] = step * static_cast<float>(q) - offset;
        }
    }
}

void decode_block_q6_k(const BlockQ6K& block, float* __restrict out) {
    const float scale = half_of(block.scale);
    for (std::size_t group = 0; group < 16; ++group) {
        const std::size_t run = group % 8 / 2;
        const std::uint8_t* nibbles = block.nibbles + group / 8 * 64 + run % 2 * 32 + group % 2 * 16;
        const std::uint8_t* pairs = block.pairs + group / 8 * 32 + group % 2 * 16;
        const std::size_t nibble_shift = run / 2 * 4;
        const std::size_t pair_shift = run * 2;
        const float step = scale * static_cast<float>(block.scales[group]);
        float* values = out + group * 16;
        for (int i = 0; i < 16; ++i) {
            const int q = (nibbles[i] >> nibble_shift & 15) | (pairs[i] >> pair_shift & 3) << 4;
            values[i] = step * static_cast<float>(q - 32);
        }
    }
}

void decode_block_iq4_xs(const BlockIQ4XS& block, float* __restrict out) {
    const float scale = half_of(block.scale);
    const int high_scales = word_of(block.high_scales);
    for (std::size_t run = 0; run < 8; ++run) {
        const int low = block.low_scales[run / 2] >> run % 2 * 4 & 15;
        const int high = high_scales >> run * 2 & 3;
        const float step = scale * static_cast<float>((low | high << 4) - 32);
        const std::uint8_t* nibbles = block.nibbles + run * 16;
        float* values = out + run * 32;
        for (int i = 0; i < 16; ++i) {
            values[i] = step * static_cast<float>(kIQ4Levels[nibbles[i] & 15]);
            values[16 + i] = step * static_cast<float>(kIQ4Levels[nibbles[i] >> 4]);
        }
    }
}

}  // namespace

void decode_q2_k(const std::byte* row, std::size_t count, float* out) {
    decode_blocks<TensorType::kQ2_K, BlockQ2K, decode_block_q2_k>(row, count, out);
}
void decode_q3_k(const std::byte* row, std::size_t count, float* out) {
    decode_blocks<TensorType::kQ3_K, BlockQ3K, decode_block_q3_k>(row, count, out);
}
void decode_q4_k(const std::byte* row, std::size_t count, float* out) {
    decode_blocks<TensorType::kQ4_K, BlockQ4K, decode_block_q4_k>(row, count, out);
}
void decode_q5_k(const std::byte* row, std::size_t count, float* out) {
    decode_blocks<TensorType::kQ5_K, BlockQ5K, decode_block_q5_k>(row, count, out);
}
void decode_q6_k(const std::byte* row, std::size_t count, float* out) {
    decode_blocks<TensorType::kQ6_K, BlockQ6K, decode_block_q6_k>(row, count, out);
}
void decode_iq4_xs(const std::byte* row, std::size_t count, float* out) {
    decode_blocks<TensorType::kIQ4_XS, BlockIQ4XS, decode_block_iq4_xs>(row, count, out);
}

}  // namespace sluice::scalar
