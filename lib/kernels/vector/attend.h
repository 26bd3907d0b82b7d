// Attention of a group of query heads over one block of keys and values: a lane is a position, so that a score
// needs no sum across lanes, and each key and value is loaded once for several heads.
#pragma once

#include "kernels/kernels.h"
#include "kernels/vector/attend_quantised.h"
#include "kernels/vector/lanes.h"

namespace sluice::vector {

// An Isa has
//   Lanes: sixteen floats (kernels/vector/lanes.h)
//   kTiles: of 16 keys that are summed at once for up to 4 heads
//   kHeads, kParts: heads, and sixteens of a value, that are summed at once; 4 sixteens without kParts
//   what kernels/vector/attend_quantised.h needs
// With fewer heads there is room for four sixteens.
template <class Isa, int n_heads>
static constexpr int parts_of() {
    if constexpr (requires { Isa::kParts; }) return n_heads < Isa::kHeads ? 4 : Isa::kParts;
    return 4;
}

template <class Isa>
static inline typename Isa::Lanes load_stored(const float* at) {
    return load_as<typename Isa::Lanes>(at);
}
template <class Isa>
static inline typename Isa::Lanes load_stored(const std::uint16_t* at) {
    return Isa::from_halves(at);
}

// scores[h * kAttentionBlock + p] = scale * (query of head h . key p) for n_heads heads and n_tiles tiles of 16
// positions.
template <class Isa, int n_heads, int n_tiles, class Stored>
static inline void score(const float* queries, const Stored* keys, const std::byte* ahead,
                         std::size_t head_size, float scale, float* scores) {
    using L = typename Isa::Lanes;
    L sums[n_heads][n_tiles] = {};
    for (std::size_t d = 0; d < head_size; ++d) {
        L key[n_tiles];
#pragma GCC unroll 4
        for (int t = 0; t < n_tiles; ++t) {
            const std::size_t at = (static_cast<std::size_t>(t) * head_size + d) * kLanes;
            __builtin_prefetch(ahead + at * sizeof(Stored));
            key[t] = load_stored<Isa>(keys + at);
        }
#pragma GCC unroll 4
        for (int h = 0; h < n_heads; ++h) {
            const L query = all_as<L>(queries[static_cast<std::size_t>(h) * head_size + d]);
#pragma GCC unroll 4
            for (int t = 0; t < n_tiles; ++t) sums[h][t] = fused_as<Isa>(query, key[t], sums[h][t]);
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

// Turns scores into weights against the largest score so far, and brings sum and output up to it.
template <class L>
static inline void weigh(float* scores, std::size_t count, std::size_t head_size, SoftmaxState& state,
                         float* out) {
    const L lowest = all_as<L>(-__builtin_inff());
    L most = lowest;
    const std::size_t n_tiles = (count + kLanes - 1) / kLanes;
    for (std::size_t t = 0; t < n_tiles; ++t) {
        const auto left = static_cast<std::int32_t>(count - t * kLanes);
        const L s = first_of(load_as<L>(scores + t * kLanes), left, lowest);
        store_as(scores + t * kLanes, s);
        most = larger_of(s, most);
    }
    const float block_largest = largest_of(most);
    const float new_largest = block_largest > state.largest ? block_largest : state.largest;
    const float correction = exponential::of(state.largest - new_largest);
    L sums = {};
    for (std::size_t t = 0; t < n_tiles; ++t) {
        const L e = exponential_of(load_as<L>(scores + t * kLanes) - new_largest);
        store_as(scores + t * kLanes, e);
        sums += e;
    }
    state.largest = new_largest;
    state.sum = state.sum * correction + sum_of(sums);
    for (std::size_t d = 0; d < head_size; ++d) out[d] *= correction;
}

// out of each head += sum of weights[h][p] * value p, in ascending order; n_parts * 16 elements of the values
// from d on.
template <class Isa, int n_heads, int n_parts, class Stored>
static inline void add_floats(const AttentionBlock& block, const float* weights, std::size_t d, float* out) {
    const std::size_t count = block.count;
    const std::size_t head_size = block.head_size;
    const auto* values = static_cast<const Stored*>(block.values) + d;
    const std::size_t n_tiles = (count + kLanes - 1) / kLanes;
    const std::size_t row_size = head_size * sizeof(Stored);
    Ahead ahead(block, 0, n_tiles);
    using L = typename Isa::Lanes;
    L sums[n_heads][n_parts];
#pragma GCC unroll 4
    for (int h = 0; h < n_heads; ++h) {
#pragma GCC unroll 4
        for (int part = 0; part < n_parts; ++part) {
            sums[h][part] = load_as<L>(out + static_cast<std::size_t>(h) * head_size +
                                       static_cast<std::size_t>(part) * kLanes);
        }
    }
    for (std::size_t p = 0; p < count; ++p) {
        if (p % kLanes == 0) ahead = Ahead(block, p / kLanes, n_tiles);
        for (std::size_t i = 0; i < n_parts * kLanes * sizeof(Stored); i += kCacheLine) {
            ahead.fetch(p % kLanes * row_size + d * sizeof(Stored) + i);
        }
        L weight[n_heads];
#pragma GCC unroll 4
        for (int h = 0; h < n_heads; ++h)
            weight[h] = all_as<L>(weights[static_cast<std::size_t>(h) * kAttentionBlock + p]);
#pragma GCC unroll 4
        for (int part = 0; part < n_parts; ++part) {
            const L value = load_stored<Isa>(values + p * head_size + static_cast<std::size_t>(part) * kLanes);
#pragma GCC unroll 4
            for (int h = 0; h < n_heads; ++h) sums[h][part] = fused_as<Isa>(weight[h], value, sums[h][part]);
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

// The scores of n_heads heads over a block of keys that are floats.
template <class Isa, int n_heads, class Key>
static inline void score_floats(const AttentionBlock& block, const float* queries, float scale, float* scores) {
    const auto* keys = static_cast<const Key*>(block.keys);
    const std::size_t tile_floats = block.head_size * kLanes;
    constexpr int kTiles = Isa::kTiles;
    const std::size_t n_tiles = (block.count + kLanes - 1) / kLanes;
    std::size_t tile = 0;
    for (; tile + kTiles <= n_tiles; tile += kTiles) {
        score<Isa, n_heads, kTiles>(queries, keys + tile * tile_floats, values_ahead(block, tile, n_tiles),
                                    block.head_size, scale, scores + tile * kLanes);
    }
    for (; tile < n_tiles; ++tile) {
        score<Isa, n_heads, 1>(queries, keys + tile * tile_floats, values_ahead(block, tile, n_tiles),
                               block.head_size, scale, scores + tile * kLanes);
    }
}

template <class Isa, int n_heads>
static inline void score_heads(const AttentionBlock& block, const AttentionQueries& queries, std::size_t head,
                               float scale, float* scores) {
    const float* floats = queries.floats + head * block.head_size;
    switch (block.key_type) {
        case TensorType::kQ8_0:
            return score_integers<Isa, n_heads, 8>(block, queries, head, scale, scores);
        case TensorType::kQ4_0:
            return score_integers<Isa, n_heads, 4>(block, queries, head, scale, scores);
        case TensorType::kF16:
            return score_floats<Isa, n_heads, std::uint16_t>(block, floats, scale, scores);
        default:
            return score_floats<Isa, n_heads, float>(block, floats, scale, scores);
    }
}

// n_heads heads, and n_parts sixteens of the values from element d on.
template <class Isa, int n_heads, int n_parts>
static inline void add_part(const AttentionBlock& block, const float* weights, std::size_t d, float* out) {
    switch (block.value_type) {
        case TensorType::kQ8_0:
            return add_integers<Isa, n_heads, n_parts, 8>(block, weights, d, out);
        case TensorType::kQ4_0:
            return add_integers<Isa, n_heads, n_parts, 4>(block, weights, d, out);
        case TensorType::kF16:
            return add_floats<Isa, n_heads, n_parts, std::uint16_t>(block, weights, d, out);
        default:
            return add_floats<Isa, n_heads, n_parts, float>(block, weights, d, out);
    }
}

template <class Isa, int n_heads>
static inline void attend_heads(const AttentionBlock& block, const AttentionQueries& queries, std::size_t head,
                                float scale, SoftmaxState* states, float* out, float* scores) {
    const std::size_t head_size = block.head_size;
    score_heads<Isa, n_heads>(block, queries, head, scale, scores);
    for (std::size_t h = 0; h < n_heads; ++h) {
        weigh<typename Isa::Lanes>(scores + h * kAttentionBlock, block.count, head_size, states[head + h],
                                   out + (head + h) * head_size);
    }
    // The heads of one pass over the values, and the sixteens of a head, as registers allow.
    constexpr int kTogether = n_heads < Isa::kHeads ? n_heads : Isa::kHeads;
    constexpr int kParts = parts_of<Isa, kTogether>();
    for (std::size_t h = 0; h < n_heads; h += kTogether) {
        const float* weights = scores + h * kAttentionBlock;
        float* to = out + (head + h) * head_size;
        std::size_t d = 0;
        for (; d + kParts * kLanes <= head_size; d += kParts * kLanes) {
            add_part<Isa, kTogether, kParts>(block, weights, d, to + d);
        }
        for (; d < head_size; d += kLanes) add_part<Isa, kTogether, 1>(block, weights, d, to + d);
    }
}

template <class Isa>
static inline void attend(const AttentionBlock& block, const AttentionQueries& queries, std::size_t n_heads,
                          float scale, SoftmaxState* states, float* out, float* scratch) {
    std::size_t h = 0;
    for (; h + 4 <= n_heads; h += 4) attend_heads<Isa, 4>(block, queries, h, scale, states, out, scratch);
    for (; h < n_heads; ++h) attend_heads<Isa, 1>(block, queries, h, scale, states, out, scratch);
}

}  // namespace sluice::vector
