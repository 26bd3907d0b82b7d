// Columns of stored bytes cut into the integers they hold, and the scales of the blocks of 256.
#pragma once

#include <cstdint>

#include "kernels/avx512_vnni/columns.h"

namespace sluice::avx512_vnni {
namespace {

inline __m512i low_nibbles(__m512i bytes) {
    return _mm512_and_si512(bytes, _mm512_set1_epi8(15));
}
inline __m512i high_nibbles(__m512i bytes) {
    return low_nibbles(_mm512_srli_epi16(bytes, 4));
}

inline __m512i shifted_left(__m512i lanes, int bits) {
    return _mm512_sll_epi32(lanes, _mm_cvtsi32_si128(bits));
}
inline __m512i shifted_right(__m512i lanes, int bits) {
    return _mm512_srl_epi32(lanes, _mm_cvtsi32_si128(bits));
}

// Bit `run` of each byte, moved to bit 4.
inline __m512i fifth_bit(__m512i bits, int run) {
    const __m512i moved = run <= 4 ? shifted_left(bits, 4 - run) : shifted_right(bits, run - 4);
    return _mm512_and_si512(moved, _mm512_set1_epi8(16));
}

// Bits 2 run and 2 run + 1 of each byte, moved to bits 4 and 5.
inline __m512i pair_of(__m512i pairs, int run) {
    const __m512i moved = run <= 2 ? shifted_left(pairs, 4 - 2 * run) : shifted_right(pairs, 2 * run - 4);
    return _mm512_and_si512(moved, _mm512_set1_epi8(48));
}

// The float16 in the low half of each lane.
inline __m512 from_low_halves(__m512i lanes) {
    return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(lanes));
}

// Scales and minimums of a Q4_K or Q5_K block of 16 rows. The first 16 bytes of the stored block, by columns of
// four: d m | low six bits of 0 to 3 | of the minimums | the rest of 4 to 7.
class Scales4K {
public:
    explicit Scales4K(const Columns& head)
        : d_(from_low_halves(head.c[0])),
          minus_m_(_mm512_xor_ps(from_low_halves(_mm512_srli_epi32(head.c[0], 16)), _mm512_set1_ps(-0.0F))) {
        const __m512i six = _mm512_set1_epi32(0x3F3F3F3F);
        const __m512i four = _mm512_set1_epi32(0x0F0F0F0F);
        const __m512i top = _mm512_set1_epi32(0x30303030);
        scales_[0] = _mm512_and_si512(head.c[1], six);
        scales_[1] = _mm512_or_si512(_mm512_and_si512(head.c[3], four),
                                     _mm512_and_si512(_mm512_srli_epi32(head.c[1], 2), top));
        minimums_[0] = _mm512_and_si512(head.c[2], six);
        minimums_[1] = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi32(head.c[3], 4), four),
                                       _mm512_and_si512(_mm512_srli_epi32(head.c[2], 2), top));
    }
    // Of run 0 to 7.
    __m512 scale(int run) const { return _mm512_mul_ps(d_, part(scales_[run / 4], run % 4)); }
    __m512 minimum(int run) const { return _mm512_mul_ps(minus_m_, part(minimums_[run / 4], run % 4)); }

private:
    static __m512 part(__m512i lanes, int byte) {
        return _mm512_cvtepi32_ps(_mm512_and_si512(shifted_right(lanes, 8 * byte), _mm512_set1_epi32(255)));
    }
    __m512 d_;
    __m512 minus_m_;
    __m512i scales_[2];
    __m512i minimums_[2];
};

// Scales of a Q6_K block, at an offset of 16 rows.
class Scales6K {
public:
    template <class Rows>
    Scales6K(const Rows& rows, std::size_t offset) : bytes_(load_columns(rows, offset + 192)) {
        alignas(32) std::uint16_t halves[16];
        for (std::size_t row = 0; row < 16; ++row)
            __builtin_memcpy(&halves[row], rows.row(row) + offset + 208, 2);
        d_ = _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(halves)));
    }
    // Of group 0 to 15, of 16 weights.
    __m512 scale(int group) const {
        const __m512i top = shifted_left(bytes_.c[group / 4], 24 - group % 4 * 8);
        return _mm512_mul_ps(d_, _mm512_cvtepi32_ps(_mm512_srai_epi32(top, 24)));
    }

private:
    Columns bytes_;
    __m512 d_;
};

}  // namespace
}  // namespace sluice::avx512_vnni
