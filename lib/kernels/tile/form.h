// How the quantised types look to a product of integers, and one block of any of them read plainly.
//
// Every type is w = s (q - z) + m: a stored integer q of 0 to 255, the type's zero point z, and for 32 or for
// 16 consecutive weights a scale s and, in some types, a minimum m. Static and free of std: files of an
// instruction set keep their own copy.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/blocks.h"

namespace sluice::tile {

struct Form {
    int zero_point;
    bool has_halves;  // a scale for each 16 weights, otherwise for each 32
    bool has_minimums;
};

// Requires a type with blocks.
static constexpr Form form_of(TensorType type) {
    switch (type) {
        case TensorType::kQ4_0:
            return {8, false, false};
        case TensorType::kQ5_0:
            return {16, false, false};
        case TensorType::kQ8_0:
            return {128, false, false};
        case TensorType::kQ4_1:
        case TensorType::kQ5_1:
        case TensorType::kQ4_K:
        case TensorType::kQ5_K:
            return {0, false, true};
        case TensorType::kQ2_K:
            return {0, true, true};
        case TensorType::kQ3_K:
            return {4, true, false};
        case TensorType::kQ6_K:
            return {32, true, false};
        default:
            return {128, false, false};  // the IQ4 types: signed levels
    }
}

// Blocks of 32 weights in one stored block.
static constexpr std::size_t blocks_32_of(TensorType type) {
    return info_of(type).block_count / 32;
}

// 32 consecutive weights. Without halves both entries of scales, and of minimums, are equal.
struct PlainBlock {
    std::uint8_t values[32];
    float scales[2];
    float minimums[2];
};

static inline void set_scales(PlainBlock& out, float scale, float minimum) {
    out.scales[0] = out.scales[1] = scale;
    out.minimums[0] = out.minimums[1] = minimum;
}

static inline void read_nibbles(const std::uint8_t* nibbles, PlainBlock& out) {
    for (int i = 0; i < 16; ++i) {
        out.values[i] = nibbles[i] & 15;
        out.values[16 + i] = nibbles[i] >> 4;
    }
}

static inline void add_fifth_bits(StoredWord low, StoredWord high, PlainBlock& out) {
    for (int i = 0; i < 16; ++i) {
        out.values[i] = static_cast<std::uint8_t>(out.values[i] | (word_of(low) >> i & 1) << 4);
        out.values[16 + i] = static_cast<std::uint8_t>(out.values[16 + i] | (word_of(high) >> i & 1) << 4);
    }
}

static inline void to_levels(PlainBlock& out) {
    for (std::uint8_t& value : out.values) value = static_cast<std::uint8_t>(kIQ4Levels[value] + 128);
}

static inline void read_scales_4k(const std::uint8_t* scales, std::size_t run, float scale, float minimum,
                                  PlainBlock& out) {
    const int s = run < 4 ? scales[run] & 63 : (scales[run + 4] & 15) | scales[run - 4] >> 6 << 4;
    const int m = run < 4 ? scales[run + 4] & 63 : scales[run + 4] >> 4 | scales[run] >> 6 << 4;
    set_scales(out, scale * static_cast<float>(s), -(minimum * static_cast<float>(m)));
}

static inline void read_2k(const BlockQ2K& block, std::size_t run, PlainBlock& out) {
    const std::uint8_t* pairs = block.pairs + run / 4 * 32;
    for (int i = 0; i < 32; ++i) out.values[i] = pairs[i] >> run % 4 * 2 & 3;
    for (std::size_t half = 0; half < 2; ++half) {
        const std::uint8_t packed = block.scales[2 * run + half];
        out.scales[half] = half_of(block.scale) * static_cast<float>(packed & 15);
        out.minimums[half] = -(half_of(block.minimum) * static_cast<float>(packed >> 4));
    }
}

static inline void read_3k(const BlockQ3K& block, std::size_t run, PlainBlock& out) {
    const std::uint8_t* pairs = block.pairs + run / 4 * 32;
    for (int i = 0; i < 32; ++i) {
        out.values[i] =
            static_cast<std::uint8_t>((pairs[i] >> run % 4 * 2 & 3) | (block.third_bits[i] >> run & 1) << 2);
    }
    for (std::size_t half = 0; half < 2; ++half) {
        const std::size_t group = 2 * run + half;
        const int low = group < 8 ? block.scales[group] & 15 : block.scales[group - 8] >> 4;
        const int high = block.scales[8 + group % 4] >> group / 4 * 2 & 3;
        out.scales[half] = half_of(block.scale) * static_cast<float>((low | high << 4) - 32);
        out.minimums[half] = 0.0F;
    }
}

static inline void read_4k(const std::uint8_t* nibbles, std::size_t run, PlainBlock& out) {
    for (int i = 0; i < 32; ++i)
        out.values[i] = nibbles[run / 2 * 32 + static_cast<std::size_t>(i)] >> run % 2 * 4 & 15;
}

static inline void read_6k(const BlockQ6K& block, std::size_t run, PlainBlock& out) {
    const std::uint8_t* nibbles = block.nibbles + run / 4 * 64 + run % 2 * 32;
    const std::uint8_t* pairs = block.pairs + run / 4 * 32;
    for (int i = 0; i < 32; ++i) {
        out.values[i] = static_cast<std::uint8_t>((nibbles[i] >> run % 4 / 2 * 4 & 15) |
                                                  (pairs[i] >> run % 4 * 2 & 3) << 4);
    }
    for (std::size_t half = 0; half < 2; ++half) {
        out.scales[half] = half_of(block.scale) * static_cast<float>(block.scales[2 * run + half]);
        out.minimums[half] = 0.0F;
    }
}

static inline void read_4xs(const BlockIQ4XS& block, std::size_t run, PlainBlock& out) {
    const int low = block.low_scales[run / 2] >> run % 2 * 4 & 15;
    const int high = word_of(block.high_scales) >> run * 2 & 3;
    read_nibbles(block.nibbles + run * 16, out);
    to_levels(out);
    set_scales(out, half_of(block.scale) * static_cast<float>((low | high << 4) - 32), 0.0F);
}

// Block number `block`, counted in 32 weights, of a row of a type with blocks.
static inline void read_block(TensorType type, const std::byte* row, std::size_t block, PlainBlock& out) {
    const std::size_t per_stored = blocks_32_of(type);
    const std::byte* at = row + block / per_stored * info_of(type).block_size;
    const std::size_t run = block % per_stored;
    switch (type) {
        case TensorType::kQ4_0: {
            const auto& stored = *reinterpret_cast<const BlockQ40*>(at);
            read_nibbles(stored.nibbles, out);
            return set_scales(out, half_of(stored.scale), 0.0F);
        }
        case TensorType::kQ4_1: {
            const auto& stored = *reinterpret_cast<const BlockQ41*>(at);
            read_nibbles(stored.nibbles, out);
            return set_scales(out, half_of(stored.scale), half_of(stored.minimum));
        }
        case TensorType::kQ5_0: {
            const auto& stored = *reinterpret_cast<const BlockQ50*>(at);
            read_nibbles(stored.nibbles, out);
            add_fifth_bits(stored.low_fifth_bits, stored.high_fifth_bits, out);
            return set_scales(out, half_of(stored.scale), 0.0F);
        }
        case TensorType::kQ5_1: {
            const auto& stored = *reinterpret_cast<const BlockQ51*>(at);
            read_nibbles(stored.nibbles, out);
            add_fifth_bits(stored.low_fifth_bits, stored.high_fifth_bits, out);
            return set_scales(out, half_of(stored.scale), half_of(stored.minimum));
        }
        case TensorType::kQ8_0: {
            const auto& stored = *reinterpret_cast<const BlockQ80*>(at);
            for (int i = 0; i < 32; ++i) out.values[i] = static_cast<std::uint8_t>(stored.values[i] + 128);
            return set_scales(out, half_of(stored.scale), 0.0F);
        }
        case TensorType::kQ2_K:
            return read_2k(*reinterpret_cast<const BlockQ2K*>(at), run, out);
        case TensorType::kQ3_K:
            return read_3k(*reinterpret_cast<const BlockQ3K*>(at), run, out);
        case TensorType::kQ4_K: {
            const auto& stored = *reinterpret_cast<const BlockQ4K*>(at);
            read_4k(stored.nibbles, run, out);
            return read_scales_4k(stored.scales, run, half_of(stored.scale), half_of(stored.minimum), out);
        }
        case TensorType::kQ5_K: {
            const auto& stored = *reinterpret_cast<const BlockQ5K*>(at);
            read_4k(stored.nibbles, run, out);
            for (int i = 0; i < 32; ++i) {
                out.values[i] =
                    static_cast<std::uint8_t>(out.values[i] | (stored.fifth_bits[i] >> run & 1) << 4);
            }
            return read_scales_4k(stored.scales, run, half_of(stored.scale), half_of(stored.minimum), out);
        }
        case TensorType::kQ6_K:
            return read_6k(*reinterpret_cast<const BlockQ6K*>(at), run, out);
        case TensorType::kIQ4_NL: {
            const auto& stored = *reinterpret_cast<const BlockIQ4NL*>(at);
            read_nibbles(stored.nibbles, out);
            to_levels(out);
            return set_scales(out, half_of(stored.scale), 0.0F);
        }
        case TensorType::kIQ4_XS:
            return read_4xs(*reinterpret_cast<const BlockIQ4XS*>(at), run, out);
        default:
            return;  // unreachable: types without blocks are multiplied as floats
    }
}

}  // namespace sluice::tile
