#include "forward/layers.h"

namespace sluice {

Done run_dense_feed_forward(const DenseFeedForward& dense, const Step& step) {
    const std::size_t size = dense.gate.rows;
    float* gate = step.work.wide.data();
    float* up = gate + 2 * step.n_tokens * size;
    // In a model with experts these are its first layers: every router decides by what they get wrong.
    const Rounding rounding = step.config.n_experts > 0 ? Rounding::kTwice : Rounding::kOnce;
    const Product inputs[] = {{&dense.gate, gate, size}, {&dense.up, up, size}};
    SLUICE_TRY(step.multiply(step.normed(), inputs, rounding));

    SLUICE_TRY(step.for_each_token(16 * size, [&](std::size_t token) {
        step.kernels.silu_multiply(gate + token * size, up + token * size, size);
    }));

    const Product output{&dense.down, step.work.mixed.data(), step.config.hidden_size};
    return step.multiply({gate, step.n_tokens, size, size}, {&output, 1});
}

}  // namespace sluice
