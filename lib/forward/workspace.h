// Memory that one forward pass works in, planned from the configuration and taken once.
#pragma once

#include <cstdint>
#include <span>

#include "base/memory.h"
#include "base/result.h"
#include "model/config.h"

namespace sluice {

// History is attended to in blocks of this many positions with fixed borders, so that a row's sums do not
// depend on where a chunk began.
constexpr std::size_t kAttentionBlock = 256;

// Row counts below are for max_tokens tokens; "pairs" are (token, expert), n_experts_used for a token.
struct Workspace {
    // Errors: OUT_OF_MEMORY.
    static Result<Workspace> create(const Config& config, std::size_t max_tokens, std::uint32_t n_threads,
                                    MemoryBudget& budget);
    static std::uint64_t planned_size(const Config& config, std::size_t max_tokens, std::uint32_t n_threads);

    std::span<float> hidden;   // tokens x hidden: the residual stream
    std::span<float> normed;   // tokens x hidden
    std::span<float> mixed;    // tokens x hidden: what a mixer or feed-forward adds
    std::span<float> wide;     // tokens x the widest of: B C x; q k v and their attention; gate and up
    std::span<float> cosines;  // tokens x head_size / 2
    std::span<float> sines;

    std::span<float> router_logits;   // tokens x experts
    std::span<std::int32_t> experts;  // pairs
    std::span<float> expert_weights;  // pairs
    std::span<float> pair_inputs;     // pairs x hidden
    std::span<float> pair_gates;      // pairs x expert_feed_forward
    std::span<float> pair_ups;        // pairs x expert_feed_forward
    std::span<float> pair_outputs;    // pairs x hidden

    // A worker's own: a decoded weight row, or a block of keys, of values and its scores.
    std::span<float> scratch(std::uint32_t worker) const {
        return scratches.subspan(worker * scratch_size, scratch_size);
    }
    std::span<float> scratches;
    std::size_t scratch_size = 0;

    Block block;

private:
    void carve(const Config& config, std::size_t max_tokens, std::uint32_t n_threads, Carver& carver);
};

}  // namespace sluice
