#include "forward/layers.h"

namespace sluice {

Done run_dense_feed_forward(const DenseFeedForward& dense, const Step& step) {
    const std::size_t size = dense.gate.rows;
    float* gate = step.work.wide.data();
    float* up = gate + step.n_tokens * size;
    const Product inputs[] = {{&dense.gate, step.normed(), gate, size}, {&dense.up, step.normed(), up, size}};
    SLUICE_TRY(step.multiply(inputs));

    SLUICE_TRY(step.workers.for_each(
        step.n_tokens, 1, step.cancel, [&](std::size_t first, std::size_t last, std::uint32_t) {
            step.kernels.silu_multiply(gate + first * size, up + first * size, (last - first) * size);
        }));

    const Product output{
        &dense.down, {gate, step.n_tokens, size, size}, step.work.mixed.data(), step.config.hidden_size};
    return step.multiply({&output, 1});
}

}  // namespace sluice
