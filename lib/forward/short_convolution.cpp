// The short convolution. Channels are independent of each other, so they are what is shared out; a chunk
// shorter than the convolution's window keeps a part of the old state.
#include <algorithm>

#include "forward/layers.h"

namespace sluice {
namespace {

// Channels of one piece of work: some cache lines, so that two threads do not write to the same one.
constexpr std::size_t kChannelGrain = 128;

// Everything for the channels [first, last) of a sequence, whose tokens are n_tokens rows from first_row on.
// `wide` has rows of B, C, x; x becomes z = B * x in place.
void convolve(const ShortConvolution& convolution, std::uint32_t cache_layer, KvCache& cache,
              std::size_t first_row, std::size_t n_tokens, const Step& step, std::size_t first,
              std::size_t last) {
    const std::span<float> state = cache.convolution_state(cache_layer);
    const std::size_t hidden = step.config.hidden_size;
    const std::size_t width = step.config.convolution_width;
    const auto gates = [&](std::size_t token) {
        return step.work.wide.data() + (first_row + token) * 3 * hidden;
    };
    // z of an earlier token: of these, or of the state, whose last row is the token before them.
    const auto z_before = [&](std::size_t token, std::size_t back) {
        return back <= token ? gates(token - back) + 2 * hidden
                             : state.data() + (width - 1 + token - back) * hidden;
    };

    for (std::size_t token = 0; token < n_tokens; ++token) {
        const float* b = gates(token);
        float* x = gates(token) + 2 * hidden;
        for (std::size_t i = first; i < last; ++i) x[i] *= b[i];
    }
    for (std::size_t token = 0; token < n_tokens; ++token) {
        const float* c = gates(token) + hidden;
        float* out = step.row_of(step.work.normed, first_row + token).data();
        for (std::size_t i = first; i < last; ++i)
            out[i] = convolution.bias.empty() ? 0.0F : convolution.bias[i];
        for (std::size_t tap = 0; tap < width; ++tap) {
            const float* z = z_before(token, width - 1 - tap);
            for (std::size_t i = first; i < last; ++i) out[i] += convolution.taps[i * width + tap] * z[i];
        }
        for (std::size_t i = first; i < last; ++i) out[i] *= c[i];
    }
    for (const KvCache::WantedMark& wanted : cache.wanted_marks()) {
        if (wanted.position > cache.position() + n_tokens) break;
        const auto token = static_cast<std::size_t>(wanted.position - cache.position());
        float* row = cache.mark_state(wanted, cache_layer).data();
        for (std::size_t back = width - 1; back > 0; --back, row += hidden) {
            const float* z = z_before(token, back);
            std::copy(z + first, z + last, row + first);
        }
    }
    // Oldest row first, each from a later place than it goes to, so nothing is overwritten before it is read.
    for (std::size_t row = 0; row + 1 < width; ++row) {
        const float* z = z_before(n_tokens, width - 1 - row);
        std::copy(z + first, z + last, state.data() + row * hidden + first);
    }
}

}  // namespace

Done run_short_convolution(const ShortConvolution& convolution, std::uint32_t cache_layer, const Step& step) {
    const std::size_t hidden = step.config.hidden_size;
    const Product input{&convolution.input, step.work.wide.data(), 3 * hidden};
    SLUICE_TRY(step.multiply(step.normed(), {&input, 1}, Rounding::kTwice));

    const std::size_t grain = std::max(kChannelGrain, Step::grain_for(16 * step.n_tokens));
    SLUICE_TRY(step.workers.for_each(
        hidden, grain, step.cancel, [&](std::size_t first, std::size_t last, std::uint32_t) {
            std::size_t row = 0;
            for (const Sequence& sequence : step.sequences) {
                const std::size_t n_tokens = sequence.tokens.size();
                convolve(convolution, cache_layer, *sequence.cache, row, n_tokens, step, first, last);
                row += n_tokens;
            }
        }));

    const Product output{&convolution.output, step.work.mixed.data(), hidden};
    return step.multiply(step.normed(), {&output, 1}, Rounding::kTwice);
}

}  // namespace sluice
