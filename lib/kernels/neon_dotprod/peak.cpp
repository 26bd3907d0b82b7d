// The most multiply-adds that dot products give: one instruction on 24 accumulators that wait for nothing but
// themselves.
#include <arm_neon.h>

#include "kernels/neon_dotprod/table.h"

namespace sluice::neon_dotprod {
namespace {

// At most 4 cycles on at most 4 pipes need 16 accumulators; 24 hold more than that busy.
constexpr std::uint64_t kAccumulators = 24;
constexpr std::uint64_t kPerInstruction = 16;

}  // namespace

#define SLUICE_ADD_PRODUCTS(sum) __asm__ volatile("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(a), "w"(b))

std::uint64_t int8_peak(std::uint64_t rounds) {
    const int8x16_t a = vdupq_n_s8(3);
    const int8x16_t b = vdupq_n_s8(-5);
    int32x4_t s0 = vdupq_n_s32(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    int32x4_t s8 = s0, s9 = s0, s10 = s0, s11 = s0, s12 = s0, s13 = s0, s14 = s0, s15 = s0;
    int32x4_t s16 = s0, s17 = s0, s18 = s0, s19 = s0, s20 = s0, s21 = s0, s22 = s0, s23 = s0;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        SLUICE_ADD_PRODUCTS(s0);
        SLUICE_ADD_PRODUCTS(s1);
        SLUICE_ADD_PRODUCTS(s2);
        SLUICE_ADD_PRODUCTS(s3);
        SLUICE_ADD_PRODUCTS(s4);
        SLUICE_ADD_PRODUCTS(s5);
        SLUICE_ADD_PRODUCTS(s6);
        SLUICE_ADD_PRODUCTS(s7);
        SLUICE_ADD_PRODUCTS(s8);
        SLUICE_ADD_PRODUCTS(s9);
        SLUICE_ADD_PRODUCTS(s10);
        SLUICE_ADD_PRODUCTS(s11);
        SLUICE_ADD_PRODUCTS(s12);
        SLUICE_ADD_PRODUCTS(s13);
        SLUICE_ADD_PRODUCTS(s14);
        SLUICE_ADD_PRODUCTS(s15);
        SLUICE_ADD_PRODUCTS(s16);
        SLUICE_ADD_PRODUCTS(s17);
        SLUICE_ADD_PRODUCTS(s18);
        SLUICE_ADD_PRODUCTS(s19);
        SLUICE_ADD_PRODUCTS(s20);
        SLUICE_ADD_PRODUCTS(s21);
        SLUICE_ADD_PRODUCTS(s22);
        SLUICE_ADD_PRODUCTS(s23);
    }
    return rounds * kAccumulators * kPerInstruction;
}

#undef SLUICE_ADD_PRODUCTS

}  // namespace sluice::neon_dotprod
