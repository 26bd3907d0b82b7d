// Formats with minimums. Q4_K and Q5_K: 256 elements in runs of 32, x = (d s) q - (m n), where s and n are
// 6-bit integers of the run and d and m float16 of the block. Q5_1: 32 elements, x = d q + m.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "model/quantise/affine_fit.h"
#include "model/quantise/blocks_of_row.h"
#include "model/quantise/lanes.h"
#include "model/quantise/row_quantisers.h"

namespace sluice::quantise {
namespace {

constexpr std::size_t kRuns = 8;
constexpr int kMostScale = 63;

// What a block stores beside its levels.
struct Scales {
    float d = 0, m = 0;  // as stored
    int s[kRuns] = {};
    int n[kRuns] = {};
    float error = 0;
};

AffineFit fit_of_run(const Scales& scales, int s, int n) {
    return {scales.d * static_cast<float>(s), scales.m * static_cast<float>(n)};
}

int bounded(float x) {
    return static_cast<int>(level_of(x, 0.0F, float{kMostScale}));
}

// For d and m as given: the best s and n of each run near those that its own fit asks for.
void choose_integers(const float* x, const float* w, float highest, const AffineFit* fits, Scales& scales) {
    scales.error = 0;
    for (std::size_t run = 0; run < kRuns; ++run) {
        const float* xs = x + run * kRun;
        const float* ws = w + run * kRun;
        const int s0 = scales.d > 0 ? bounded(fits[run].scale / scales.d) : 0;
        const int n0 = scales.m > 0 ? bounded(fits[run].minimum / scales.m) : 0;
        float least = INFINITY;
        for (int s = std::max(0, s0 - 1); s <= std::min(s0 + 1, kMostScale); ++s) {
            for (int n = std::max(0, n0 - 1); n <= std::min(n0 + 1, kMostScale); ++n) {
                const float error = affine_error(xs, ws, highest, fit_of_run(scales, s, n));
                if (error >= least) continue;
                least = error;
                scales.s[run] = s;
                scales.n[run] = n;
            }
        }
        scales.error += least;
    }
}

// The least-squares d and m for the integers at hand: x = d u - m n with u = s q.
void refit(const float* x, const float* w, float highest, Scales& scales) {
    float uu = 0, un = 0, nn = 0, xu = 0, xn = 0;
    for (std::size_t run = 0; run < kRuns; ++run) {
        const float s = static_cast<float>(scales.s[run]);
        const float n = static_cast<float>(scales.n[run]);
        float q[kRun];
        affine_levels(x + run * kRun, highest, fit_of_run(scales, scales.s[run], scales.n[run]), q);
        Lanes sum_w = {}, sum_q = {}, sum_qq = {}, sum_x = {}, sum_xq = {};
        for (std::size_t i = 0; i < kRun; i += kLanes) {
            const Lanes weight = load(w + run * kRun + i);
            const Lanes value = load(x + run * kRun + i);
            const Lanes level = load(q + i);
            const Lanes wq = weight * level;
            sum_w += weight;
            sum_q += wq;
            sum_qq += wq * level;
            sum_x += weight * value;
            sum_xq += wq * value;
        }
        uu += s * s * sum_of(sum_qq);
        un += s * n * sum_of(sum_q);
        nn += n * n * sum_of(sum_w);
        xu += s * sum_of(sum_xq);
        xn += n * sum_of(sum_x);
    }
    const float determinant = uu * nn - un * un;
    if (determinant > 1e-6F * uu * nn) {
        const float d = (xu * nn - xn * un) / determinant;
        const float m = (xu * un - xn * uu) / determinant;
        if (d > 0 && m > 0) {
            scales.d = as_stored(d);
            scales.m = as_stored(m);
            return;
        }
    }
    if (uu > 0 && xu > 0 && nn == 0) scales.d = as_stored(xu / uu);
}

float super_scale(float most) {
    return most > 0 ? as_stored_above(most / kMostScale) : 0.0F;
}

Scales find_scales(const float* x, const float* w, float highest) {
    AffineFit fits[kRuns];
    float most_scale = 0, most_minimum = 0;
    for (std::size_t run = 0; run < kRuns; ++run) {
        fits[run] = find_affine(x + run * kRun, w + run * kRun, highest, Minimum::kNotAboveZero);
        most_scale = std::max(most_scale, fits[run].scale);
        most_minimum = std::max(most_minimum, fits[run].minimum);
    }
    Scales best;
    best.error = INFINITY;
    Scales scales;
    scales.d = super_scale(most_scale);
    scales.m = super_scale(most_minimum);
    for (int round = 0; round < 3; ++round) {
        choose_integers(x, w, highest, fits, scales);
        if (scales.error < best.error) best = scales;
        refit(x, w, highest, scales);
    }
    return best;
}

void store_scales(const Scales& scales, std::uint8_t* bytes) {
    for (std::size_t i = 0; i < 4; ++i) {
        bytes[i] = static_cast<std::uint8_t>(scales.s[i] | scales.s[i + 4] >> 4 << 6);
        bytes[i + 4] = static_cast<std::uint8_t>(scales.n[i] | scales.n[i + 4] >> 4 << 6);
        bytes[i + 8] = static_cast<std::uint8_t>((scales.s[i + 4] & 15) | (scales.n[i + 4] & 15) << 4);
    }
}

template <class Block>
void store_all(const float* x, float highest, const Scales& scales, Block& block) {
    block = {};
    block.scale = stored_half(scales.d);
    block.minimum = stored_half(scales.m);
    store_scales(scales, block.scales);
    for (std::size_t run = 0; run < kRuns; ++run) {
        float q[kRun];
        affine_levels(x + run * kRun, highest, fit_of_run(scales, scales.s[run], scales.n[run]), q);
        for (std::size_t i = 0; i < kRun; ++i) {
            const auto level = static_cast<std::uint32_t>(q[i]);
            std::uint8_t& nibbles = block.nibbles[run / 2 * kRun + i];
            nibbles = static_cast<std::uint8_t>(nibbles | (level & 15u) << run % 2 * 4);
            if constexpr (requires { block.fifth_bits; }) {
                block.fifth_bits[i] = static_cast<std::uint8_t>(block.fifth_bits[i] | level >> 4 << run);
            }
        }
    }
}

void quantise_block(const float* x, const float* w, BlockQ4K& block) {
    store_all(x, 15.0F, find_scales(x, w, 15.0F), block);
}
void quantise_block(const float* x, const float* w, BlockQ5K& block) {
    store_all(x, 31.0F, find_scales(x, w, 31.0F), block);
}

void quantise_block(const float* x, const float* w, BlockQ51& block) {
    constexpr float kHighest = 31.0F;
    const auto [least, most] = std::minmax_element(x, x + kRun);
    AffineFit best;
    float least_error = INFINITY;
    // Zeros last: where float16 is coarser than the weights, they are nearest.
    for (const AffineFit& fit : {find_affine(x, w, kHighest, Minimum::kAny),
                                 AffineFit{(*most - *least) / kHighest, -*least}, AffineFit{}}) {
        const AffineFit stored{as_stored(fit.scale), as_stored(fit.minimum)};
        const float error = affine_error(x, w, kHighest, stored);
        if (!(error < least_error)) continue;
        least_error = error;
        best = stored;
    }
    float q[kRun];
    affine_levels(x, kHighest, best, q);
    block.scale = stored_half(best.scale);
    block.minimum = stored_half(-best.minimum);
    std::int32_t levels[kRun];
    std::transform(q, q + kRun, levels, [](float level) { return static_cast<std::int32_t>(level); });
    store_five_bits(levels, block);
}

}  // namespace

void quantise_q5_1(const float* x, const float* importance, std::size_t count, std::byte* row) {
    quantise_blocks<TensorType::kQ5_1, BlockQ51, quantise_block>(x, importance, count, row);
}
void quantise_q4_k(const float* x, const float* importance, std::size_t count, std::byte* row) {
    quantise_blocks<TensorType::kQ4_K, BlockQ4K, quantise_block>(x, importance, count, row);
}
void quantise_q5_k(const float* x, const float* importance, std::size_t count, std::byte* row) {
    quantise_blocks<TensorType::kQ5_K, BlockQ5K, quantise_block>(x, importance, count, row);
}

}  // namespace sluice::quantise
