// The n highest of many scores in one pass: a heap of those so far, its worst on top. Allocates nothing.
#pragma once

#include <algorithm>
#include <span>

#include "session/sampler.h"

namespace sluice {

// Higher first, the lower id of two equal ones.
inline bool is_better(const TokenProbability& a, const TokenProbability& b) {
    return a.log_probability != b.log_probability ? a.log_probability > b.log_probability : a.id < b.id;
}

// Fills best[0, min(best.size(), scores.size())), best first; log_probability holds the score.
// O(n log k), near O(n) on scores in random order. Requires no NaN (with one the choice is arbitrary).
inline void find_best(std::span<const float> scores, std::span<TokenProbability> best) {
    const std::size_t n = std::min(best.size(), scores.size());
    best = best.first(n);
    if (n == 0) return;
    for (std::size_t i = 0; i < n; ++i) best[i] = {static_cast<TokenId>(i), scores[i]};
    std::make_heap(best.begin(), best.end(), is_better);
    for (std::size_t i = n; i < scores.size(); ++i) {
        // An equal score has the higher id here: it does not enter.
        if (!(scores[i] > best.front().log_probability)) continue;
        std::pop_heap(best.begin(), best.end(), is_better);
        best.back() = {static_cast<TokenId>(i), scores[i]};
        std::push_heap(best.begin(), best.end(), is_better);
    }
    std::sort_heap(best.begin(), best.end(), is_better);
}

}  // namespace sluice
