// A plain repeated search: 4 of 32 needs no heap, and its ties are plain to see.
#include "moe/router.h"

#include <cmath>

namespace sluice {
namespace {

// Keeps the quotient finite when every score is 0; as the model was trained.
constexpr float kWeightFloor = 1e-6F;

// A NaN is preferred by nobody and loses to everybody, so that ids stay valid whatever the logits are.
bool is_better(float candidate, float best) {
    return candidate > best || (best != best && candidate == candidate);
}

}  // namespace

void choose_experts(const RouterRule& rule, std::span<float> logits, std::span<const float> bias,
                    std::span<std::int32_t> ids, std::span<float> weights) {
    for (float& x : logits) x = 1.0F / (1.0F + std::exp(-x));
    const std::span<const float> scores = logits;

    const auto is_chosen = [&](std::size_t expert, std::size_t n_chosen) {
        for (std::size_t i = 0; i < n_chosen; ++i) {
            if (ids[i] == static_cast<std::int32_t>(expert)) return true;
        }
        return false;
    };
    for (std::size_t n_chosen = 0; n_chosen < rule.n_used; ++n_chosen) {
        std::size_t best = scores.size();
        for (std::size_t expert = 0; expert < scores.size(); ++expert) {
            if (is_chosen(expert, n_chosen)) continue;
            if (best == scores.size() || is_better(scores[expert] + bias[expert], scores[best] + bias[best])) {
                best = expert;
            }
        }
        ids[n_chosen] = static_cast<std::int32_t>(best);
    }

    // Insertion sort: experts are summed in ascending id, whatever order they were chosen in.
    for (std::size_t i = 1; i < ids.size(); ++i) {
        for (std::size_t j = i; j > 0 && ids[j - 1] > ids[j]; --j) std::swap(ids[j - 1], ids[j]);
    }
    float sum = 0.0F;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        weights[i] = scores[static_cast<std::size_t>(ids[i])];
        sum += weights[i];
    }
    for (float& weight : weights) {
        if (rule.normalise) weight /= sum + kWeightFloor;
        weight *= rule.scale;
    }
}

}  // namespace sluice
