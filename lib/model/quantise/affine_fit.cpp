// Candidates from clipping a little at either end, each followed by its least-squares line.
#include "model/quantise/affine_fit.h"

#include <algorithm>

#include "model/quantise/lanes.h"

namespace sluice::quantise {
namespace {

// Below it the inverse of a scale is no float; float16 cannot store such a scale anyway.
constexpr float kLeastRange = 0x1p-100F;

// Sums over a run; those with w are weighted.
struct Moments {
    float w, x, xx;
};
struct LevelSums {
    float q, xq, qq;
};

Moments moments_of(const float* x, const float* w) {
    Lanes sum_w = {};
    Lanes sum_x = {};
    Lanes sum_xx = {};
    for (std::size_t i = 0; i < kRun; i += kLanes) {
        const Lanes value = load(x + i);
        const Lanes weight = load(w + i);
        sum_w += weight;
        sum_x += weight * value;
        sum_xx += weight * value * value;
    }
    return {sum_of(sum_w), sum_of(sum_x), sum_of(sum_xx)};
}

// Levels are x * inverse + shift, rounded.
LevelSums sums_of(const float* x, const float* w, float highest, float inverse, float shift) {
    Lanes sum_q = {};
    Lanes sum_xq = {};
    Lanes sum_qq = {};
    for (std::size_t i = 0; i < kRun; i += kLanes) {
        const Lanes value = load(x + i);
        const Lanes q = level_of(value * inverse + shift, 0.0F, highest);
        const Lanes wq = load(w + i) * q;
        sum_q += wq;
        sum_xq += wq * value;
        sum_qq += wq * q;
    }
    return {sum_of(sum_q), sum_of(sum_xq), sum_of(sum_qq)};
}

// The least-squares line for these sums, and the error that it leaves.
AffineFit fit_of(const Moments& m, const LevelSums& s, Minimum minimum, float& error) {
    AffineFit fit;
    const float determinant = m.w * s.qq - s.q * s.q;
    if (determinant > 0) {
        fit.scale = (m.w * s.xq - m.x * s.q) / determinant;
        fit.minimum = (s.q * s.xq - s.qq * m.x) / determinant;
    }
    if (minimum == Minimum::kNotAboveZero && (!(determinant > 0) || fit.minimum < 0)) {
        fit.minimum = 0;
        fit.scale = s.qq > 0 ? s.xq / s.qq : 0;
    }
    const float a = fit.scale;
    const float b = fit.minimum;
    error = m.xx + a * (a * s.qq - 2 * s.xq) + b * (b * m.w + 2 * m.x - 2 * a * s.q);
    return fit;
}

}  // namespace

AffineFit find_affine(const float* x, const float* w, float highest, Minimum minimum) {
    const auto [least, most] = std::minmax_element(x, x + kRun);
    const float low = minimum == Minimum::kAny ? *least : std::min(0.0F, *least);
    const float range = *most - low;
    if (!(range > kLeastRange)) return {0, -low};
    const Moments moments = moments_of(x, w);
    AffineFit best{range / highest, -low};
    float best_error = affine_error(x, w, highest, best);
    const auto try_levels = [&](float inverse, float shift) {
        float error = 0;
        const AffineFit fit = fit_of(moments, sums_of(x, w, highest, inverse, shift), minimum, error);
        if (!(error < best_error && fit.scale > 0)) return;
        best_error = error;
        best = fit;
    };
    for (const float spread : {-1.2F, -0.8F, -0.4F, 0.0F, 0.4F, 0.8F, 1.2F, 1.6F, 2.0F, 2.4F}) {
        const float inverse = (highest + spread) / range;
        for (const float share : {0.0F, 0.25F, 0.5F, 0.75F, 1.0F}) {
            try_levels(inverse, -low * inverse - share * spread);
        }
    }
    for (int round = 0; round < 3; ++round) {
        const float inverse = 1.0F / best.scale;
        try_levels(inverse, best.minimum * inverse);
    }
    return best;
}

float affine_error(const float* x, const float* w, float highest, AffineFit fit) {
    const float inverse = fit.scale > 0 ? 1.0F / fit.scale : 0.0F;
    const float shift = fit.minimum * inverse;
    Lanes error = {};
    for (std::size_t i = 0; i < kRun; i += kLanes) {
        const Lanes value = load(x + i);
        const Lanes q = level_of(value * inverse + shift, 0.0F, highest);
        const Lanes rest = value - (q * fit.scale - fit.minimum);
        error += load(w + i) * rest * rest;
    }
    return sum_of(error);
}

void affine_levels(const float* x, float highest, AffineFit fit, float* q) {
    const float inverse = fit.scale > 0 ? 1.0F / fit.scale : 0.0F;
    const float shift = fit.minimum * inverse;
    for (std::size_t i = 0; i < kRun; i += kLanes) {
        store(level_of(load(x + i) * inverse + shift, 0.0F, highest), q + i);
    }
}

}  // namespace sluice::quantise
