// The two halves of attention for keys and values in blocks of 32 (kernels/attention_tiles.h): scores by
// products of integers, and sums of values that become floats on the way. A lane of a score is a position, one
// of a sum an element.
#pragma once

#include "kernels/attention_tiles.h"
#include "kernels/kernels.h"
#include "kernels/vector/lanes.h"

namespace sluice::vector {

// A history that is read from memory is two streams, keys and values, that stop and go with every block:
// processors do not see far enough ahead by themselves, and would wait for keys, which need little arithmetic,
// and idle over values. So each load also asks for bytes that come later: scores for the first values of their
// block, sums of values for the rest of them and for the keys of the next block. One core of Zen 5 then reads
// some 20 GB/s of a history instead of 8. What is not there is not asked for: then it is bytes that are in the
// cache already.
constexpr std::size_t kEarlyTiles = 10;  // of values, that scores ask for: 26 in all over a third of the time
constexpr std::size_t kCacheLine = 64;

// While scores of a tile are computed.
static inline const std::byte* values_ahead(const AttentionBlock& block, std::size_t tile,
                                            std::size_t n_tiles) {
    const bool is_early = tile < kEarlyTiles && tile < n_tiles;
    return is_early
               ? static_cast<const std::byte*>(block.values) +
                     tile * tile_size(block.value_type, block.head_size)
               : static_cast<const std::byte*>(block.keys) + tile * tile_size(block.key_type, block.head_size);
}

// While values of a tile are added.
struct Ahead {
    const std::byte* values;
    const std::byte* keys;  // of the next block

