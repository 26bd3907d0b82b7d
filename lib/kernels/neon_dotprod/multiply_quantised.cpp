// Products of integers: a register tile of 8 rows x up to 6 vectors over a panel.
#include "kernels/neon_dotprod/panel.h"
#include "kernels/neon_dotprod/table.h"

namespace sluice::neon_dotprod {
namespace {

// Named accumulators: those in an array would be spilled.
#define SLUICE_EACH_TOKEN(run) run(0) run(1) run(2) run(3) run(4) run(5)

template <bool has_halves, bool has_minimums, int n_tokens>
void multiply_tile(const tile::Panel& panel, std::size_t tile, std::size_t n_blocks, const tile::Tokens& tokens,
                   float* out, std::size_t out_stride, bool is_first) {
    constexpr std::size_t kGroups = has_halves ? 2 : 1;
    const std::size_t first_row = tile * kTileRows;
#define SLUICE_BEGIN(t)                                                             \
    [[maybe_unused]] float32x4_t lower##t = vdupq_n_f32(0.0F), upper##t = lower##t; \
    [[maybe_unused]] const std::int8_t* values##t = nullptr;                        \
    if constexpr (n_tokens > t) {                                                   \
        values##t = tokens.values[t];                                               \
        if (!is_first) {                                                            \
            lower##t = vld1q_f32(out + t * out_stride);                             \
            upper##t = vld1q_f32(out + t * out_stride + 4);                         \
        }                                                                           \
    }
    SLUICE_EACH_TOKEN(SLUICE_BEGIN)
#undef SLUICE_BEGIN

    for (std::size_t block = 0; block < n_blocks; ++block) {
        const std::int8_t* weights = values_of(panel, block, tile);
        for (std::size_t group = 0; group < kGroups; ++group) {
            // Nothing that the next group needs too is kept in registers through the products of this one.
            __asm__ volatile("" ::: "memory");
            const int32x4_t zero = base();
#define SLUICE_ZERO(t) [[maybe_unused]] int32x4_t low##t = zero, high##t = zero;
            SLUICE_EACH_TOKEN(SLUICE_ZERO)
#undef SLUICE_ZERO
            for (std::size_t part = group; part < group + 2 / kGroups; ++part) {
                const std::size_t at = block * kQuantisedBlock + part * 16;
                const std::int8_t* from = weights + part * kTileSize / 2;
#define SLUICE_LOAD(t)               \
    [[maybe_unused]] int8x16_t v##t; \
    if constexpr (n_tokens > t) v##t = vld1q_s8(values##t + at);
                SLUICE_EACH_TOKEN(SLUICE_LOAD)
#undef SLUICE_LOAD
#define SLUICE_MULTIPLY(t)                               \
    if constexpr (n_tokens > t) {                        \
        low##t = vdotq_laneq_s32(low##t, w0, v##t, k);   \
        high##t = vdotq_laneq_s32(high##t, w1, v##t, k); \
    }
#define SLUICE_STEP(column)                                \
    {                                                      \
        constexpr int k = column;                          \
        const int8x16_t w0 = vld1q_s8(from + 32 * k);      \
        const int8x16_t w1 = vld1q_s8(from + 32 * k + 16); \
        SLUICE_EACH_TOKEN(SLUICE_MULTIPLY)                 \
    }
                SLUICE_STEP(0)
                SLUICE_STEP(1)
                SLUICE_STEP(2)
                SLUICE_STEP(3)
#undef SLUICE_STEP
#undef SLUICE_MULTIPLY
            }
            const int32x4_t subtracted = base();
            const float32x4_t s0 = vld1q_f32(&panel.scales[block][group][first_row]);
            const float32x4_t s1 = vld1q_f32(&panel.scales[block][group][first_row + 4]);
#define SLUICE_SCALE(t)                                                                    \
    if constexpr (n_tokens > t) {                                                          \
        const float a = tokens.scales[t][block];                                           \
        lower##t = vfmaq_f32(lower##t, to_float(low##t, subtracted), vmulq_n_f32(s0, a));  \
        upper##t = vfmaq_f32(upper##t, to_float(high##t, subtracted), vmulq_n_f32(s1, a)); \
    }
            SLUICE_EACH_TOKEN(SLUICE_SCALE)
#undef SLUICE_SCALE
            if constexpr (has_minimums) {
                const float32x4_t m0 = vld1q_f32(&panel.minimums[block][group][first_row]);
                const float32x4_t m1 = vld1q_f32(&panel.minimums[block][group][first_row + 4]);
#define SLUICE_OFFSET(t)                                            \
    if constexpr (n_tokens > t) {                                   \
        const float a = tokens.offsets[t][block * kGroups + group]; \
        lower##t = vfmaq_n_f32(lower##t, m0, a);                    \
        upper##t = vfmaq_n_f32(upper##t, m1, a);                    \
    }
                SLUICE_EACH_TOKEN(SLUICE_OFFSET)
#undef SLUICE_OFFSET
            }
        }
    }

#define SLUICE_END(t)                                  \
    if constexpr (n_tokens > t) {                      \
        vst1q_f32(out + t * out_stride, lower##t);     \
        vst1q_f32(out + t * out_stride + 4, upper##t); \
    }
    SLUICE_EACH_TOKEN(SLUICE_END)
#undef SLUICE_END
}

struct Isa {
    static constexpr std::size_t kTokens = neon_dotprod::kTokens;

    static void unpack(TensorType type, const tile::PanelRows& rows, std::size_t first, std::size_t count,
                       tile::Panel& panel) {
        neon_dotprod::unpack(type, rows, first, count, panel);
    }

    static void multiply(const tile::Form& form, const tile::Panel& panel, std::size_t n_blocks,
                         const tile::Tokens& tokens, std::size_t n_tokens, float* out, std::size_t out_stride,
                         std::size_t n_rows, bool is_first) {
        const auto run = [&]<int n>() {
            each_tile(n_rows, n, out, out_stride, is_first,
                      [&](std::size_t tile, float* to, std::size_t stride) {
                          multiply_form<n>(form, panel, tile, n_blocks, tokens, to, stride, is_first);
                      });
        };
        switch (n_tokens) {
            case 1:
                return run.template operator()<1>();
            case 2:
                return run.template operator()<2>();
            case 3:
                return run.template operator()<3>();
            case 4:
                return run.template operator()<4>();
            case 5:
                return run.template operator()<5>();
            default:
                return run.template operator()<6>();
        }
    }

private:
    template <int n_tokens>
    static void multiply_form(const tile::Form& form, const tile::Panel& panel, std::size_t tile,
                              std::size_t n_blocks, const tile::Tokens& tokens, float* out,
                              std::size_t out_stride, bool is_first) {
        if (!form.has_halves && !form.has_minimums) {
            multiply_tile<false, false, n_tokens>(panel, tile, n_blocks, tokens, out, out_stride, is_first);
        } else if (!form.has_halves) {
            multiply_tile<false, true, n_tokens>(panel, tile, n_blocks, tokens, out, out_stride, is_first);
        } else if (!form.has_minimums) {
            multiply_tile<true, false, n_tokens>(panel, tile, n_blocks, tokens, out, out_stride, is_first);
        } else {
            multiply_tile<true, true, n_tokens>(panel, tile, n_blocks, tokens, out, out_stride, is_first);
        }
    }
};

#undef SLUICE_EACH_TOKEN

}  // namespace

void multiply_quantised(const Matrix& w, std::size_t first_row, std::size_t last_row, const QuantisedVectors& x,
                        float* out, std::size_t out_stride, std::byte* scratch) {
    tile::multiply_panels<Isa>(w, first_row, last_row, x, out, out_stride, scratch);
}

}  // namespace sluice::neon_dotprod
