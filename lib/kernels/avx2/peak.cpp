// The yardstick: sums that need nothing but registers, as many at once as hide the latency of a product.
#include <immintrin.h>

#include "kernels/avx2/table.h"

namespace sluice::avx2 {

// Products of any bytes: pairs of them, pairs of pairs, and the sum, three instructions for 32 products.
// Weights of few bits are faster than this, because more of their products fit 16 bits. Assembly, because a
// compiler would compute a product of constants once.
std::uint64_t int8_peak(std::uint64_t rounds) {
    constexpr std::uint64_t kRepeats = 4;
    constexpr std::uint64_t kSums = 12;
    const __m256i weights = _mm256_set1_epi8(3);
    const __m256i values = _mm256_set1_epi8(-5);
    const __m256i ones = _mm256_set1_epi16(1);
#define SLUICE_EACH_SUM(run) \
    run(0) run(1) run(2) run(3) run(4) run(5) run(6) run(7) run(8) run(9) run(10) run(11)
#define SLUICE_BEGIN(i) __m256i sum##i = _mm256_setzero_si256();
    SLUICE_EACH_SUM(SLUICE_BEGIN)
#undef SLUICE_BEGIN
    __m256i pairs;
    for (std::uint64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 4
        for (std::uint64_t repeat = 0; repeat < kRepeats; ++repeat) {
#define SLUICE_DOT(i)                \
    __asm__ volatile(                \
        "vpmaddubsw %3, %2, %1\n\t"  \
        "vpmaddwd %4, %1, %1\n\t"    \
        "vpaddd %1, %0, %0"          \
        : "+x"(sum##i), "=&x"(pairs) \
        : "x"(weights), "x"(values), "x"(ones));
            SLUICE_EACH_SUM(SLUICE_DOT)
#undef SLUICE_DOT
        }
    }
#undef SLUICE_EACH_SUM
    return rounds * kRepeats * kSums * sizeof(__m256i);
}

}  // namespace sluice::avx2
