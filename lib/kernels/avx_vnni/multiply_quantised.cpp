// Products of integers: a register tile of 32 rows x up to 3 vectors over a panel.
//
// GCC 12 copies every accumulator before and after a VNNI intrinsic, which halves the speed; one instruction of
// inline assembly has no such copies.
#include <immintrin.h>

#include "kernels/avx2/table.h"
#include "kernels/avx2/tile.h"
#include "kernels/avx_vnni/table.h"

namespace sluice::avx_vnni {
namespace {

// sum += the four products of each lane's weights with the lane's values.
inline void dot(__m256i& sum, __m256i weights, __m256i values) {
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(weights), "x"(values));
}

#define SLUICE_EACH_TOKEN(run) run(0) run(1) run(2)

// Sums are variables of their own: those in an array or a struct would be spilled.
template <bool has_halves, bool has_minimums, int n_tokens>
[[gnu::noinline]] void multiply_tile(const tile::Panel& panel, std::size_t n_blocks, const tile::Tokens& tokens,
                                     std::size_t first, avx2::Sums sums) {
    constexpr std::size_t kGroups = has_halves ? 2 : 1;
#define SLUICE_BEGIN(t)                                      \
    [[maybe_unused]] const std::int8_t* values##t = nullptr; \
    [[maybe_unused]] float* to##t = nullptr;                 \
    if constexpr (n_tokens > t) {                            \
        values##t = tokens.values[first + t];                \
        to##t = sums.at + t * sums.stride;                   \
    }
    SLUICE_EACH_TOKEN(SLUICE_BEGIN)
#undef SLUICE_BEGIN
    for (std::size_t block = 0; block < n_blocks; ++block) {
        for (std::size_t group = 0; group < kGroups; ++group) {
            const std::size_t at = block * kGroups + group;
#define SLUICE_CORRECT(t)                                                                 \
    [[maybe_unused]] __m256i a##t, b##t, c##t, d##t;                                      \
    if constexpr (n_tokens > t) {                                                         \
        a##t = b##t = c##t = d##t = _mm256_set1_epi32(tokens.corrections[first + t][at]); \
    }
            SLUICE_EACH_TOKEN(SLUICE_CORRECT)
#undef SLUICE_CORRECT
            const auto* lower = reinterpret_cast<const __m256i*>(panel.values[block][0]) + group * 8;
            const auto* upper = reinterpret_cast<const __m256i*>(panel.values[block][1]) + group * 8;
#pragma GCC unroll 8
            for (std::size_t k = 0; k < 8 / kGroups; ++k) {
                const std::size_t four = block * 32 + group * 16 + k * 4;
#define SLUICE_VALUES(t) \
    [[maybe_unused]] const __m256i v##t = n_tokens > t ? avx2::all_lanes(values##t + four) : __m256i{};
                SLUICE_EACH_TOKEN(SLUICE_VALUES)
#undef SLUICE_VALUES
#define SLUICE_MULTIPLY(sum, from)                            \
    {                                                         \
        const __m256i weights = _mm256_load_si256(from);      \
        dot(sum##0, weights, v0);                             \
        if constexpr (n_tokens > 1) dot(sum##1, weights, v1); \
        if constexpr (n_tokens > 2) dot(sum##2, weights, v2); \
    }
                SLUICE_MULTIPLY(a, lower + 2 * k)
                SLUICE_MULTIPLY(b, lower + 2 * k + 1)
                SLUICE_MULTIPLY(c, upper + 2 * k)
                SLUICE_MULTIPLY(d, upper + 2 * k + 1)
#undef SLUICE_MULTIPLY
            }
#define SLUICE_END_TOKEN(t, sum, row)                                                                        \
    if constexpr (n_tokens > t) {                                                                            \
        avx2::add_group<has_minimums>(to##t + row, sum, of, _mm256_set1_ps(tokens.scales[first + t][block]), \
                                      _mm256_set1_ps(tokens.offsets[first + t][at]));                        \
    }
#define SLUICE_END(sum, row)                                                                \
    {                                                                                       \
        const avx2::GroupScale of = avx2::scale_of<has_minimums>(panel, block, group, row); \
        SLUICE_END_TOKEN(0, sum##0, row)                                                    \
        SLUICE_END_TOKEN(1, sum##1, row)                                                    \
        SLUICE_END_TOKEN(2, sum##2, row)                                                    \
    }
            SLUICE_END(a, 0)
            SLUICE_END(b, 8)
            SLUICE_END(c, 16)
            SLUICE_END(d, 24)
#undef SLUICE_END
#undef SLUICE_END_TOKEN
        }
    }
}

#undef SLUICE_EACH_TOKEN

struct Tile {
    template <int n_tokens>
    static void run(const tile::Form& form, const tile::Panel& panel, std::size_t n_blocks,
                    const tile::Tokens& tokens, std::size_t first, avx2::Sums sums) {
        if (!form.has_halves && !form.has_minimums) {
            multiply_tile<false, false, n_tokens>(panel, n_blocks, tokens, first, sums);
        } else if (!form.has_halves) {
            multiply_tile<false, true, n_tokens>(panel, n_blocks, tokens, first, sums);
        } else if (!form.has_minimums) {
            multiply_tile<true, false, n_tokens>(panel, n_blocks, tokens, first, sums);
        } else {
            multiply_tile<true, true, n_tokens>(panel, n_blocks, tokens, first, sums);
        }
    }
};

struct Isa : avx2::IsaOf<Tile> {
    static void unpack(TensorType type, const tile::PanelRows& rows, std::size_t first, std::size_t count,
                       tile::Panel& panel) {
        avx2::unpack(type, rows, first, count, panel);
    }
};

}  // namespace

void multiply_quantised(const Matrix& w, std::size_t first_row, std::size_t last_row, const QuantisedVectors& x,
                        float* out, std::size_t out_stride, std::byte* scratch) {
    tile::multiply_panels<Isa>(w, first_row, last_row, x, out, out_stride, scratch);
}

}  // namespace sluice::avx_vnni
