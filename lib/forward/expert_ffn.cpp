// The mixture of experts. Tokens are grouped by expert, so that each woken expert's weights are read once
// for a chunk; a token's experts are summed in ascending id, whatever else the chunk holds.
#include <algorithm>
#include <cmath>

#include "base/sentence.h"
#include "forward/layers.h"
#include "moe/router.h"

namespace sluice {
namespace {

// A choice between scores of which one is NaN still is a choice, and one of infinity is a weight of 0 or 1:
// neither would be seen later.
Done check_scores(std::span<const float> scores, std::span<const float> bias, std::uint32_t layer,
                  const Step& step) {
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const float score = scores[i] + bias[i % bias.size()];
        const std::size_t token = i / bias.size();
        if (std::isfinite(score) || step.has_failed(token)) continue;
        SLUICE_TRY(step.fail(
            token, make_error(SLUICE_E_NUMERIC, "the router's score of expert ", i % bias.size(), " in layer ",
                              layer, " is ", score, ": a weight or an activation is not finite")));
    }
    return Nothing{};
}

// Of the sequences that have not failed.
void count_experts(std::uint32_t layer, std::span<const std::int32_t> ids, std::span<const float> weights,
                   const Step& step) {
    std::size_t first = 0;
    for (const Sequence& sequence : step.sequences) {
        const std::size_t n_pairs = sequence.tokens.size() * step.config.n_experts_used;
        if (!sequence.failure) {
            step.counts->add(layer, ids.subspan(first, n_pairs), weights.subspan(first, n_pairs));
        }
        first += n_pairs;
    }
}

Done route(const ExpertFeedForward& experts, std::uint32_t layer, const Step& step) {
    const Config& config = step.config;
    const std::size_t n_experts = config.n_experts;
    const std::size_t n_used = config.n_experts_used;
    const Product scores{&experts.router, step.work.router_logits.data(), n_experts};
    SLUICE_TRY(step.multiply(step.normed(), {&scores, 1}));
    SLUICE_TRY(
        check_scores(step.work.router_logits.first(step.n_tokens * n_experts), experts.bias, layer, step));

    const RouterRule rule{config.n_experts_used, config.normalise_expert_weights, config.expert_weights_scale};
    for (std::size_t token = 0; token < step.n_tokens; ++token) {
        choose_experts(rule, step.work.router_logits.subspan(token * n_experts, n_experts), experts.bias,
                       step.work.experts.subspan(token * n_used, n_used),
                       step.work.expert_weights.subspan(token * n_used, n_used));
    }
    const auto ids = step.work.experts.first(step.n_tokens * n_used);
    const auto weights = step.work.expert_weights.first(step.n_tokens * n_used);
    step.groups.group(ids);
    if (step.counts != nullptr) count_experts(layer, ids, weights, step);
    if (step.trace != nullptr && !step.trace->experts.empty()) {
        std::copy(ids.begin(), ids.end(), step.trace->experts[layer].begin());
        std::copy(weights.begin(), weights.end(), step.trace->weights[layer].begin());
    }
    return Nothing{};
}

// The products of one matrix of every woken expert, added behind the first n_products. Their input has a row
// for each token, which each expert picks its own from, or a row for each pair, where an expert's stand
// together.
std::size_t add_products(const Step& step, std::span<const Matrix> matrices, bool by_token, float* outputs,
                         std::size_t n_products) {
    for (std::uint32_t expert = 0; expert < matrices.size(); ++expert) {
        const std::size_t first = step.groups.first_pair(expert);
        const std::size_t count = step.groups.first_pair(expert + 1) - first;
        if (count == 0) continue;
        const Matrix& matrix = matrices[expert];
        step.products[n_products++] = {&matrix,     outputs + first * matrix.rows,
                                       matrix.rows, by_token ? 0 : first,
                                       count,       by_token ? step.groups.tokens_from(first) : nullptr};
    }
    return n_products;
}

}  // namespace

Done run_expert_feed_forward(const ExpertFeedForward& experts, std::uint32_t layer, const Step& step) {
    SLUICE_TRY(route(experts, layer, step));
    const Workspace& work = step.work;
    const std::size_t n_pairs = step.groups.n_pairs();
    const std::size_t size = step.config.expert_feed_forward_size;
    const std::size_t hidden = step.config.hidden_size;

    std::size_t n_products = add_products(step, experts.gate, true, work.pair_gates.data(), 0);
    n_products = add_products(step, experts.up, true, work.pair_ups.data(), n_products);
    SLUICE_TRY(step.multiply(step.normed(), step.products.first(n_products)));

    SLUICE_TRY(step.workers.for_each(n_pairs, Step::grain_for(16 * size), step.cancel,
                                     [&](std::size_t first, std::size_t last, std::uint32_t) {
                                         step.kernels.silu_multiply(work.pair_gates.data() + first * size,
                                                                    work.pair_ups.data() + first * size,
                                                                    (last - first) * size);
                                     }));

    n_products = add_products(step, experts.down, false, work.pair_outputs.data(), 0);
    SLUICE_TRY(step.multiply({work.pair_gates.data(), n_pairs, size, size}, step.products.first(n_products),
                             Rounding::kOnce, step.groups.tokens_from(0)));

    // The weights count after the down projection, as they were trained.
    const std::size_t n_used = step.config.n_experts_used;
    return step.for_each_token(n_used * hidden, [&](std::size_t token) {
        const auto out = step.row_of(work.mixed, token);
        std::fill(out.begin(), out.end(), 0.0F);
        for (std::size_t i = 0; i < n_used; ++i) {
            step.kernels.add_scaled(out.data(), work.expert_weights[token * n_used + i],
                                    work.pair_outputs.data() + step.groups.pair_of(token, i) * hidden, hidden);
        }
    });
}

}  // namespace sluice
