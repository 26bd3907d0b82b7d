// Memory that one forward pass works in, planned from the configuration and taken once.
#pragma once

#include <cstdint>
#include <span>

#include "base/memory.h"
#include "base/result.h"
#include "model/config.h"

namespace sluice {

// Row counts below are for max_tokens tokens; "pairs" are (token, expert), n_experts_used for a token.
struct Workspace {
    // Errors: OUT_OF_MEMORY.
    static Result<Workspace> create(const Config& config, std::size_t max_tokens, std::uint32_t n_threads,
                                    MemoryBudget& budget);
    static std::uint64_t planned_size(const Config& config, std::size_t max_tokens, std::uint32_t n_threads);

    std::span<float> hidden;  // tokens x hidden: the residual stream
    std::span<float> normed;  // tokens x hidden
    std::span<float> mixed;   // tokens x hidden, twice: what a mixer or feed-forward adds
    std::span<float>
        wide;  // tokens x the widest of: B C x, twice; q k v and their attention; gate and up, twice
    std::span<float> cosines;  // tokens x head_size / 2
    std::span<float> sines;

    std::span<float> router_logits;   // tokens x experts
    std::span<std::int32_t> experts;  // pairs
    std::span<float> expert_weights;  // pairs
    std::span<float> pair_gates;      // pairs x expert_feed_forward
    std::span<float> pair_ups;        // pairs x expert_feed_forward
    std::span<float> pair_outputs;    // pairs x hidden

    // The input of the products that run, rounded to small integers: as many values as its widest kind has.
    std::span<std::int8_t> quantised;
    std::span<float> quantised_scales;
    std::span<std::int32_t> quantised_sums;

    // A worker's own: a decoded weight row, a tile of a matrix, or what attention keeps of a block.
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
