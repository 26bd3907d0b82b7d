// Products of integers: a register tile of 8 rows x up to 3 pairs of vectors over a panel.
//
// An instruction multiplies two rows x 8 columns with a pair of vectors, so a sum's lanes are
//   row 0 vector 0 | row 0 vector 1 | row 1 vector 0 | row 1 vector 1
#include "kernels/neon_dotprod/panel.h"
#include "kernels/neon_dotprod/table.h"
#include "kernels/neon_i8mm/table.h"

namespace sluice::neon_i8mm {
namespace {

using neon_dotprod::base;
using neon_dotprod::kTileRows;
using neon_dotprod::kTileSize;
using neon_dotprod::kTokens;
using neon_dotprod::to_float;
using neon_dotprod::values_of;
using tile::kPanelBlocks;

constexpr std::size_t kPairs = kTokens / 2;
constexpr std::size_t kStepSize = 16;                // bytes: 8 values of each vector of a pair
constexpr std::size_t kSteps = kQuantisedBlock / 8;  // in a block

// tile::Tokens, by pairs, the numbers of a pair once for each of two rows. An odd vector is its own partner.
struct TokenPairs {
    alignas(64) std::int8_t values[kPanelBlocks][kPairs][kSteps][kStepSize];
    alignas(16) float scales[kPanelBlocks][kPairs][4];
    alignas(16) float offsets[2 * kPanelBlocks][kPairs][4];
};

inline void set_pair(float (&out)[4], float even, float odd) {
    out[0] = out[2] = even;
    out[1] = out[3] = odd;
}

void pair_tokens(const tile::Form& form, const tile::Tokens& tokens, std::size_t n_tokens, std::size_t n_blocks,
                 TokenPairs& pairs) {
    for (std::size_t p = 0; 2 * p < n_tokens; ++p) {
        const std::size_t t = 2 * p;
        const std::size_t u = t + 1 < n_tokens ? t + 1 : t;
        for (std::size_t block = 0; block < n_blocks; ++block) {
            std::int8_t* to = &pairs.values[block][p][0][0];
            for (std::size_t part = 0; part < 2; ++part) {
                const std::size_t at = block * kQuantisedBlock + 16 * part;
                const int64x2_t a = vreinterpretq_s64_s8(vld1q_s8(tokens.values[t] + at));
                const int64x2_t b = vreinterpretq_s64_s8(vld1q_s8(tokens.values[u] + at));
                vst1q_s8(to + 32 * part, vreinterpretq_s8_s64(vzip1q_s64(a, b)));
                vst1q_s8(to + 32 * part + 16, vreinterpretq_s8_s64(vzip2q_s64(a, b)));
            }
            set_pair(pairs.scales[block][p], tokens.scales[t][block], tokens.scales[u][block]);
        }
        if (!form.has_minimums) continue;
        for (std::size_t i = 0; i < (form.has_halves ? 2 : 1) * n_blocks; ++i) {
            set_pair(pairs.offsets[i][p], tokens.offsets[t][i], tokens.offsets[u][i]);
        }
    }
}

// Four numbers of rows, each for both vectors of a pair.
struct RowPairs {
    float32x4_t low, high;
};
RowPairs of_rows(const float* at) {
    const float32x4_t rows = vld1q_f32(at);
    return {vzip1q_f32(rows, rows), vzip2q_f32(rows, rows)};
}

// Named accumulators: those in an array would be spilled.
#define SLUICE_EACH_PAIR(run) run(0) run(1) run(2)

template <bool has_halves, bool has_minimums, int n_pairs>
void multiply_tile(const tile::Panel& panel, std::size_t tile, std::size_t n_blocks, const TokenPairs& pairs,
                   std::size_t n_tokens, float* out, std::size_t out_stride, bool is_first) {
    constexpr std::size_t kGroups = has_halves ? 2 : 1;
    const std::size_t first_row = tile * kTileRows;
#define SLUICE_BEGIN(p)                                                                   \
    [[maybe_unused]] float32x4_t f##p##0 = vdupq_n_f32(0.0F);                             \
    [[maybe_unused]] float32x4_t f##p##1 = f##p##0, f##p##2 = f##p##0, f##p##3 = f##p##0; \
    if constexpr (n_pairs > p) {                                                          \
        if (!is_first) {                                                                  \
            const float* even = out + 2 * p * out_stride;                                 \
            const float* odd = 2 * p + 1 < n_tokens ? even + out_stride : even;           \
            const float32x4_t a = vld1q_f32(even), b = vld1q_f32(odd);                    \
            const float32x4_t c = vld1q_f32(even + 4), d = vld1q_f32(odd + 4);            \
            f##p##0 = vzip1q_f32(a, b);                                                   \
            f##p##1 = vzip2q_f32(a, b);                                                   \
            f##p##2 = vzip1q_f32(c, d);                                                   \
            f##p##3 = vzip2q_f32(c, d);                                                   \
        }                                                                                 \
    }
    SLUICE_EACH_PAIR(SLUICE_BEGIN)
#undef SLUICE_BEGIN

    for (std::size_t block = 0; block < n_blocks; ++block) {
        const std::int8_t* weights = values_of(panel, block, tile);
        const std::int8_t* vectors = &pairs.values[block][0][0][0];
        for (std::size_t group = 0; group < kGroups; ++group) {
            // Nothing that the next group needs too is kept in registers through the products of this one.
            __asm__ volatile("" ::: "memory");
            const int32x4_t zero = base();
#define SLUICE_ZERO(p) \
    [[maybe_unused]] int32x4_t i##p##0 = zero, i##p##1 = zero, i##p##2 = zero, i##p##3 = zero;
            SLUICE_EACH_PAIR(SLUICE_ZERO)
#undef SLUICE_ZERO
#define SLUICE_MULTIPLY(p)                                                    \
    if constexpr (n_pairs > p) {                                              \
        const int8x16_t v = vld1q_s8(vectors + (p * kSteps + k) * kStepSize); \
        i##p##0 = vmmlaq_s32(i##p##0, w0, v);                                 \
        i##p##1 = vmmlaq_s32(i##p##1, w1, v);                                 \
        i##p##2 = vmmlaq_s32(i##p##2, w2, v);                                 \
        i##p##3 = vmmlaq_s32(i##p##3, w3, v);                                 \
    }
#pragma GCC unroll 4
            for (std::size_t step = 0; step < kSteps / kGroups; ++step) {
                const std::size_t k = group * 2 + step;
                const std::int8_t* from = weights + k * kTileSize / kSteps;
                const int8x16_t w0 = vld1q_s8(from);
                const int8x16_t w1 = vld1q_s8(from + 16);
                const int8x16_t w2 = vld1q_s8(from + 32);
                const int8x16_t w3 = vld1q_s8(from + 48);
                SLUICE_EACH_PAIR(SLUICE_MULTIPLY)
            }
#undef SLUICE_MULTIPLY
            const int32x4_t subtracted = base();
            const RowPairs s01 = of_rows(&panel.scales[block][group][first_row]);
            const RowPairs s23 = of_rows(&panel.scales[block][group][first_row + 4]);
#define SLUICE_SCALE(p)                                                                      \
    if constexpr (n_pairs > p) {                                                             \
        const float32x4_t a = vld1q_f32(pairs.scales[block][p]);                             \
        f##p##0 = vfmaq_f32(f##p##0, to_float(i##p##0, subtracted), vmulq_f32(s01.low, a));  \
        f##p##1 = vfmaq_f32(f##p##1, to_float(i##p##1, subtracted), vmulq_f32(s01.high, a)); \
        f##p##2 = vfmaq_f32(f##p##2, to_float(i##p##2, subtracted), vmulq_f32(s23.low, a));  \
        f##p##3 = vfmaq_f32(f##p##3, to_float(i##p##3, subtracted), vmulq_f32(s23.high, a)); \
    }
            SLUICE_EACH_PAIR(SLUICE_SCALE)
#undef SLUICE_SCALE
            if constexpr (has_minimums) {
                const RowPairs m01 = of_rows(&panel.minimums[block][group][first_row]);
                const RowPairs m23 = of_rows(&panel.minimums[block][group][first_row + 4]);
#define SLUICE_OFFSET(p)                                                            \
    if constexpr (n_pairs > p) {                                                    \
        const float32x4_t a = vld1q_f32(pairs.offsets[block * kGroups + group][p]); \
        f##p##0 = vfmaq_f32(f##p##0, m01.low, a);                                   \
        f##p##1 = vfmaq_f32(f##p##1, m01.high, a);                                  \
        f##p##2 = vfmaq_f32(f##p##2, m23.low, a);                                   \
        f##p##3 = vfmaq_f32(f##p##3, m23.high, a);                                  \
    }
                SLUICE_EACH_PAIR(SLUICE_OFFSET)
#undef SLUICE_OFFSET
            }
        }
    }

#define SLUICE_END(p)                                         \
    if constexpr (n_pairs > p) {                              \
        float* even = out + 2 * p * out_stride;               \
        vst1q_f32(even, vuzp1q_f32(f##p##0, f##p##1));        \
        vst1q_f32(even + 4, vuzp1q_f32(f##p##2, f##p##3));    \
        if (2 * p + 1 < n_tokens) {                           \
            float* odd = even + out_stride;                   \
            vst1q_f32(odd, vuzp2q_f32(f##p##0, f##p##1));     \
            vst1q_f32(odd + 4, vuzp2q_f32(f##p##2, f##p##3)); \
        }                                                     \
    }
    SLUICE_EACH_PAIR(SLUICE_END)
#undef SLUICE_END
}

struct Isa {
    static constexpr std::size_t kTokens = neon_dotprod::kTokens;

    static void unpack(TensorType type, const tile::PanelRows& rows, std::size_t first, std::size_t count,
                       tile::Panel& panel) {
        neon_i8mm::unpack(type, rows, first, count, panel);
    }

    static void multiply(const tile::Form& form, const tile::Panel& panel, std::size_t n_blocks,
                         const tile::Tokens& tokens, std::size_t n_tokens, float* out, std::size_t out_stride,
                         std::size_t n_rows, bool is_first) {
        TokenPairs pairs;
        pair_tokens(form, tokens, n_tokens, n_blocks, pairs);
        const auto run = [&]<int n>() {
            neon_dotprod::each_tile(n_rows, n_tokens, out, out_stride, is_first,
                                    [&](std::size_t tile, float* to, std::size_t stride) {
                                        multiply_form<n>(form, panel, tile, n_blocks, pairs, n_tokens, to,
                                                         stride, is_first);
                                    });
        };
        switch ((n_tokens + 1) / 2) {
            case 1:
                return run.template operator()<1>();
            case 2:
                return run.template operator()<2>();
            default:
                return run.template operator()<3>();
        }
    }

private:
    template <int n>
    static void multiply_form(const tile::Form& form, const tile::Panel& panel, std::size_t tile,
                              std::size_t n_blocks, const TokenPairs& pairs, std::size_t n_tokens, float* out,
                              std::size_t out_stride, bool is_first) {
        if (!form.has_halves && !form.has_minimums) {
            multiply_tile<false, false, n>(panel, tile, n_blocks, pairs, n_tokens, out, out_stride, is_first);
        } else if (!form.has_halves) {
            multiply_tile<false, true, n>(panel, tile, n_blocks, pairs, n_tokens, out, out_stride, is_first);
        } else if (!form.has_minimums) {
            multiply_tile<true, false, n>(panel, tile, n_blocks, pairs, n_tokens, out, out_stride, is_first);
        } else {
            multiply_tile<true, true, n>(panel, tile, n_blocks, pairs, n_tokens, out, out_stride, is_first);
        }
    }
};

#undef SLUICE_EACH_PAIR

}  // namespace

void multiply_quantised(const Matrix& w, std::size_t first_row, std::size_t last_row, const QuantisedVectors& x,
                        float* out, std::size_t out_stride, std::byte* scratch) {
    // One vector would waste half of every product of matrices.
    if (x.count == 1) {
        return neon_dotprod::multiply_quantised(w, first_row, last_row, x, out, out_stride, scratch);
    }
    tile::multiply_panels<Isa>(w, first_row, last_row, x, out, out_stride, scratch);
}

}  // namespace sluice::neon_i8mm
