#include "benchmarks/random_weights.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kernels/blocks.h"

namespace sluice::benchmarks {
namespace {

constexpr StoredWord kScale = {0x66, 0x1A};    // 0.0031 as float16, of the size of real scales
constexpr StoredWord kMinimum = {0x66, 0x12};  // 0.0008

std::uint64_t next(std::uint64_t& state) {
    state ^= state << 13;  // xorshift64 (Marsaglia 2003)
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

void fill_with_bits(std::span<std::byte> bytes) {
    std::uint64_t state = 0x9E3779B97F4A7C15u;
    for (std::size_t i = 0; i < bytes.size(); i += sizeof state) {
        const std::uint64_t bits = next(state);
        std::memcpy(bytes.data() + i, &bits, std::min(sizeof bits, bytes.size() - i));
    }
}

template <class Block>
void set_scales(std::span<std::byte> blocks) {
    for (std::size_t i = 0; i + sizeof(Block) <= blocks.size(); i += sizeof(Block)) {
        auto& block = *reinterpret_cast<Block*>(blocks.data() + i);
        block.scale = kScale;
        if constexpr (requires { block.minimum; }) block.minimum = kMinimum;
    }
}

// Keeps sign and mantissa, and gives an exponent: 2^-5 to 2^-4 in both.
void set_exponents(std::span<std::byte> halves, std::uint16_t mantissa, std::uint16_t exponent) {
    for (std::size_t i = 0; i + 2 <= halves.size(); i += 2) {
        std::uint16_t half = 0;
        std::memcpy(&half, halves.data() + i, sizeof half);
        half = static_cast<std::uint16_t>((half & (0x8000u | mantissa)) | exponent);
        std::memcpy(halves.data() + i, &half, sizeof half);
    }
}

}  // namespace

void fill_with_weights(TensorType type, std::span<std::byte> blocks) {
    fill_with_bits(blocks);
    switch (type) {
        case TensorType::kF16:
            return set_exponents(blocks, 0x03FF, 10 << 10);
        case TensorType::kBF16:
            return set_exponents(blocks, 0x007F, 122 << 7);
        case TensorType::kQ4_0:
            return set_scales<BlockQ40>(blocks);
        case TensorType::kQ8_0:
            return set_scales<BlockQ80>(blocks);
        case TensorType::kQ4_K:
            return set_scales<BlockQ4K>(blocks);
        case TensorType::kQ5_K:
            return set_scales<BlockQ5K>(blocks);
        case TensorType::kQ6_K:
            return set_scales<BlockQ6K>(blocks);
        case TensorType::kIQ4_XS:
            return set_scales<BlockIQ4XS>(blocks);
        default:
            return;  // unreachable: kernels.cpp names the types
    }
}

}  // namespace sluice::benchmarks
