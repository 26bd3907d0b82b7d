// The mixture of experts. Tokens are grouped by expert, so that each woken expert's weights are read once
// for a chunk; a token's experts are summed in ascending id, whatever else the chunk holds.
#include <algorithm>

#include "forward/layers.h"
#include "moe/router.h"

namespace sluice {
namespace {

Done route(const ExpertFeedForward& experts, std::uint32_t layer, const Step& step) {
    const Config& config = step.config;
    const std::size_t n_experts = config.n_experts;
    const std::size_t n_used = config.n_experts_used;
    const Product scores{&experts.router, step.normed(), step.work.router_logits.data(), n_experts};
    SLUICE_TRY(step.multiply({&scores, 1}));

    const RouterRule rule{config.n_experts_used, config.normalise_expert_weights, config.expert_weights_scale};
    for (std::size_t token = 0; token < step.n_tokens; ++token) {
        choose_experts(rule, step.work.router_logits.subspan(token * n_experts, n_experts), experts.bias,
                       step.work.experts.subspan(token * n_used, n_used),
                       step.work.expert_weights.subspan(token * n_used, n_used));
    }
    const auto ids = step.work.experts.first(step.n_tokens * n_used);
    const auto weights = step.work.expert_weights.first(step.n_tokens * n_used);
    step.groups.group(ids);
    if (step.counts != nullptr) step.counts->add(layer, ids, weights);
    if (step.trace != nullptr && !step.trace->experts.empty()) {
        std::copy(ids.begin(), ids.end(), step.trace->experts[layer].begin());
        std::copy(weights.begin(), weights.end(), step.trace->weights[layer].begin());
    }
    return Nothing{};
}

// The products of one matrix of every woken expert with that expert's rows, added behind `products`.
std::size_t add_products(const Step& step, std::span<const Matrix> matrices, const float* inputs,
                         float* outputs, std::size_t n_products) {
    for (std::uint32_t expert = 0; expert < matrices.size(); ++expert) {
        const std::size_t first = step.groups.first_pair(expert);
        const std::size_t count = step.groups.first_pair(expert + 1) - first;
        if (count == 0) continue;
        const Matrix& matrix = matrices[expert];
        step.products[n_products++] = {&matrix,
                                       {inputs + first * matrix.columns, count, matrix.columns, matrix.columns},
                                       outputs + first * matrix.rows,
                                       matrix.rows};
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

    for (std::size_t pair = 0; pair < n_pairs; ++pair) {
        const auto row = step.row_of(work.normed, step.groups.token_of(pair));
        std::copy(row.begin(), row.end(), work.pair_inputs.data() + pair * hidden);
    }
    std::size_t n_products =
        add_products(step, experts.gate, work.pair_inputs.data(), work.pair_gates.data(), 0);
    n_products = add_products(step, experts.up, work.pair_inputs.data(), work.pair_ups.data(), n_products);
    SLUICE_TRY(step.multiply(step.products.first(n_products)));

    SLUICE_TRY(
        step.workers.for_each(n_pairs, 8, step.cancel, [&](std::size_t first, std::size_t last, std::uint32_t) {
            step.kernels.silu_multiply(work.pair_gates.data() + first * size,
                                       work.pair_ups.data() + first * size, (last - first) * size);
        }));

    n_products = add_products(step, experts.down, work.pair_gates.data(), work.pair_outputs.data(), 0);
    SLUICE_TRY(step.multiply(step.products.first(n_products)));

    // The weights count after the down projection, as they were trained.
    const std::size_t n_used = step.config.n_experts_used;
    return step.workers.for_each(
        step.n_tokens, 4, step.cancel, [&](std::size_t first, std::size_t last, std::uint32_t) {
            for (std::size_t token = first; token < last; ++token) {
                const auto out = step.row_of(work.mixed, token);
                std::fill(out.begin(), out.end(), 0.0F);
                for (std::size_t i = 0; i < n_used; ++i) {
                    step.kernels.add_scaled(out.data(), work.expert_weights[token * n_used + i],
                                            work.pair_outputs.data() + step.groups.pair_of(token, i) * hidden,
                                            hidden);
                }
            }
        });
}

}  // namespace sluice
