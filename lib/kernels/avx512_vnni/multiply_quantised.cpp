// Products of integers: a register tile of 32 rows x up to 6 vectors over a panel.
//
// GCC 12 copies every accumulator before and after a VNNI intrinsic, which halves the speed; one instruction of
// inline assembly with named accumulators has no such copies. Accumulators in an array would be spilled.
#include <immintrin.h>

#include "kernels/avx512_vnni/table.h"
#include "kernels/tile/driver.h"

namespace sluice::avx512_vnni {
namespace {

using Word __attribute__((may_alias)) = std::int32_t;

// sum += the four products of each lane's weights with four values.
#define SLUICE_DOT(sum, weights, values) __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(weights), "v"(values))

#define SLUICE_EACH_TOKEN(run) run(0) run(1) run(2) run(3) run(4) run(5)

template <bool has_halves, bool has_minimums, int n_tokens>
[[gnu::noinline]] void multiply_tile(const tile::Panel& panel, std::size_t n_blocks, const tile::Tokens& tokens,
                                     float* out, std::size_t out_stride, __mmask16 lower, __mmask16 upper,
                                     bool is_first) {
    constexpr std::size_t kGroups = has_halves ? 2 : 1;
#define SLUICE_BEGIN(t)                                                                     \
    [[maybe_unused]] __m512 lower##t = _mm512_setzero_ps(), upper##t = _mm512_setzero_ps(); \
    [[maybe_unused]] const std::int8_t* values##t = nullptr;                                \
    if constexpr (n_tokens > t) {                                                           \
        values##t = tokens.values[t];                                                       \
        if (!is_first) {                                                                    \
            lower##t = _mm512_maskz_loadu_ps(lower, out + t * out_stride);                  \
            upper##t = _mm512_maskz_loadu_ps(upper, out + t * out_stride + 16);             \
        }                                                                                   \
    }
    SLUICE_EACH_TOKEN(SLUICE_BEGIN)
#undef SLUICE_BEGIN

    for (std::size_t block = 0; block < n_blocks; ++block) {
        for (std::size_t group = 0; group < kGroups; ++group) {
            const std::size_t at = block * kGroups + group;
#define SLUICE_CORRECT(t)                                                \
    [[maybe_unused]] __m512i low##t, high##t;                            \
    if constexpr (n_tokens > t) {                                        \
        low##t = high##t = _mm512_set1_epi32(tokens.corrections[t][at]); \
    }
            SLUICE_EACH_TOKEN(SLUICE_CORRECT)
#undef SLUICE_CORRECT
            const auto* lower_values = reinterpret_cast<const __m512i*>(panel.values[block][0]) + group * 4;
            const auto* upper_values = reinterpret_cast<const __m512i*>(panel.values[block][1]) + group * 4;
#pragma GCC unroll 8
            for (std::size_t k = 0; k < 8 / kGroups; ++k) {
                const __m512i w0 = _mm512_load_si512(lower_values + k);
                const __m512i w1 = _mm512_load_si512(upper_values + k);
#define SLUICE_MULTIPLY(t)                                                                 \
    if constexpr (n_tokens > t) {                                                          \
        const std::int8_t* at_values = values##t + block * 32 + group * 16 + k * 4;        \
        const __m512i four = _mm512_set1_epi32(*reinterpret_cast<const Word*>(at_values)); \
        SLUICE_DOT(low##t, w0, four);                                                      \
        SLUICE_DOT(high##t, w1, four);                                                     \
    }
                SLUICE_EACH_TOKEN(SLUICE_MULTIPLY)
#undef SLUICE_MULTIPLY
            }
            // Scales loaded earlier would take the registers of sums.
            __asm__ volatile("" ::: "memory");
            const __m512 s0 = _mm512_load_ps(&panel.scales[block][group][0]);
            const __m512 s1 = _mm512_load_ps(&panel.scales[block][group][16]);
#define SLUICE_SCALE(t)                                                                          \
    if constexpr (n_tokens > t) {                                                                \
        const __m512 a = _mm512_set1_ps(tokens.scales[t][block]);                                \
        lower##t = _mm512_fmadd_ps(_mm512_cvtepi32_ps(low##t), _mm512_mul_ps(s0, a), lower##t);  \
        upper##t = _mm512_fmadd_ps(_mm512_cvtepi32_ps(high##t), _mm512_mul_ps(s1, a), upper##t); \
    }
            SLUICE_EACH_TOKEN(SLUICE_SCALE)
#undef SLUICE_SCALE
            if constexpr (has_minimums) {
                const __m512 m0 = _mm512_load_ps(&panel.minimums[block][group][0]);
                const __m512 m1 = _mm512_load_ps(&panel.minimums[block][group][16]);
#define SLUICE_OFFSET(t)                                        \
    if constexpr (n_tokens > t) {                               \
        const __m512 a = _mm512_set1_ps(tokens.offsets[t][at]); \
        lower##t = _mm512_fmadd_ps(m0, a, lower##t);            \
        upper##t = _mm512_fmadd_ps(m1, a, upper##t);            \
    }
                SLUICE_EACH_TOKEN(SLUICE_OFFSET)
#undef SLUICE_OFFSET
            }
        }
    }

#define SLUICE_END(t)                                                      \
    if constexpr (n_tokens > t) {                                          \
        _mm512_mask_storeu_ps(out + t * out_stride, lower, lower##t);      \
        _mm512_mask_storeu_ps(out + t * out_stride + 16, upper, upper##t); \
    }
    SLUICE_EACH_TOKEN(SLUICE_END)
#undef SLUICE_END
}

struct Isa {
    static constexpr std::size_t kTokens = 6;

    static void unpack(TensorType type, const tile::PanelRows& rows, std::size_t first, std::size_t count,
                       tile::Panel& panel) {
        avx512_vnni::unpack(type, rows, first, count, panel);
    }

    static void multiply(const tile::Form& form, const tile::Panel& panel, std::size_t n_blocks,
                         const tile::Tokens& tokens, std::size_t n_tokens, float* out, std::size_t out_stride,
                         std::size_t n_rows, bool is_first) {
        const auto wanted = static_cast<std::uint32_t>((std::uint64_t{1} << n_rows) - 1);
        const auto lower = static_cast<__mmask16>(wanted & 0xFFFFu);
        const auto upper = static_cast<__mmask16>(wanted >> 16);
        const auto run = [&]<int n>() {
            multiply_form<n>(form, panel, n_blocks, tokens, out, out_stride, lower, upper, is_first);
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
    static void multiply_form(const tile::Form& form, const tile::Panel& panel, std::size_t n_blocks,
                              const tile::Tokens& tokens, float* out, std::size_t out_stride, __mmask16 lower,
                              __mmask16 upper, bool is_first) {
        if (!form.has_halves && !form.has_minimums) {
            multiply_tile<false, false, n_tokens>(panel, n_blocks, tokens, out, out_stride, lower, upper,
                                                  is_first);
        } else if (!form.has_halves) {
            multiply_tile<false, true, n_tokens>(panel, n_blocks, tokens, out, out_stride, lower, upper,
                                                 is_first);
        } else if (!form.has_minimums) {
            multiply_tile<true, false, n_tokens>(panel, n_blocks, tokens, out, out_stride, lower, upper,
                                                 is_first);
        } else {
            multiply_tile<true, true, n_tokens>(panel, n_blocks, tokens, out, out_stride, lower, upper,
                                                is_first);
        }
    }
};

#undef SLUICE_EACH_TOKEN
#undef SLUICE_DOT

}  // namespace

void multiply_quantised(const Matrix& w, std::size_t first_row, std::size_t last_row, const QuantisedVectors& x,
                        float* out, std::size_t out_stride, std::byte* scratch) {
    first_row = multiply_few(w, first_row, last_row, x, out, out_stride, scratch);
    tile::multiply_panels<Isa>(w, first_row, last_row, x, out, out_stride, scratch);
}

}  // namespace sluice::avx512_vnni
