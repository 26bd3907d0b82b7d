// The most multiply-adds that VNNI gives: one instruction on 16 accumulators that wait for nothing but
// themselves.
#include <immintrin.h>

#include "kernels/avx512_vnni/table.h"

namespace sluice::avx512_vnni {
namespace {

// 5 cycles on 2 ports (Cascade Lake, Zen 5) need 10 accumulators; 16 hold more than that busy.
constexpr std::uint64_t kAccumulators = 16;
constexpr std::uint64_t kPerInstruction = 64;

}  // namespace

// Not the intrinsic: gcc 12 copies each accumulator before and after it, which halves the speed.
#define SLUICE_ADD_PRODUCTS(sum) __asm__ volatile("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b))

std::uint64_t int8_peak(std::uint64_t rounds) {
    const __m512i a = _mm512_set1_epi8(3);
    const __m512i b = _mm512_set1_epi8(-5);
    __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    __m512i s8 = s0, s9 = s0, s10 = s0, s11 = s0, s12 = s0, s13 = s0, s14 = s0, s15 = s0;
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
    }
    return rounds * kAccumulators * kPerInstruction;
}

#undef SLUICE_ADD_PRODUCTS

}  // namespace sluice::avx512_vnni