    Ahead(const AttentionBlock& block, std::size_t tile, std::size_t n_tiles) {
        const std::size_t size = tile_size(block.value_type, block.head_size);
        const std::size_t later = tile + kEarlyTiles < n_tiles ? tile + kEarlyTiles : tile;
        values = static_cast<const std::byte*>(block.values) + later * size;
        keys = block.next_keys == nullptr ? values
                                          : static_cast<const std::byte*>(block.next_keys) +
                                                tile * tile_size(block.key_type, block.head_size);
    }
    void fetch(std::size_t at) const {
        __builtin_prefetch(values + at);
        __builtin_prefetch(keys + at);
    }
};

// An Isa has
//   Ints: sixteen int32
//   Quads: four signed bytes of each of sixteen positions, as its products want them
//   load_quads(at): from 64 bytes
//   load_lower(at), load_upper(at): from four bits each, less 8
//   no_products(sum): what the sum of a block's products begins with, for a query's block of this sum
//   add_products(sum, quads, four): sum += the products of four elements of the query with each position's
//   floats_of(ints)
//   from_bytes(at): sixteen signed bytes as floats
//   from_lower(at), from_upper(at): of four bits each, less 8

// scores[h * kAttentionBlock + p] = scale * (query of head h . key p) for n_tiles tiles of 16 positions.
template <class Isa, int n_heads, int n_tiles, int bits>
static inline void score_tiles(const std::byte* tiles, const std::byte* ahead, std::size_t head_size,
                               const AttentionQueries& queries, float scale, float* scores) {
    using L = typename Isa::Lanes;
    const std::size_t n_blocks = head_size / kStoredBlock;
    const std::size_t scales_size = tile_scales_size(head_size);
    const std::size_t block_size = kTilePositions * kStoredBlock * bits / 8;
    const std::size_t size = scales_size + n_blocks * block_size;
    L sums[n_heads][n_tiles] = {};
    for (std::size_t b = 0; b < n_blocks; ++b) {
        typename Isa::Ints products[n_heads][n_tiles];
#pragma GCC unroll 4
        for (int h = 0; h < n_heads; ++h) {
            const std::int32_t* halves = queries.sums + (static_cast<std::size_t>(h) * n_blocks + b) * 2;
#pragma GCC unroll 4
            for (int t = 0; t < n_tiles; ++t) products[h][t] = Isa::no_products(halves[0] + halves[1]);
        }
        const std::size_t first = scales_size + b * block_size;
        const auto multiply = [&](const typename Isa::Quads(&quads)[n_tiles], std::size_t i) {
#pragma GCC unroll 4
            for (int h = 0; h < n_heads; ++h) {
                const std::int8_t* four =
                    queries.values + static_cast<std::size_t>(h) * head_size + b * kStoredBlock + i;
#pragma GCC unroll 4
                for (int t = 0; t < n_tiles; ++t) Isa::add_products(products[h][t], quads[t], four);
            }
        };
        if constexpr (bits == 8) {
#pragma GCC unroll 8
            for (std::size_t i = 0; i < kStoredBlock; i += 4) {
                typename Isa::Quads quads[n_tiles];
#pragma GCC unroll 4
                for (int t = 0; t < n_tiles; ++t) {
                    const std::size_t at = static_cast<std::size_t>(t) * size + first + i * kLanes;
                    __builtin_prefetch(ahead + at);
                    quads[t] = Isa::load_quads(tiles + at);
                }
                multiply(quads, i);
            }
        } else {
#pragma GCC unroll 4
            for (std::size_t i = 0; i < kStoredBlock / 2; i += 4) {
                typename Isa::Quads lower[n_tiles], upper[n_tiles];
#pragma GCC unroll 4
                for (int t = 0; t < n_tiles; ++t) {
                    const std::size_t at = static_cast<std::size_t>(t) * size + first + i * kLanes;
                    __builtin_prefetch(ahead + at);
                    lower[t] = Isa::load_lower(tiles + at);
                    upper[t] = Isa::load_upper(tiles + at);
                }
                multiply(lower, i);
                multiply(upper, i + 16);
            }
        }
#pragma GCC unroll 4
        for (int t = 0; t < n_tiles; ++t) {
            const auto* key_scales =
                reinterpret_cast<const std::uint16_t*>(tiles + static_cast<std::size_t>(t) * size);
            __builtin_prefetch(ahead + static_cast<std::size_t>(t) * size + b * kLanes * sizeof *key_scales);
            const L key_scale = Isa::from_halves(key_scales + b * kLanes);
#pragma GCC unroll 4
            for (int h = 0; h < n_heads; ++h) {
                const float query_scale = queries.scales[static_cast<std::size_t>(h) * n_blocks + b];
                sums[h][t] = fused_as<Isa>(Isa::floats_of(products[h][t]), key_scale * query_scale, sums[h][t]);
            }
        }
    }
#pragma GCC unroll 4
    for (int h = 0; h < n_heads; ++h) {
#pragma GCC unroll 4
        for (int t = 0; t < n_tiles; ++t) {
            store_as(
                scores + static_cast<std::size_t>(h) * kAttentionBlock + static_cast<std::size_t>(t) * kLanes,
                sums[h][t] * scale);
        }
    }
}

template <class Isa, int n_heads, int bits>
static inline void score_integers(const AttentionBlock& block, const AttentionQueries& queries,
                                  std::size_t head, float scale, float* scores) {
    const std::size_t head_size = block.head_size;
    const auto* keys = static_cast<const std::byte*>(block.keys);
    const std::size_t first_block = head * (head_size / kStoredBlock);
    const AttentionQueries heads = {nullptr, queries.values + head * head_size, queries.scales + first_block,
                                    queries.sums + 2 * first_block};
    const std::size_t size = tile_size(block.key_type, head_size);
    const std::size_t n_tiles = (block.count + kLanes - 1) / kLanes;
    constexpr int kTiles = Isa::kTiles;
    std::size_t tile = 0;
    for (; tile + kTiles <= n_tiles; tile += kTiles) {
        score_tiles<Isa, n_heads, kTiles, bits>(keys + tile * size, values_ahead(block, tile, n_tiles),
                                                head_size, heads, scale, scores + tile * kLanes);
    }
    for (; tile < n_tiles; ++tile) {
        score_tiles<Isa, n_heads, 1, bits>(keys + tile * size, values_ahead(block, tile, n_tiles), head_size,
                                           heads, scale, scores + tile * kLanes);
    }
}

// Sixteen elements of a value, without their scale: those from d on, of the row that begins at `row`.
template <class Isa, int bits>
static inline typename Isa::Lanes load_elements(const std::byte* row, std::size_t d) {
    if constexpr (bits == 8) return Isa::from_bytes(row + d);
    const std::byte* at = row + d / kStoredBlock * (kStoredBlock / 2);
    return d % kStoredBlock < kLanes ? Isa::from_lower(at) : Isa::from_upper(at);
}

// out of each head += sum of weights[h][p] * value p, in ascending order; n_parts sixteens of the values from
// element d on. Requires n_parts to be 1 or even, and d then a multiple of 32.
template <class Isa, int n_heads, int n_parts, int bits>
static inline void add_integers(const AttentionBlock& block, const float* weights, std::size_t d, float* out) {
    using L = typename Isa::Lanes;
    constexpr int kBlocks = (n_parts + 1) / 2;
    const std::size_t head_size = block.head_size;
    const std::size_t size = tile_size(block.value_type, head_size);
    const std::size_t row_size = head_size * bits / 8;
    L sums[n_heads][n_parts];
#pragma GCC unroll 4
    for (int h = 0; h < n_heads; ++h) {
#pragma GCC unroll 4
        for (int part = 0; part < n_parts; ++part) {
            sums[h][part] = load_as<L>(out + static_cast<std::size_t>(h) * head_size +
                                       static_cast<std::size_t>(part) * kLanes);
        }
    }
    const auto* tile = static_cast<const std::byte*>(block.values);
    const std::size_t n_tiles = (block.count + kLanes - 1) / kLanes;
    for (std::size_t first = 0; first < block.count; first += kLanes, tile += size) {
        const Ahead ahead(block, first / kLanes, n_tiles);
        ahead.fetch(0);
        // What a weight is multiplied with besides the element, for all positions of the tile.
        alignas(64) float scaled[kBlocks][n_heads][kLanes];
        const auto* scales = reinterpret_cast<const std::uint16_t*>(tile) + d / kStoredBlock * kLanes;
#pragma GCC unroll 4
        for (int b = 0; b < kBlocks; ++b) {
            const L value_scale = Isa::from_halves(scales + static_cast<std::size_t>(b) * kLanes);
#pragma GCC unroll 4
            for (int h = 0; h < n_heads; ++h) {
                const float* weight = weights + static_cast<std::size_t>(h) * kAttentionBlock + first;
                store_as(scaled[b][h], load_as<L>(weight) * value_scale);
            }
        }
        const std::byte* row = tile + tile_scales_size(head_size);
        const std::size_t n_positions = block.count - first < kLanes ? block.count - first : kLanes;
        for (std::size_t p = 0; p < n_positions; ++p, row += row_size) {
            ahead.fetch(static_cast<std::size_t>(row - tile) + d * bits / 8);
#pragma GCC unroll 4
            for (int part = 0; part < n_parts; ++part) {
                const L value = load_elements<Isa, bits>(row, d + static_cast<std::size_t>(part) * kLanes);
#pragma GCC unroll 4
                for (int h = 0; h < n_heads; ++h) {
                    sums[h][part] = fused_as<Isa>(all_as<L>(scaled[part / 2][h][p]), value, sums[h][part]);
                }
            }
        }
    }
#pragma GCC unroll 4
    for (int h = 0; h < n_heads; ++h) {
#pragma GCC unroll 4
        for (int part = 0; part < n_parts; ++part) {
            store_as(out + static_cast<std::size_t>(h) * head_size + static_cast<std::size_t>(part) * kLanes,
                     sums[h][part]);
        }
    }
}

}  // namespace sluice::vector
