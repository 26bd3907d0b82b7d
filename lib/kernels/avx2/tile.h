// What the register tiles of 256-bit tables share: their ends, and the loops that run them over a panel.
//
// Sixteen registers hold the sums of integers of up to 3 vectors; the sums of floats stay in memory, where they
// are touched once for each group.
#pragma once

#include <immintrin.h>

#include "kernels/tile/driver.h"

namespace sluice::avx2 {
namespace {

constexpr std::size_t kTileTokens = 3;

using Word __attribute__((may_alias)) = std::int32_t;

// Four bytes in every lane.
inline __m256i all_lanes(const std::int8_t* four) {
    return _mm256_set1_epi32(*reinterpret_cast<const Word*>(four));
}

// What a group of 8 rows is multiplied with once its integers are summed.
struct GroupScale {
    __m256 scale, minimum;  // of the rows; without minimums the second is not used
};

template <bool has_minimums>
inline GroupScale scale_of(const tile::Panel& panel, std::size_t block, std::size_t group, std::size_t row) {
    GroupScale of;
    of.scale = _mm256_load_ps(&panel.scales[block][group][row]);
    of.minimum = has_minimums ? _mm256_load_ps(&panel.minimums[block][group][row]) : _mm256_setzero_ps();
    return of;
}

// Adds a group's products to the sums of 8 rows, as kernels.h says.
template <bool has_minimums>
inline void add_group(float* sums, __m256i dot, const GroupScale& of, __m256 vector_scale, __m256 offset) {
    const __m256 sum =
        _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), _mm256_mul_ps(of.scale, vector_scale), _mm256_loadu_ps(sums));
    _mm256_storeu_ps(sums, has_minimums ? _mm256_fmadd_ps(of.minimum, offset, sum) : sum);
}

// Where a tile adds: vector t of the tile and row r of the panel at at[t * stride + r].
struct Sums {
    float* at;
    std::size_t stride;
};

// An Isa for tile::multiply_panels. Tile has
//   run<n_tokens>(form, panel, n_blocks, tokens, first, sums): adds the products of 32 rows with n_tokens
//   vectors
//     from `first` on.
template <class Tile>
struct IsaOf {
    static constexpr std::size_t kTokens = 2 * kTileTokens;

    static void multiply(const tile::Form& form, const tile::Panel& panel, std::size_t n_blocks,
                         const tile::Tokens& tokens, std::size_t n_tokens, float* out, std::size_t out_stride,
                         std::size_t n_rows, bool is_first) {
        if (n_rows == tile::kPanelRows) {
            return multiply_all(form, panel, n_blocks, tokens, n_tokens, {out, out_stride}, is_first);
        }
        alignas(32) float all_rows[kTokens][tile::kPanelRows] = {};
        for (std::size_t t = 0; t < n_tokens && !is_first; ++t) {
            for (std::size_t r = 0; r < n_rows; ++r) all_rows[t][r] = out[t * out_stride + r];
        }
        multiply_all(form, panel, n_blocks, tokens, n_tokens, {all_rows[0], tile::kPanelRows}, is_first);
        for (std::size_t t = 0; t < n_tokens; ++t) {
            for (std::size_t r = 0; r < n_rows; ++r) out[t * out_stride + r] = all_rows[t][r];
        }
    }

private:
    static void multiply_all(const tile::Form& form, const tile::Panel& panel, std::size_t n_blocks,
                             const tile::Tokens& tokens, std::size_t n_tokens, Sums sums, bool is_first) {
        for (std::size_t t = 0; t < n_tokens && is_first; ++t) {
            float* row = sums.at + t * sums.stride;
            for (std::size_t r = 0; r < tile::kPanelRows; r += 8)
                _mm256_storeu_ps(row + r, _mm256_setzero_ps());
        }
        // Four vectors as two and two, five as three and two: one alone would waste a tile.
        for (std::size_t t = 0; t < n_tokens;) {
            const std::size_t left = n_tokens - t;
            const std::size_t count = left == kTileTokens + 1 ? 2 : left < kTileTokens ? left : kTileTokens;
            const Sums from{sums.at + t * sums.stride, sums.stride};
            switch (count) {
                case 1:
                    Tile::template run<1>(form, panel, n_blocks, tokens, t, from);
                    break;
                case 2:
                    Tile::template run<2>(form, panel, n_blocks, tokens, t, from);
                    break;
                default:
                    Tile::template run<3>(form, panel, n_blocks, tokens, t, from);
            }
            t += count;
        }
    }
};

}  // namespace
}  // namespace sluice::avx2
