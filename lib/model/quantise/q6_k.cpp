// Q6_K: 256 elements in groups of 16, x = (d s) q with a signed byte s of the group and a float16 d of the
// block.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "model/quantise/blocks_of_row.h"
#include "model/quantise/lanes.h"
#include "model/quantise/row_quantisers.h"

namespace sluice::quantise {
namespace {

constexpr std::size_t kGroups = 16;
constexpr std::size_t kGroup = 16;
constexpr float kLowest = -32.0F;
constexpr float kHighest = 31.0F;

float group_error(const float* x, const float* w, float scale) {
    const float inverse = 1.0F / scale;
    Lanes error = {};
    for (std::size_t i = 0; i < kGroup; i += kLanes) {
        const Lanes value = load(x + i);
        const Lanes rest = value - level_of(value * inverse, kLowest, kHighest) * scale;
        error += load(w + i) * rest * rest;
    }
    return sum_of(error);
}

struct Scales {
    float d = 0;  // as stored
    int s[kGroups] = {};
    float error = 0;
};

// The s for which the group rounds best, if its element of largest size is to be a level from 27 to 32.5.
void choose_integer(const float* x, const float* w, float extreme, float d, int& chosen, float& least) {
    const auto try_integer = [&](int s) {
        const float error = group_error(x, w, d * static_cast<float>(s));
        if (error >= least) return;
        least = error;
        chosen = s;
    };
    const float size = std::fabs(extreme / d);
    const int first = std::clamp(static_cast<int>(size / 32.5F), 1, 127);
    const int last = std::clamp(static_cast<int>(std::ceil(size / 27.0F)), 1, 127);
    const int sign = (extreme / d < 0) ? 1 : -1;  // level -32 for the extreme one
    const int step = std::max(1, (last - first) / 16);
    for (int s = first; s <= last; s += step) {
        try_integer(sign * s);
        try_integer(-sign * s);
    }
}

void choose_integers(const float* x, const float* w, const float* extremes, Scales& scales) {
    scales.error = 0;
    for (std::size_t group = 0; group < kGroups; ++group) {
        const float* xs = x + group * kGroup;
        const float* ws = w + group * kGroup;
        float least = 0;
        for (std::size_t i = 0; i < kGroup; ++i) least += ws[i] * xs[i] * xs[i];
        scales.s[group] = 0;
        if (scales.d != 0) choose_integer(xs, ws, extremes[group], scales.d, scales.s[group], least);
        scales.error += least;
    }
}

void levels_of_group(const float* x, float scale, float* q) {
    const float inverse = scale != 0 ? 1.0F / scale : 0.0F;
    for (std::size_t i = 0; i < kGroup; i += kLanes)
        store(level_of(load(x + i) * inverse, kLowest, kHighest), q + i);
}

Scales find_scales(const float* x, const float* w) {
    float extremes[kGroups] = {};
    float most = 0;
    for (std::size_t i = 0; i < kGroups * kGroup; ++i) {
        float& extreme = extremes[i / kGroup];
        if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
        most = std::max(most, std::fabs(x[i]));
    }
    Scales best;
    best.error = INFINITY;
    for (const float share : {1.0F, 1.03F}) {
        Scales scales;
        scales.d = most > 0 ? as_stored_above(most * share / (31.0F * 127.0F)) : 0.0F;
        choose_integers(x, w, extremes, scales);
        if (scales.error < best.error) best = scales;
    }
    return best;
}

void quantise_block(const float* x, const float* w, BlockQ6K& block) {
    const Scales scales = find_scales(x, w);
    block = {};
    block.scale = stored_half(scales.d);
    for (std::size_t group = 0; group < kGroups; ++group) {
        block.scales[group] = static_cast<std::int8_t>(scales.s[group]);
        float q[kGroup];
        levels_of_group(x + group * kGroup, scales.d * static_cast<float>(scales.s[group]), q);
        const std::size_t half = group / 8;
        const std::size_t run = group % 8 / 2;
        for (std::size_t i = 0; i < kGroup; ++i) {
            const auto level = static_cast<std::uint32_t>(static_cast<std::int32_t>(q[i]) + 32);
            const std::size_t l = group % 2 * kGroup + i;
            std::uint8_t& nibbles = block.nibbles[64 * half + 32 * (run % 2) + l];
            nibbles = static_cast<std::uint8_t>(nibbles | (level & 15u) << run / 2 * 4);
            std::uint8_t& pairs = block.pairs[32 * half + l];
            pairs = static_cast<std::uint8_t>(pairs | level >> 4 << 2 * run);
        }
    }
}

}  // namespace

void quantise_q6_k(const float* x, const float* importance, std::size_t count, std::byte* row) {
    quantise_blocks<TensorType::kQ6_K, BlockQ6K, quantise_block>(x, importance, count, row);
}

}  // namespace sluice::quantise
