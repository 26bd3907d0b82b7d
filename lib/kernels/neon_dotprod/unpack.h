// Stored blocks to panels, for any order of values in a register: Order::load(rows, offset) gives the Slice of
// 16 bytes at an offset of the rows of a tile. Order is a type of an anonymous namespace, so that each table
// keeps its own copies.
#pragma once

#include "kernels/neon_dotprod/slice.h"

namespace sluice::neon_dotprod {
namespace {

using tile::kPanelBlocks;
using tile::kPanelRows;
using tile::Panel;
using tile::PanelRows;

// The float16 at an offset of stored blocks of 32 weights, of all rows. Collected as integers first, for the
// whole panel: a register read from bytes just written by narrow stores would wait for them.
inline void unpack_scales_32(const PanelRows& rows, std::size_t first, std::size_t count,
                             std::size_t block_size, std::size_t offset,
                             float (&out)[kPanelBlocks][2][kPanelRows]) {
    alignas(16) std::uint16_t halves[kPanelBlocks][kPanelRows];
    for (std::size_t row = 0; row < kPanelRows; ++row) {
        const std::byte* at = rows.at[row] + first * block_size + offset;
        for (std::size_t b = 0; b < count; ++b) __builtin_memcpy(&halves[b][row], at + b * block_size, 2);
    }
    for (std::size_t b = 0; b < count; ++b) {
        for (std::size_t i = 0; i < kPanelRows; i += 4) {
            vst1q_f32(&out[b][0][i], vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(&halves[b][i]))));
        }
    }
}

template <class Order>
inline void unpack_q4_0(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    constexpr std::size_t kSize = sizeof(BlockQ40);
    for (std::size_t tile = 0; tile < kTiles; ++tile) {
        const TileRows from = tile_rows(rows, tile);
        const std::size_t share = rows.next_per_block / kTiles;
        for (std::size_t b = 0; b < count; ++b) {
            fetch(rows.next + (first * kTiles + tile * count + b) * share, share);
            const Slice nibbles = Order::load(from, (first + b) * kSize + 2);
            std::uint8_t* out = values_of(panel, b, tile);
            store(less(low_nibbles(nibbles), 8), out, 0);
            store(less(high_nibbles(nibbles), 8), out, 1);
        }
    }
    unpack_scales_32(rows, first, count, kSize, 0, panel.scales);
}

template <class Order>
inline void unpack_q8_0(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    constexpr std::size_t kSize = sizeof(BlockQ80);
    for (std::size_t tile = 0; tile < kTiles; ++tile) {
        const TileRows from = tile_rows(rows, tile);
        const std::size_t share = rows.next_per_block / kTiles;
        for (std::size_t b = 0; b < count; ++b) {
            fetch(rows.next + (first * kTiles + tile * count + b) * share, share);
            std::uint8_t* out = values_of(panel, b, tile);
            store(Order::load(from, (first + b) * kSize + 2), out, 0);
            store(Order::load(from, (first + b) * kSize + 18), out, 1);
        }
    }
    unpack_scales_32(rows, first, count, kSize, 0, panel.scales);
}

