#include "forward/attend_history.h"

#include <algorithm>
#include <cmath>

#include "kernels/exponential.h"

namespace sluice {
namespace {

constexpr std::size_t kScores = 4 * kAttentionBlock;  // floats that a kernel works in

// What is known of a part of the history: sums that are not divided yet, and the state of each head's softmax.
struct HistoryPart {
    float* out = nullptr;            // [count][group][head_size]
    SoftmaxState* states = nullptr;  // [count][group]
};

HistoryPart part_at(const TokenHeads& heads, float* parts, std::size_t part) {
    float* out = parts + part * heads.part_size();
    return {out, reinterpret_cast<SoftmaxState*>(out + heads.count * heads.size())};
}

AttentionQueries moved(const AttentionQueries& queries, std::size_t by) {
    return {queries.floats + by, queries.values + by, queries.scales + by / kQuantisedBlock,
            queries.sums + by / (kQuantisedBlock / 2)};
}

// Sums and states of one part, from nothing. Those of a token that has no position in it stay nothing.
void attend_part_into(const TokenHeads& heads, std::size_t part, float* out, std::size_t out_stride,
                      SoftmaxState* states, float* scores) {
    for (std::size_t i = 0; i < heads.count; ++i) std::fill_n(out + i * out_stride, heads.size(), 0.0F);
    std::fill_n(states, heads.count * heads.group, SoftmaxState{});
    const float scale = 1.0F / std::sqrt(static_cast<float>(heads.head_size));
    const std::uint64_t first = part * kHistoryPart;
    const std::uint64_t last = std::min(first + kHistoryPart, heads.begin + heads.count);

    AttentionBlock block;
    block.key_type = tensor_type_of(heads.cache.options().key_type);
    block.value_type = tensor_type_of(heads.cache.options().value_type);
    block.head_size = heads.head_size;
    block.next_keys = heads.cache.key_tiles(heads.cache_layer, heads.kv_head, first);
    for (std::uint64_t position = first; position < last; position += kAttentionBlock) {
        block.keys = block.next_keys;
        block.values = heads.cache.value_rows(heads.cache_layer, heads.kv_head, position);
        const std::uint64_t next = position + kAttentionBlock;
        block.next_keys = next < last ? heads.cache.key_tiles(heads.cache_layer, heads.kv_head, next) : nullptr;
        const std::uint64_t first_token = position < heads.begin ? 0 : position - heads.begin;
        for (auto i = static_cast<std::size_t>(first_token); i < heads.count; ++i) {
            const std::uint64_t history = heads.begin + i + 1 - position;
            block.count = static_cast<std::size_t>(std::min<std::uint64_t>(kAttentionBlock, history));
            heads.kernels.attend(block, moved(heads.queries, i * heads.query_stride), heads.group, scale,
                                 states + i * heads.group, out + i * out_stride, scores);
        }
    }
}

// Adds a later part to what is known of those before (Milakov and Gimelshein 2018, section 3.1).
void join(SoftmaxState& state, float* out, const SoftmaxState& later, const float* later_out,
          std::size_t head_size) {
    const float largest = later.largest > state.largest ? later.largest : state.largest;
    const float weight = exponential::of(state.largest - largest);
    const float later_weight = exponential::of(later.largest - largest);
    state.largest = largest;
    state.sum = state.sum * weight + later.sum * later_weight;
    for (std::size_t d = 0; d < head_size; ++d) out[d] = out[d] * weight + later_out[d] * later_weight;
}

// The same for all tokens that have a position in the part.
void join_part(const TokenHeads& heads, std::size_t part, SoftmaxState* states, const HistoryPart& later) {
    const std::uint64_t first = part * kHistoryPart;
    const std::uint64_t first_token = first < heads.begin ? 0 : first - heads.begin;
    for (auto i = static_cast<std::size_t>(first_token); i < heads.count; ++i) {
        for (std::size_t h = 0; h < heads.group; ++h) {
            const std::size_t head = i * heads.group + h;
            join(states[head], heads.out + i * heads.out_stride + h * heads.head_size, later.states[head],
                 later.out + head * heads.head_size, heads.head_size);
        }
    }
}

// Makes the attention of its sums.
void finish(const TokenHeads& heads, const SoftmaxState* states) {
    const bool is_turned_back = is_turned(heads.cache.options().value_type);
    for (std::size_t i = 0; i < heads.count; ++i) {
        for (std::size_t h = 0; h < heads.group; ++h) {
            float* out = heads.out + i * heads.out_stride + h * heads.head_size;
            const float sum = states[i * heads.group + h].sum;
            for (std::size_t d = 0; d < heads.head_size; ++d) out[d] /= sum;
            if (is_turned_back) turn_head(out, static_cast<std::uint32_t>(heads.head_size));
        }
    }
}

}  // namespace

std::size_t attention_scratch_size(const Config& config) {
    const std::size_t group = config.n_heads / config.n_kv_heads;
    return kScores + kTokensTogether * group * config.head_size;
}

void attend_history(const TokenHeads& heads, float* scratch) {
    SoftmaxState states[kTokensTogether * kMaxHeadGroup];
    SoftmaxState later_states[kTokensTogether * kMaxHeadGroup];
    const HistoryPart later = {scratch + kScores, later_states};
    attend_part_into(heads, 0, heads.out, heads.out_stride, states, scratch);
    for (std::size_t part = 1; part < heads.n_parts(); ++part) {
        attend_part_into(heads, part, later.out, heads.size(), later.states, scratch);
        join_part(heads, part, states, later);
    }
    finish(heads, states);
}

void attend_part(const TokenHeads& heads, std::size_t part, float* parts, float* scratch) {
    const HistoryPart into = part_at(heads, parts, part);
    attend_part_into(heads, part, into.out, heads.size(), into.states, scratch);
}

void join_parts(const TokenHeads& heads, float* parts) {
    SoftmaxState states[kTokensTogether * kMaxHeadGroup];
    const HistoryPart first = part_at(heads, parts, 0);
    std::copy_n(first.states, heads.count * heads.group, states);
    for (std::size_t i = 0; i < heads.count; ++i) {
        std::copy_n(first.out + i * heads.size(), heads.size(), heads.out + i * heads.out_stride);
    }
    for (std::size_t part = 1; part < heads.n_parts(); ++part) {
        join_part(heads, part, states, part_at(heads, parts, part));
    }
    finish(heads, states);
}

}  // namespace sluice
