// Attention of some tokens over all that came before them. A history is taken in parts with fixed borders, each
// with a softmax of its own, joined in ascending order: so workers can share a long one, and the sums are the
// same whoever took which part.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cache/kv_cache.h"
#include "kernels/kernels.h"
#include "model/config.h"

namespace sluice {

// Queries that are taken past a block of the history together, while it is in the cache.
constexpr std::size_t kTokensTogether = 16;

// Positions of a part: enough for some ten microseconds of reading, few enough for many threads.
constexpr std::uint64_t kHistoryPart = 2048;
static_assert(kHistoryPart % kAttentionBlock == 0);

// The query heads of `count` tokens in a row, at most kTokensTogether, that share a key/value head of a layer.
struct TokenHeads {
    const Kernels& kernels;
    const KvCache& cache;
    std::uint32_t cache_layer = 0;
    std::uint32_t kv_head = 0;
    std::uint64_t begin = 0;  // the first token's position; keys and values are there up to the last one's
    std::size_t count = 0;
    std::size_t group = 0;  // heads of a token
    std::size_t head_size = 0;
    AttentionQueries queries;      // the first token's heads, turned where the cache's keys are
    std::size_t query_stride = 0;  // elements from a token to the next
    float* out = nullptr;          // as the queries
    std::size_t out_stride = 0;

    std::size_t n_parts() const { return static_cast<std::size_t>((begin + count - 1) / kHistoryPart + 1); }
    std::size_t size() const { return group * head_size; }  // elements of a token
    // Floats that keep a part's sums and the states of its softmaxes.
    std::size_t part_size() const { return count * (size() + group * sizeof(SoftmaxState) / sizeof(float)); }
};

// Floats of scratch that the functions below work in, a worker's own.
std::size_t attention_scratch_size(const Config& config);

// Attends to the whole history: heads.out is the attention itself, turned back where the cache's values are
// turned.
void attend_history(const TokenHeads& heads, float* scratch);

// The same in n_parts() calls, which may run at the same time, and one that joins them and gives the same bits.
// `parts` is memory of n_parts() * part_size() floats.
void attend_part(const TokenHeads& heads, std::size_t part, float* parts, float* scratch);
void join_parts(const TokenHeads& heads, float* parts);

}  // namespace sluice
