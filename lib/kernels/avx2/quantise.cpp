// Rounding activations to small integers, a block of 32 in four registers.
#include <immintrin.h>

#include "kernels/avx2/table.h"

namespace sluice::avx2 {
namespace {

float largest_of(__m256 sizes) {
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(sizes), _mm256_extractf128_ps(sizes, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}

std::int32_t sum_of(__m256i values) {
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
    four = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 1)));
}

// Rounded to nearest even.
__m256i times(__m256 x, __m256 inverse) {
    return _mm256_cvtps_epi32(_mm256_mul_ps(x, inverse));
}

}  // namespace

bool quantise(const float* x, std::size_t n, std::int8_t* values, float* scales, std::int32_t* sums) {
    const __m256 infinity = _mm256_set1_ps(__builtin_inff());
    const __m256 sign = _mm256_set1_ps(-0.0F);
    // Packing works in halves of a register: this puts the eight groups of four values in order again.
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256 not_finite = _mm256_setzero_ps();
    for (std::size_t block = 0; block < n / kQuantisedBlock; ++block) {
        const __m256 x0 = _mm256_loadu_ps(x + block * 32);
        const __m256 x1 = _mm256_loadu_ps(x + block * 32 + 8);
        const __m256 x2 = _mm256_loadu_ps(x + block * 32 + 16);
        const __m256 x3 = _mm256_loadu_ps(x + block * 32 + 24);
        const __m256 size0 = _mm256_andnot_ps(sign, x0);
        const __m256 size1 = _mm256_andnot_ps(sign, x1);
        const __m256 size2 = _mm256_andnot_ps(sign, x2);
        const __m256 size3 = _mm256_andnot_ps(sign, x3);
        not_finite = _mm256_or_ps(not_finite, _mm256_or_ps(_mm256_cmp_ps(size0, infinity, _CMP_NLT_UQ),
                                                           _mm256_cmp_ps(size1, infinity, _CMP_NLT_UQ)));
        not_finite = _mm256_or_ps(not_finite, _mm256_or_ps(_mm256_cmp_ps(size2, infinity, _CMP_NLT_UQ),
                                                           _mm256_cmp_ps(size3, infinity, _CMP_NLT_UQ)));
        const float largest =
            largest_of(_mm256_max_ps(_mm256_max_ps(size0, size1), _mm256_max_ps(size2, size3)));
        // As the scalar definition: a block without a normal scale counts as zeros.
        const bool is_zero = !(largest >= 127.0F * 0x1p-126F);
        const __m256 inverse = _mm256_set1_ps(is_zero ? 0.0F : 127.0F / largest);
        scales[block] = is_zero ? 0.0F : largest / 127.0F;
        const __m256i v0 = times(x0, inverse);
        const __m256i v1 = times(x1, inverse);
        const __m256i v2 = times(x2, inverse);
        const __m256i v3 = times(x3, inverse);
        sums[block * 2] = sum_of(_mm256_add_epi32(v0, v1));
        sums[block * 2 + 1] = sum_of(_mm256_add_epi32(v2, v3));
        const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(v0, v1), _mm256_packs_epi32(v2, v3));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(values + block * 32),
                            _mm256_permutevar8x32_epi32(bytes, order));
    }
    return _mm256_movemask_ps(not_finite) == 0;
}

}  // namespace sluice::avx2
