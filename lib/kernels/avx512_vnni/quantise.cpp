// Rounding activations to small integers, a block of 32 in two registers.
#include <immintrin.h>

#include "kernels/avx512_vnni/table.h"

namespace sluice::avx512_vnni {

bool quantise(const float* x, std::size_t n, std::int8_t* values, float* scales, std::int32_t* sums) {
    const __m512 infinity = _mm512_set1_ps(__builtin_inff());
    unsigned not_finite = 0;
    for (std::size_t block = 0; block < n / kQuantisedBlock; ++block) {
        const __m512 low = _mm512_loadu_ps(x + block * 32);
        const __m512 high = _mm512_loadu_ps(x + block * 32 + 16);
        const __m512 low_size = _mm512_abs_ps(low);
        const __m512 high_size = _mm512_abs_ps(high);
        const __mmask16 low_finite = _mm512_cmp_ps_mask(low_size, infinity, _CMP_LT_OQ);
        const __mmask16 high_finite = _mm512_cmp_ps_mask(high_size, infinity, _CMP_LT_OQ);
        not_finite |= (low_finite & high_finite) ^ 0xFFFFu;
        const float largest = _mm512_reduce_max_ps(_mm512_max_ps(low_size, high_size));
        // As the scalar definition: a block without a normal scale counts as zeros.
        const bool is_zero = !(largest >= 127.0F * 0x1p-126F);
        const __m512 inverse = _mm512_set1_ps(is_zero ? 0.0F : 127.0F / largest);
        scales[block] = is_zero ? 0.0F : largest / 127.0F;
        const __m512i low_values = _mm512_maskz_cvtps_epi32(low_finite, _mm512_mul_ps(low, inverse));
        const __m512i high_values = _mm512_maskz_cvtps_epi32(high_finite, _mm512_mul_ps(high, inverse));
        sums[block * 2] = _mm512_reduce_add_epi32(low_values);
        sums[block * 2 + 1] = _mm512_reduce_add_epi32(high_values);
        auto* to = reinterpret_cast<__m128i*>(values + block * 32);
        _mm_storeu_si128(to, _mm512_cvtepi32_epi8(low_values));
        _mm_storeu_si128(to + 1, _mm512_cvtepi32_epi8(high_values));
    }
    return not_finite == 0;
}

}  // namespace sluice::avx512_vnni
