// Rounding activations to small integers, a block of 32 in eight registers.
#include <arm_neon.h>

#include "kernels/neon_dotprod/table.h"

namespace sluice::neon_dotprod {
namespace {

// The bits of 16 floats without their signs, the largest of each lane. Bits and sizes have one order.
uint32x4_t largest_bits(const float* x) {
    const auto size = [&](int i) { return vreinterpretq_u32_f32(vabsq_f32(vld1q_f32(x + 4 * i))); };
    return vmaxq_u32(vmaxq_u32(size(0), size(1)), vmaxq_u32(size(2), size(3)));
}

// Rounds 16 floats and returns the sum of the integers.
std::int32_t round_16(const float* x, float inverse, std::int8_t* values) {
    const auto rounded = [&](int i) {
        return vmovn_s32(vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + 4 * i), inverse)));
    };
    const int8x16_t all = vcombine_s8(vmovn_s16(vcombine_s16(rounded(0), rounded(1))),
                                      vmovn_s16(vcombine_s16(rounded(2), rounded(3))));
    vst1q_s8(values, all);
    return vaddlvq_s8(all);
}

}  // namespace

bool quantise(const float* x, std::size_t n, std::int8_t* values, float* scales, std::int32_t* sums) {
    constexpr std::uint32_t kInfinity = 0x7F800000;
    bool is_finite = true;
    for (std::size_t block = 0; block < n / kQuantisedBlock; ++block) {
        const float* from = x + block * kQuantisedBlock;
        const std::uint32_t bits = vmaxvq_u32(vmaxq_u32(largest_bits(from), largest_bits(from + 16)));
        is_finite = is_finite && bits < kInfinity;
        const auto largest = __builtin_bit_cast(float, bits);
        // As the scalar definition: a block without a normal scale counts as zeros.
        const bool is_zero = !(largest >= 127.0F * 0x1p-126F);
        const float inverse = is_zero ? 0.0F : 127.0F / largest;
        scales[block] = is_zero ? 0.0F : largest / 127.0F;
        std::int8_t* to = values + block * kQuantisedBlock;
        sums[block * 2] = round_16(from, inverse, to);
        sums[block * 2 + 1] = round_16(from + 16, inverse, to + 16);
    }
    return is_finite;
}

}  // namespace sluice::neon_dotprod
