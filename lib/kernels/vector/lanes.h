// Sixteen floats side by side, in the compiler's own vector type: one register, or two, or four, as the
// instruction set has them. What it cannot say portably an Isa brings: fused(a, b, c) = a * b + c rounded once,
// and from_halves(at), sixteen float16.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/exponential.h"

namespace sluice::vector {

constexpr std::size_t kLanes = 16;

using Lanes = float __attribute__((vector_size(64)));
using IntLanes = std::int32_t __attribute__((vector_size(64)));

static inline Lanes load(const float* at) {
    Lanes lanes;
    __builtin_memcpy(&lanes, at, sizeof lanes);
    return lanes;
}

static inline void store(float* at, Lanes lanes) {
    __builtin_memcpy(at, &lanes, sizeof lanes);
}

static inline Lanes all(float x) {
    return Lanes{} + x;
}

static inline Lanes from_bfloats(const std::uint16_t* at) {
    using Bfloats = std::uint16_t __attribute__((vector_size(32)));
    using Words = std::uint32_t __attribute__((vector_size(64)));
    Bfloats bfloats;
    __builtin_memcpy(&bfloats, at, sizeof bfloats);
    return reinterpret_cast<Lanes>(__builtin_convertvector(bfloats, Words) << 16);
}

// Sixteen numbered lanes, for comparing with a count.
static inline IntLanes numbers() {
    return IntLanes{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
}

static inline Lanes larger(Lanes a, Lanes b) {
    return a > b ? a : b;
}

// In halves: 8 to 8, 4 to 4, 2 to 2, 1 to 1 (kernels.h).
static inline float sum(Lanes v) {
    float lanes[kLanes];
    store(lanes, v);
    for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
        for (std::size_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
    }
    return lanes[0];
}

static inline float largest(Lanes v) {
    float result = v[0];
    for (std::size_t lane = 1; lane < kLanes; ++lane) result = v[lane] > result ? v[lane] : result;
    return result;
}

// exponential::of, lane by lane, bit by bit.
static inline Lanes exponential(Lanes x) {
    using namespace sluice::exponential;
    const IntLanes is_small = x < all(kSmallest);
    const IntLanes is_large = x > all(kLargest);
    const Lanes shifted = x * kLog2E + kRounder;
    const Lanes n = shifted - kRounder;
    const Lanes r = (x - n * kLn2High) - n * kLn2Low;
    Lanes p = all(kFactors[4]);
    for (int i = 3; i >= 0; --i) p = p * r + kFactors[i];
    p = (p * r) * r + r + 1.0F;
    using Words = std::uint32_t __attribute__((vector_size(64)));
    const Lanes scaled = p * reinterpret_cast<Lanes>(reinterpret_cast<Words>(shifted) << 23);
    return is_small ? Lanes{} : is_large ? all(__builtin_inff()) : scaled;
}

}  // namespace sluice::vector
