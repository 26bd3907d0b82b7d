// Stored blocks to panels: 8 rows are loaded, transposed so that a lane is a row, and only then cut into
// values.
#pragma once

#include <immintrin.h>

#include "kernels/tile/panel.h"

namespace sluice::avx2 {
namespace {

constexpr std::size_t kEight = 8;  // rows of a register

// The 16 bytes at an offset of 8 rows, as four registers: the k-th holds bytes 4 k to 4 k + 3, a lane for each
// row.
struct Columns {
    __m256i c[4];
};

inline __m256i two_rows(const std::byte* const* rows, std::size_t offset) {
    const auto* lower = reinterpret_cast<const __m128i*>(rows[0] + offset);
    const auto* upper = reinterpret_cast<const __m128i*>(rows[4] + offset);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128(lower)), _mm_loadu_si128(upper), 1);
}

inline Columns load_columns(const std::byte* const* rows, std::size_t offset) {
    const __m256i r0 = two_rows(rows, offset);
    const __m256i r1 = two_rows(rows + 1, offset);
    const __m256i r2 = two_rows(rows + 2, offset);
    const __m256i r3 = two_rows(rows + 3, offset);
    const __m256i low01 = _mm256_unpacklo_epi32(r0, r1);
    const __m256i high01 = _mm256_unpackhi_epi32(r0, r1);
    const __m256i low23 = _mm256_unpacklo_epi32(r2, r3);
    const __m256i high23 = _mm256_unpackhi_epi32(r2, r3);
    return {{_mm256_unpacklo_epi64(low01, low23), _mm256_unpackhi_epi64(low01, low23),
             _mm256_unpacklo_epi64(high01, high23), _mm256_unpackhi_epi64(high01, high23)}};
}

inline __m256i low_nibbles(__m256i bytes) {
    return _mm256_and_si256(bytes, _mm256_set1_epi8(15));
}
inline __m256i high_nibbles(__m256i bytes) {
    return low_nibbles(_mm256_srli_epi16(bytes, 4));
}

// Left by a positive number of bits, right by a negative one.
inline __m256i shifted(__m256i lanes, int left) {
    return left >= 0 ? _mm256_sll_epi32(lanes, _mm_cvtsi32_si128(left))
                     : _mm256_srl_epi32(lanes, _mm_cvtsi32_si128(-left));
}

// The 32 values of 8 rows in one block of the panel; part k holds columns 4 k to 4 k + 3.
struct Values {
    std::uint8_t* at;

    Values(tile::Panel& panel, std::size_t block, std::size_t first_row)
        : at(&panel.values[block][first_row / tile::kLaneRows][0][first_row % tile::kLaneRows][0]) {}

    void set(std::size_t k, __m256i values) const {
        _mm256_store_si256(reinterpret_cast<__m256i*>(at + 64 * k), values);
    }
};

// Asks for `size` bytes at `at` that will be read after this panel. Addresses past the end are harmless.
inline void fetch(const std::byte* at, std::size_t size) {
    for (std::size_t i = 0; i < size; i += 64) _mm_prefetch(reinterpret_cast<const char*>(at + i), _MM_HINT_T1);
}

}  // namespace
}  // namespace sluice::avx2
