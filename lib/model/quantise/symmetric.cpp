// Q4_0, Q5_0 and Q8_0: blocks of 32 with one scale d, x = d q.
#include <cmath>
#include <cstdint>

#include "kernels/blocks.h"
#include "model/quantise/blocks_of_row.h"
#include "model/quantise/lanes.h"
#include "model/quantise/row_quantisers.h"

namespace sluice::quantise {
namespace {

constexpr std::size_t kCount = 32;

struct Levels {
    float lowest, highest;
};

// Where the element of largest size is put: at first, first + step, ... `count` of them. What is a little
// outside of the levels is cut, which pays where the other elements then round well.
struct Search {
    float first, step;
    int count;
};

struct Trial {
    float error = 0;  // weighted sum of squares
    float xq = 0;     // weighted sums of products
    float qq = 0;
};

// Rounds to d q.
Trial try_scale(const float* x, const float* w, float inverse, float scale, Levels levels) {
    Lanes error = {};
    Lanes xq = {};
    Lanes qq = {};
    for (std::size_t i = 0; i < kCount; i += kLanes) {
        const Lanes value = load(x + i);
        const Lanes weight = load(w + i);
        const Lanes q = level_of(value * inverse, levels.lowest, levels.highest);
        const Lanes rest = value - q * scale;
        const Lanes wq = weight * q;
        error += weight * rest * rest;
        xq += wq * value;
        qq += wq * q;
    }
    return {sum_of(error), sum_of(xq), sum_of(qq)};
}

struct Best {
    float scale = 0;  // as stored
    float error = 0;
};

// Tries a scale as it would be stored, then where least squares moves it, a few times.
void refine(const float* x, const float* w, float scale, Levels levels, int n_rounds, Best& best) {
    for (int round = 0; round < n_rounds; ++round) {
        const float stored = as_stored(scale);
        if (stored == 0.0F || !std::isfinite(stored)) return;
        const Trial trial = try_scale(x, w, 1.0F / stored, stored, levels);
        if (trial.error < best.error) best = {stored, trial.error};
        if (!(trial.qq > 0)) return;
        scale = trial.xq / trial.qq;
    }
}

float extreme_of(const float* x) {
    float extreme = 0;
    for (std::size_t i = 0; i < kCount; ++i) {
        if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
    }
    return extreme;
}

float error_of_zeros(const float* x, const float* w) {
    float error = 0;
    for (std::size_t i = 0; i < kCount; ++i) error += w[i] * x[i] * x[i];
    return error;
}

// The stored scale for which rounding gives the least error.
template <std::size_t n_searches>
float best_scale(const float* x, const float* w, Levels levels, const Search (&searches)[n_searches]) {
    const float extreme = extreme_of(x);
    Best best{0.0F, error_of_zeros(x, w)};
    if (best.error == 0.0F && extreme == 0.0F) return 0.0F;
    refine(x, w, extreme / levels.lowest, levels, 3, best);
    // By the error that is left once least squares sets the scale: the sum of w x^2 less gain.
    float most_gain = 0;
    float scale = 0;
    for (const Search& search : searches) {
        for (int i = 0; i < search.count; ++i) {
            const float place = search.first + search.step * static_cast<float>(i);
            const Trial trial = try_scale(x, w, place / extreme, extreme / place, levels);
            const float gain = trial.qq > 0 ? trial.xq * trial.xq / trial.qq : 0.0F;
            if (gain <= most_gain) continue;
            most_gain = gain;
            scale = trial.xq / trial.qq;
        }
    }
    refine(x, w, scale, levels, 3, best);
    return best.scale;
}

// Of 8 bits: the error is so small beside the sum of squares that it is summed itself.
float best_scale_8(const float* x, const float* w) {
    constexpr Levels kLevels = {-127, 127};
    constexpr int kTrials = 28;
    const float extreme = std::fabs(extreme_of(x));
    Best best{0.0F, error_of_zeros(x, w)};
    if (best.error == 0.0F && extreme == 0.0F) return 0.0F;
    refine(x, w, extreme / 127.0F, kLevels, 1, best);
    for (int i = 0; i < kTrials; ++i)
        refine(x, w, extreme / (127.6F - 0.4F * static_cast<float>(i)), kLevels, 1, best);
    refine(x, w, best.scale, kLevels, 3, best);
    return best.scale;
}

void levels_of(const float* x, float scale, Levels levels, std::int32_t* q) {
    const float inverse = scale != 0 ? 1.0F / scale : 0.0F;
    for (std::size_t i = 0; i < kCount; ++i) {
        q[i] = static_cast<std::int32_t>(level_of(x[i] * inverse, levels.lowest, levels.highest));
    }
}

void quantise_block(const float* x, const float* w, BlockQ40& block) {
    constexpr Levels kLevels = {-8, 7};
    constexpr Search kSearches[] = {{-8.8F, 0.2F, 13}, {6.4F, 0.2F, 9}};
    const float scale = best_scale(x, w, kLevels, kSearches);
    std::int32_t q[kCount];
    levels_of(x, scale, kLevels, q);
    block.scale = stored_half(scale);
    for (std::size_t i = 0; i < 16; ++i) {
        block.nibbles[i] = static_cast<std::uint8_t>((q[i] + 8) | (q[i + 16] + 8) << 4);
    }
}

void quantise_block(const float* x, const float* w, BlockQ50& block) {
    constexpr Levels kLevels = {-16, 15};
    constexpr Search kSearches[] = {{-17.0F, 0.3F, 12}, {13.0F, 0.3F, 9}};
    const float scale = best_scale(x, w, kLevels, kSearches);
    std::int32_t q[kCount];
    levels_of(x, scale, kLevels, q);
    block.scale = stored_half(scale);
    for (std::int32_t& level : q) level += 16;
    store_five_bits(q, block);
}

void quantise_block(const float* x, const float* w, BlockQ80& block) {
    const float scale = best_scale_8(x, w);
    std::int32_t q[kCount];
    levels_of(x, scale, {-127, 127}, q);
    block.scale = stored_half(scale);
    for (std::size_t i = 0; i < kCount; ++i) block.values[i] = static_cast<std::int8_t>(q[i]);
}

}  // namespace

void quantise_q4_0(const float* x, const float* importance, std::size_t count, std::byte* row) {
    quantise_blocks<TensorType::kQ4_0, BlockQ40, quantise_block>(x, importance, count, row);
}
void quantise_q5_0(const float* x, const float* importance, std::size_t count, std::byte* row) {
    quantise_blocks<TensorType::kQ5_0, BlockQ50, quantise_block>(x, importance, count, row);
}
void quantise_q8_0(const float* x, const float* importance, std::size_t count, std::byte* row) {
    quantise_blocks<TensorType::kQ8_0, BlockQ80, quantise_block>(x, importance, count, row);
}

}  // namespace sluice::quantise
