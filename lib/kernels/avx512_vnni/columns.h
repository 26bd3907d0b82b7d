// Sixteen stored rows, read so that a lane is a row: sixteen bytes of each are loaded, then transposed.
#pragma once

#include <immintrin.h>

#include <cstddef>

namespace sluice::avx512_vnni {
namespace {

// Sixteen rows that lie behind each other: four places and two distances, which registers can hold.
struct RowsAt {
    const std::byte* fours[4];  // rows 0, 4, 8, 12
    std::size_t one;            // from a row to the next
    std::size_t three;

    RowsAt(const std::byte* first, std::size_t row_bytes)
        : fours{first, first + 4 * row_bytes, first + 8 * row_bytes, first + 12 * row_bytes},
          one(row_bytes),
          three(3 * row_bytes) {}
    const std::byte* row(std::size_t i) const {
        const std::byte* four = fours[i / 4];
        return i % 4 == 3 ? four + three : four + i % 4 * one;
    }
    void advance(std::size_t size) {
        for (const std::byte*& at : fours) at += size;
    }
};

// Sixteen rows anywhere, from the same offset on.
struct RowList {
    const std::byte* const* at;
    std::size_t offset = 0;
    const std::byte* row(std::size_t i) const { return at[i] + offset; }
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

// Four registers of four rows' 16 bytes each, made columns.
inline Columns transpose(__m512i r0, __m512i r1, __m512i r2, __m512i r3) {
    const __m512i low01 = _mm512_unpacklo_epi32(r0, r1);
    const __m512i high01 = _mm512_unpackhi_epi32(r0, r1);
    const __m512i low23 = _mm512_unpacklo_epi32(r2, r3);
    const __m512i high23 = _mm512_unpackhi_epi32(r2, r3);
    return {_mm512_unpacklo_epi64(low01, low23), _mm512_unpackhi_epi64(low01, low23),
            _mm512_unpacklo_epi64(high01, high23), _mm512_unpackhi_epi64(high01, high23)};
}

template <class Rows>
inline Columns load_columns(const Rows& rows, std::size_t offset) {
    return transpose(four_rows(rows, 0, offset), four_rows(rows, 1, offset), four_rows(rows, 2, offset),
                     four_rows(rows, 3, offset));
}

// The 64 bytes at an offset of 16 rows, likewise. A cache line on its way from memory is best asked for once
// and whole: by four loads of 16 bytes, a matrix in memory was read a tenth more slowly on Zen 5
// (docs/benchmarks.md).
struct Line {
    __m512i c[16];
};

template <class Rows>
[[gnu::always_inline]] inline Line load_line(const Rows& rows, std::size_t offset) {
    const auto load = [&](std::size_t row, std::size_t half) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows.row(row) + offset + 32 * half));
    };
    const auto load_two = [&](std::size_t row, std::size_t half) {
        return _mm512_inserti64x4(_mm512_castsi256_si512(load(row, half)), load(row + 4, half), 1);
    };
    __m512i parts[4][4];  // [16 bytes of the line][row % 4]
#pragma GCC unroll 4
    for (std::size_t r = 0; r < 4; ++r) {
#pragma GCC unroll 2
        for (std::size_t half = 0; half < 2; ++half) {
            const __m512i low = load_two(r, half);
            const __m512i high = load_two(8 + r, half);
            parts[2 * half][r] = _mm512_shuffle_i32x4(low, high, 0x88);
            parts[2 * half + 1][r] = _mm512_shuffle_i32x4(low, high, 0xDD);
        }
    }
    Line line;
#pragma GCC unroll 4
    for (std::size_t part = 0; part < 4; ++part) {
        const Columns columns = transpose(parts[part][0], parts[part][1], parts[part][2], parts[part][3]);
#pragma GCC unroll 4
        for (std::size_t k = 0; k < 4; ++k) line.c[4 * part + k] = columns.c[k];
    }
    return line;
}

// The columns of stored blocks that follow each other, loaded line by line as they are come to.
template <std::size_t n_columns>
struct Run {
    __m512i c[n_columns];

    template <class Rows>
    void load_line_at(const Rows& rows, std::size_t index) {
        const Line line = load_line(rows, 64 * index);
#pragma GCC unroll 16
        for (std::size_t k = 0; k < 16; ++k) c[16 * index + k] = line.c[k];
    }
    // The last four, behind the last whole line.
    template <class Rows>
    void load_rest(const Rows& rows) {
        const Columns rest = load_columns(rows, 4 * (n_columns - 4));
#pragma GCC unroll 4
        for (std::size_t k = 0; k < 4; ++k) c[n_columns - 4 + k] = rest.c[k];
    }
};

// Asks for `size` bytes at `at` that will be read later. Addresses past the end are harmless. As assembly: GCC
// 12 takes a function of nothing but prefetches for one without effect, and drops its calls.
inline void fetch(const std::byte* at, std::size_t size) {
    for (std::size_t i = 0; i < size; i += 64) __asm__ volatile("prefetcht0 %0" : : "m"(at[i]));
}

}  // namespace
}  // namespace sluice::avx512_vnni
