// Probabilities as the model gives them. Sums run in eight lanes: a fixed order that also vectorises.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "session/best_tokens.h"
#include "session/exponential.h"
#include "session/sampler.h"
#include "session/saturate.h"

namespace sluice {
namespace {

// ln(sum of e^logit); minus infinity when no logit is above it.
double log_sum(std::span<const float> logits) {
    if (logits.empty()) return -std::numeric_limits<double>::infinity();
    const double highest = *std::max_element(logits.begin(), logits.end());
    if (!std::isfinite(highest)) return highest;
    constexpr std::size_t kLanes = 8;
    constexpr std::size_t kBlock = 64;
    std::array<double, kLanes> sums{};
    std::array<double, kBlock> block;
    for (std::size_t i = 0; i < logits.size(); i += kBlock) {
        const std::size_t n = std::min(kBlock, logits.size() - i);
        block.fill(kLowestExponent);
        // The bound by itself: in one loop with the rest it becomes a branch, and nothing vectorises.
        for (std::size_t k = 0; k < n; ++k) block[k] = std::max(logits[i + k] - highest, kLowestExponent);
        for (std::size_t k = 0; k < kBlock; k += kLanes) {
            for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += exponential_within(block[k + lane]);
        }
    }
    double sum = 0.0;
    for (const double lane : sums) sum += lane;
    return highest + std::log(sum);
}

float difference(float logit, double log_total) {
    // Without this an infinity minus itself would be NaN.
    if (logit == -std::numeric_limits<float>::infinity()) return logit;
    return saturate(logit - log_total);
}

}  // namespace

float log_probability(std::span<const float> logits, TokenId id) {
    if (id < 0 || static_cast<std::size_t>(id) >= logits.size()) return -std::numeric_limits<float>::infinity();
    return difference(logits[static_cast<std::size_t>(id)], log_sum(logits));
}

void top_log_probabilities(std::span<const float> logits, std::span<TokenProbability> out) {
    if (out.empty()) return;
    find_best(logits, out);
    const double log_total = log_sum(logits);
    for (TokenProbability& token : out) token.log_probability = difference(token.log_probability, log_total);
}

}  // namespace sluice
