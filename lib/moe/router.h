// The router: which experts a token wakes, and how much each of them counts.
#pragma once

#include <cstdint>
#include <span>

namespace sluice {

struct RouterRule {
    std::uint32_t n_used = 0;
    bool normalise = true;  // the chosen weights sum to 1
    float scale = 1.0F;     // applied last
};

// Chooses rule.n_used experts for one token. Scores are sigmoids of the logits. The bias is added for
// choosing only, never for weighing: it was trained to balance the load (modeling_lfm2_moe.py,
// route_tokens_to_experts). Equal appeal goes to the lower id. Ids come out ascending.
// Requires logits and bias of equal size, ids and weights of n_used <= that size; logits are overwritten
// by the scores.
void choose_experts(const RouterRule& rule, std::span<float> logits, std::span<const float> bias,
                    std::span<std::int32_t> ids, std::span<float> weights);

}  // namespace sluice
