// Sixteen stored rows, read so that a lane is a row: sixteen bytes of each are loaded, then transposed.
#pragma once

#include <immintrin.h>

#include <cstddef>

namespace sluice::avx512_vnni {
namespace {

// Sixteen rows that lie behind each other: four places and a few distances, which registers can hold.
struct RowsAt {
    const std::byte* fours[4];  // rows 0, 4, 8, 12
    std::size_t steps[4];       // from the first of four rows to each of them

    RowsAt(const std::byte* first, std::size_t row_bytes) {
        for (std::size_t i = 0; i < 4; ++i) {
            fours[i] = first + 4 * i * row_bytes;
            steps[i] = i * row_bytes;
        }
    }
    const std::byte* row(std::size_t i) const { return fours[i / 4] + steps[i % 4]; }
    void advance(std::size_t size) {
        for (const std::byte*& at : fours) at += size;
    }
};

// Sixteen rows anywhere.
struct RowList {
    const std::byte* const* at;
    const std::byte* row(std::size_t i) const { return at[i]; }
};

// The 16 bytes at an offset of 16 rows, as four registers: the k-th holds bytes 4 k to 4 k + 3 of each row.
struct Columns {
    __m512i c[4];
};

template <class Rows>
inline __m512i four_rows(const Rows& rows, std::size_t first, std::size_t offset) {
    const auto load = [&](std::size_t i) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows.row(first + i) + offset));
    };
    __m512i four = _mm512_castsi128_si512(load(0));
    four = _mm512_inserti32x4(four, load(4), 1);
    four = _mm512_inserti32x4(four, load(8), 2);
    return _mm512_inserti32x4(four, load(12), 3);
}

template <class Rows>
inline Columns load_columns(const Rows& rows, std::size_t offset) {
    const __m512i r0 = four_rows(rows, 0, offset);
    const __m512i r1 = four_rows(rows, 1, offset);
    const __m512i r2 = four_rows(rows, 2, offset);
    const __m512i r3 = four_rows(rows, 3, offset);
    const __m512i low01 = _mm512_unpacklo_epi32(r0, r1);
    const __m512i high01 = _mm512_unpackhi_epi32(r0, r1);
    const __m512i low23 = _mm512_unpacklo_epi32(r2, r3);
    const __m512i high23 = _mm512_unpackhi_epi32(r2, r3);
    return {_mm512_unpacklo_epi64(low01, low23), _mm512_unpackhi_epi64(low01, low23),
            _mm512_unpacklo_epi64(high01, high23), _mm512_unpackhi_epi64(high01, high23)};
}

// Asks for `size` bytes at `at` that will be read later. Addresses past the end are harmless.
inline void fetch(const std::byte* at, std::size_t size) {
    for (std::size_t i = 0; i < size; i += 64) _mm_prefetch(reinterpret_cast<const char*>(at + i), _MM_HINT_T1);
}

}  // namespace
}  // namespace sluice::avx512_vnni
