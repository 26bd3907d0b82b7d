// Four floats side by side, for the quantisers' inner loops. Compilers may not reorder a sum of floats, so the
// loops say themselves which sums run beside each other; the result is the same on every machine.
#pragma once

#include <cstddef>

namespace sluice::quantise {

using Lanes = float __attribute__((vector_size(16)));
constexpr std::size_t kLanes = 4;

inline Lanes load(const float* at) {
    Lanes lanes;
    __builtin_memcpy(&lanes, at, sizeof lanes);
    return lanes;
}
inline void store(Lanes lanes, float* at) {
    __builtin_memcpy(at, &lanes, sizeof lanes);
}
inline Lanes all(float value) {
    return Lanes{value, value, value, value};
}
inline float sum_of(Lanes lanes) {
    return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
}

// Floats from 2^23 to 2^24 are the integers: the addition rounds to nearest, ties to even.
// Requires |x| < 2^22.
inline Lanes nearest(Lanes x) {
    const Lanes magic = all(0x1.8p23F);
    return (x + magic) - magic;
}
inline float nearest(float x) {
    return (x + 0x1.8p23F) - 0x1.8p23F;
}

// What lies outside of the levels becomes the last of them; before it is rounded, so that nothing overflows.
inline Lanes level_of(Lanes x, float lowest, float highest) {
    const Lanes low = all(lowest);
    const Lanes high = all(highest);
    const Lanes raised = x < low ? low : x;
    return nearest(raised > high ? high : raised);
}
inline float level_of(float x, float lowest, float highest) {
    const float raised = x < lowest ? lowest : x;
    return nearest(raised > highest ? highest : raised);
}

}  // namespace sluice::quantise