// Scales and minimums of a Q4_K or Q5_K block of four rows, eight runs from panel block `at` on. The first 16
// bytes of the stored block, by columns of four: d m | low six bits of 0 to 3 | of the minimums | the rest of 4
// to 7.
inline void unpack_scales_4k(const Columns& head, std::size_t at, std::size_t lane, Panel& panel) {
    const uint32x4_t six = vdupq_n_u32(0x3F3F3F3F);
    const uint32x4_t four = vdupq_n_u32(0x0F0F0F0F);
    const uint32x4_t top = vdupq_n_u32(0x30303030);
    const uint32x4_t byte = vdupq_n_u32(255);
    const float32x4_t d = vcvt_f32_f16(vreinterpret_f16_u16(vmovn_u32(head.c[0])));
    const float32x4_t minus_m = vnegq_f32(vcvt_f32_f16(vreinterpret_f16_u16(vshrn_n_u32(head.c[0], 16))));
    const auto store_runs = [&](std::size_t run, uint32x4_t scales, uint32x4_t minimums) {
        for (std::size_t i = 0; i < 4; ++i) {
            const int32x4_t by = vdupq_n_s32(-8 * static_cast<int>(i));
            const float32x4_t s = vcvtq_f32_u32(vandq_u32(vshlq_u32(scales, by), byte));
            const float32x4_t n = vcvtq_f32_u32(vandq_u32(vshlq_u32(minimums, by), byte));
            vst1q_f32(&panel.scales[at + run + i][0][lane], vmulq_f32(d, s));
            vst1q_f32(&panel.minimums[at + run + i][0][lane], vmulq_f32(minus_m, n));
        }
    };
    store_runs(0, vandq_u32(head.c[1], six), vandq_u32(head.c[2], six));
    store_runs(
        4, vorrq_u32(vandq_u32(head.c[3], four), vandq_u32(vshrq_n_u32(head.c[1], 2), top)),
        vorrq_u32(vandq_u32(vshrq_n_u32(head.c[3], 4), four), vandq_u32(vshrq_n_u32(head.c[2], 2), top)));
}

template <class Order, bool has_fifth_bits>
inline void unpack_4k(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    constexpr std::size_t kSize = has_fifth_bits ? sizeof(BlockQ5K) : sizeof(BlockQ4K);
    constexpr std::size_t kNibbles = has_fifth_bits ? 48 : 16;
    for (std::size_t b = 0; b < count; b += 8) {
        const std::size_t offset = (first + b) / 8 * kSize;
        for (std::size_t tile = 0; tile < kTiles; ++tile) {
            fetch(rows.next + (first + b + 2 * tile) * rows.next_per_block, 2 * rows.next_per_block);
            const TileRows from = tile_rows(rows, tile);
            for (std::size_t i = 0; i < kTileRows; i += 4) {
                const Columns head = load_columns(from.at[i] + offset, from.at[i + 1] + offset,
                                                  from.at[i + 2] + offset, from.at[i + 3] + offset);
                unpack_scales_4k(head, b, tile * kTileRows + i, panel);
            }
            for (std::size_t part = 0; part < 2; ++part) {
                Slice bits{};
                if constexpr (has_fifth_bits) bits = Order::load(from, offset + 16 + 16 * part);
                for (std::size_t run = 0; run < 8; run += 2) {
                    const Slice nibbles = Order::load(from, offset + kNibbles + 16 * run + 16 * part);
                    std::uint8_t* even = values_of(panel, b + run, tile);
                    std::uint8_t* odd = values_of(panel, b + run + 1, tile);
                    if constexpr (has_fifth_bits) {
                        const int shift = static_cast<int>(run);
                        store(join(nibbles, shifted_right(bits, shift), 31), even, part);
                        store(join(high_nibbles(nibbles), shifted_right(bits, shift + 1), 31), odd, part);
                    } else {
                        store(low_nibbles(nibbles), even, part);
                        store(high_nibbles(nibbles), odd, part);
                    }
                }
            }
        }
    }
}

// Sixteen signed scales of a block, and d, of four rows.
inline void unpack_scales_6k(const std::byte* const* rows, std::size_t offset, std::size_t at, std::size_t lane,
                             Panel& panel) {
    const auto half = [&](std::size_t row) {
        std::uint16_t bits;
        __builtin_memcpy(&bits, rows[row] + offset + 208, 2);
        return bits;
    };
    uint16x4_t halves = vdup_n_u16(half(0));
    halves = vset_lane_u16(half(1), halves, 1);
    halves = vset_lane_u16(half(2), halves, 2);
    halves = vset_lane_u16(half(3), halves, 3);
    const float32x4_t d = vcvt_f32_f16(vreinterpret_f16_u16(halves));
    const std::size_t from = offset + 192;
    const Columns scales = load_columns(rows[0] + from, rows[1] + from, rows[2] + from, rows[3] + from);
    for (std::size_t group = 0; group < 16; ++group) {
        const int32x4_t up = vdupq_n_s32(24 - static_cast<int>(group) % 4 * 8);
        const int32x4_t s = vshrq_n_s32(vshlq_s32(vreinterpretq_s32_u32(scales.c[group / 4]), up), 24);
        vst1q_f32(&panel.scales[at + group / 2][group % 2][lane], vmulq_f32(d, vcvtq_f32_s32(s)));
    }
}

