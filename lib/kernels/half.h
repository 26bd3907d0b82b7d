// float16 and bfloat16 to float and back, by integer arithmetic. Static and free of std, so that a file
// compiled for one instruction set keeps its own copy.
#pragma once

#include <cstdint>

namespace sluice {

// Exact, subnormals included, also where the host has switched subnormal floats off. Without branches, so
// that compilers make vector code of a loop over it.
static constexpr float half_to_float(std::uint16_t half) {
    const std::uint32_t magnitude = half & 0x7FFFu;
    const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
    // The exponent's bias grows from 15 to 127; the exponent of infinity and NaN from 31 to 255.
    const std::uint32_t rebias = 112u << 23;
    const std::uint32_t normal = (magnitude << 13) + rebias + (magnitude >= 0x7C00u ? rebias : 0u);
    const float subnormal = static_cast<float>(static_cast<std::int32_t>(magnitude)) * 0x1p-24F;
    const std::uint32_t is_subnormal = magnitude < 0x0400u ? 0xFFFFFFFFu : 0u;
    const std::uint32_t bits =
        (__builtin_bit_cast(std::uint32_t, subnormal) & is_subnormal) | (normal & ~is_subnormal);
    return __builtin_bit_cast(float, bits | sign);
}

// Rounds to nearest, ties to even. 65520 and above becomes infinity; a NaN stays one, made quiet.
static constexpr std::uint16_t float_to_half(float value) {
    const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, value);
    const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
    const std::uint32_t sign = bits >> 16 & 0x8000u;
    std::uint32_t half = 0;
    if (magnitude > 0x7F800000u) {
        half = 0x7E00u | (magnitude >> 13 & 0x01FFu);
    } else if (magnitude >= 0x47800000u) {  // 65536
        half = 0x7C00u;
    } else if (magnitude >= 0x38800000u) {  // 2^-14, the smallest normal half
        const std::uint32_t odd = magnitude >> 13 & 1u;
        half = (magnitude - (112u << 23) + 0x0FFFu + odd) >> 13;
    } else {
        // Floats in [0.5, 1) lie 2^-24 apart, as subnormal halves do: the addition rounds for us.
        const float raised = __builtin_bit_cast(float, magnitude) + 0.5F;
        half = __builtin_bit_cast(std::uint32_t, raised) - 0x3F000000u;
    }
    return static_cast<std::uint16_t>(half | sign);
}

// Exact.
static constexpr float bfloat_to_float(std::uint16_t bfloat) {
    return __builtin_bit_cast(float, static_cast<std::uint32_t>(bfloat) << 16);
}

// Rounds to nearest, ties to even; a NaN stays one, made quiet.
static constexpr std::uint16_t float_to_bfloat(float value) {
    const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, value);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<std::uint16_t>(bits >> 16 | 0x0040u);
    return static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

}  // namespace sluice
