// How far one model's words are from another's, token by token.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "quality/rows.h"

namespace quality {

// Sums over the tokens of a text of which the next one is known.
struct Divergence {
    std::uint64_t n_tokens = 0;
    double surprise = 0.0;    // of the next token, in nats
    double divergence = 0.0;  // Kullback and Leibler (1951), of the model from the reference, in nats
    std::uint64_t n_same_best = 0;
    std::uint64_t n_experts = 0;  // woken by the reference
    std::uint64_t n_same_experts = 0;

    double perplexity() const;
    double mean_divergence() const { return n_tokens == 0 ? 0.0 : divergence / static_cast<double>(n_tokens); }
    double best_agreement() const;
    double expert_agreement() const;  // 1 for a model without experts
};

// Adds the window that both have read. The reference may be the model itself.
void add_window(const std::vector<sluicepp::TokenId>& ids, const Reader& reference, const Reader& model,
                Divergence& sums);

}  // namespace quality