template <class Order>
inline void unpack_q6_k(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    for (std::size_t b = 0; b < count; b += 8) {
        const std::size_t offset = (first + b) / 8 * sizeof(BlockQ6K);
        for (std::size_t tile = 0; tile < kTiles; ++tile) {
            fetch(rows.next + (first + b + 2 * tile) * rows.next_per_block, 2 * rows.next_per_block);
            const TileRows from = tile_rows(rows, tile);
            for (std::size_t i = 0; i < kTileRows; i += 4) {
                unpack_scales_6k(from.at + i, offset, b, tile * kTileRows + i, panel);
            }
            for (std::size_t half = 0; half < 2; ++half) {
                for (std::size_t part = 0; part < 2; ++part) {
                    const Slice pairs = Order::load(from, offset + 128 + 32 * half + 16 * part);
                    for (std::size_t odd = 0; odd < 2; ++odd) {
                        const Slice nibbles = Order::load(from, offset + 64 * half + 32 * odd + 16 * part);
                        const std::size_t run = b + 4 * half + odd;
                        const int shift = 2 * static_cast<int>(odd);
                        const Slice low = join(nibbles, shifted_right(pairs, shift), 63);
                        const Slice high = join(high_nibbles(nibbles), shifted_right(pairs, shift + 4), 63);
                        store(less(low, 32), values_of(panel, run, tile), part);
                        store(less(high, 32), values_of(panel, run + 2, tile), part);
                    }
                }
            }
        }
    }
}

// For types that have no code of their own.
template <class Order>
inline void unpack_plainly(TensorType type, const PanelRows& rows, std::size_t first, std::size_t count,
                           Panel& panel) {
    const int zero_point = tile::form_of(type).zero_point;
    for (std::size_t b = 0; b < count; ++b) {
        for (std::size_t tile = 0; tile < kTiles; ++tile) {
            tile::PlainBlock blocks[kTileRows];
            TileRows from;
            for (std::size_t i = 0; i < kTileRows; ++i) {
                const std::size_t row = tile * kTileRows + i;
                read_block(type, rows.at[row], first + b, blocks[i]);
                from.at[i] = reinterpret_cast<const std::byte*>(blocks[i].values);
                for (std::size_t half = 0; half < 2; ++half) {
                    panel.scales[b][half][row] = blocks[i].scales[half];
                    panel.minimums[b][half][row] = blocks[i].minimums[half];
                }
            }
            std::uint8_t* out = values_of(panel, b, tile);
            for (std::size_t part = 0; part < 2; ++part) {
                store(less(Order::load(from, 16 * part), zero_point), out, part);
            }
        }
    }
}

template <class Order>
inline void unpack_as(TensorType type, const PanelRows& rows, std::size_t first, std::size_t count,
                      Panel& panel) {
    switch (type) {
        case TensorType::kQ4_0:
            return unpack_q4_0<Order>(rows, first, count, panel);
        case TensorType::kQ8_0:
            return unpack_q8_0<Order>(rows, first, count, panel);
        case TensorType::kQ4_K:
            return unpack_4k<Order, false>(rows, first, count, panel);
        case TensorType::kQ5_K:
            return unpack_4k<Order, true>(rows, first, count, panel);
        case TensorType::kQ6_K:
            return unpack_q6_k<Order>(rows, first, count, panel);
        default:
            return unpack_plainly<Order>(type, rows, first, count, panel);
    }
}

}  // namespace
}  // namespace sluice::neon_dotprod
