// Products of integers: a register tile of 16 rows x up to 3 vectors over a panel.
//
// vpmaddubsw multiplies unsigned weights with signed values and adds two products, saturating at 16 bits;
// vpmaddwd then widens. The less often it must, the faster. A value is at most 127 in magnitude, a weight at
// most q:
//   q at most   15      31      63     128
//   products    16       8       4       2     that fit 16 bits: count * q * 127 <= 32767
// For weights of 8 bits |w| is multiplied with the values that took w's sign.
#include <immintrin.h>

#include "kernels/avx2/table.h"
#include "kernels/avx2/tile.h"

namespace sluice::avx2 {
namespace {

// How often a multiplication may be added at 16 bits, each giving two products: for weights to 15, 31, 63, 128.
enum class Steps : std::size_t { kFourBits = 8, kFiveBits = 4, kSixBits = 2, kSigned = 1 };

constexpr bool fits(Steps steps, int largest) {
    return static_cast<int>(steps) * 2 * largest * 127 <= 32767;
}
static_assert(fits(Steps::kFourBits, 15) && fits(Steps::kFiveBits, 31) && fits(Steps::kSixBits, 63) &&
              fits(Steps::kSigned, 128));

// Types without a zero point have up to five bits, see tile::form_of.
inline Steps steps_of(const tile::Form& form) {
    switch (form.zero_point) {
        case 8:
            return Steps::kFourBits;
        case 32:
            return Steps::kSixBits;
        case 128:
            return Steps::kSigned;
        default:
            return Steps::kFiveBits;
    }
}

// In memory: the sums leave no register for it.
struct Ones {
    std::int16_t lanes[16];
};
alignas(32) constexpr Ones kOnes{{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}};

// The 16-bit sums with the products of weights and values added, or these products alone; the 32-bit sums with
// pairs of 16-bit sums added. Both are assembly: GCC 12 would reorder the additions until more sums are alive
// than there are registers.
inline __m256i add_products(__m256i sums, __m256i weights, __m256i values, bool is_first) {
    __m256i products;
    if (is_first) {
        __asm__("vpmaddubsw %2, %1, %0" : "=x"(products) : "x"(weights), "x"(values));
        return products;
    }
    __asm__("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0"
            : "+x"(sums), "=&x"(products)
            : "x"(weights), "x"(values));
    return sums;
}

inline __m256i widened(__m256i sums, __m256i sums16) {
    __m256i result;
    __asm__("vpmaddwd %3, %2, %0\n\tvpaddd %1, %0, %0" : "=&x"(result) : "x"(sums), "x"(sums16), "m"(kOnes));
    return result;
}

#define SLUICE_EACH_TOKEN(run) run(0) run(1) run(2)

// Sums are variables of their own: those in an array or a struct would be spilled.
template <Steps steps, bool has_halves, bool has_minimums, int n_tokens>
[[gnu::noinline]] void multiply_tile(const tile::Panel& panel, std::size_t upper, std::size_t n_blocks,
                                     const tile::Tokens& tokens, std::size_t first, Sums sums) {
    constexpr bool is_signed = steps == Steps::kSigned;
    constexpr std::size_t kGroups = has_halves ? 2 : 1;
    constexpr std::size_t kFours = 8 / kGroups;
    constexpr std::size_t kSteps =
        static_cast<std::size_t>(steps) < kFours ? static_cast<std::size_t>(steps) : kFours;
    const __m256i flip = _mm256_set1_epi8(-128);
    const std::size_t row = upper * tile::kLaneRows;
#define SLUICE_BEGIN(t)                                      \
    [[maybe_unused]] const std::int8_t* values##t = nullptr; \
    [[maybe_unused]] float* to##t = nullptr;                 \
    if constexpr (n_tokens > t) {                            \
        values##t = tokens.values[first + t];                \
        to##t = sums.at + t * sums.stride + row;             \
    }
    SLUICE_EACH_TOKEN(SLUICE_BEGIN)
#undef SLUICE_BEGIN
    for (std::size_t block = 0; block < n_blocks; ++block) {
        for (std::size_t group = 0; group < kGroups; ++group) {
            const std::size_t at = block * kGroups + group;
            // Signed weights have no zero point any more.
#define SLUICE_CORRECT(t)                                                        \
    [[maybe_unused]] __m256i low##t = _mm256_setzero_si256(), high##t = low##t;  \
    [[maybe_unused]] __m256i low16##t = low##t, high16##t = low##t;              \
    if constexpr (n_tokens > t && !is_signed) {                                  \
        low##t = high##t = _mm256_set1_epi32(tokens.corrections[first + t][at]); \
    }
            SLUICE_EACH_TOKEN(SLUICE_CORRECT)
#undef SLUICE_CORRECT
            const auto* from = reinterpret_cast<const __m256i*>(panel.values[block][upper]) + group * 8;
#pragma GCC unroll 8
            for (std::size_t k = 0; k < kFours; ++k) {
                const std::size_t four = block * 32 + group * 16 + k * 4;
                __m256i w0 = _mm256_load_si256(from + 2 * k);
                __m256i w1 = _mm256_load_si256(from + 2 * k + 1);
                [[maybe_unused]] __m256i size0 = w0, size1 = w1;
                if constexpr (is_signed) {
                    w0 = _mm256_xor_si256(w0, flip);
                    w1 = _mm256_xor_si256(w1, flip);
                    size0 = _mm256_abs_epi8(w0);
                    size1 = _mm256_abs_epi8(w1);
                }
                const bool begins = k % kSteps == 0;
                const bool ends = k % kSteps == kSteps - 1;
#define SLUICE_MULTIPLY(t)                                                                           \
    if constexpr (n_tokens > t) {                                                                    \
        const __m256i v = all_lanes(values##t + four);                                               \
        low16##t = add_products(low16##t, size0, is_signed ? _mm256_sign_epi8(v, w0) : v, begins);   \
        high16##t = add_products(high16##t, size1, is_signed ? _mm256_sign_epi8(v, w1) : v, begins); \
        if (ends) {                                                                                  \
            low##t = widened(low##t, low16##t);                                                      \
            high##t = widened(high##t, high16##t);                                                   \
        }                                                                                            \
    }
                SLUICE_EACH_TOKEN(SLUICE_MULTIPLY)
#undef SLUICE_MULTIPLY
            }
            const GroupScale of0 = scale_of<has_minimums>(panel, block, group, row);
            const GroupScale of1 = scale_of<has_minimums>(panel, block, group, row + 8);
#define SLUICE_END(t)                                                        \
    if constexpr (n_tokens > t) {                                            \
        const __m256 a = _mm256_set1_ps(tokens.scales[first + t][block]);    \
        const __m256 offset = _mm256_set1_ps(tokens.offsets[first + t][at]); \
        add_group<has_minimums>(to##t, low##t, of0, a, offset);              \
        add_group<has_minimums>(to##t + 8, high##t, of1, a, offset);         \
    }
            SLUICE_EACH_TOKEN(SLUICE_END)
#undef SLUICE_END
        }
    }
}

#undef SLUICE_EACH_TOKEN

struct Tile {
    template <int n_tokens>
    static void run(const tile::Form& form, const tile::Panel& panel, std::size_t n_blocks,
                    const tile::Tokens& tokens, std::size_t first, Sums sums) {
        for (std::size_t upper = 0; upper < 2; ++upper) {
            const auto tile = [&]<Steps steps, bool has_halves, bool has_minimums>() {
                multiply_tile<steps, has_halves, has_minimums, n_tokens>(panel, upper, n_blocks, tokens, first,
                                                                         sums);
            };
            switch (steps_of(form)) {
                case Steps::kFourBits:
                    tile.template operator()<Steps::kFourBits, false, false>();
                    break;
                case Steps::kSixBits:
                    tile.template operator()<Steps::kSixBits, true, false>();
                    break;
                case Steps::kSigned:
                    tile.template operator()<Steps::kSigned, false, false>();
                    break;
                case Steps::kFiveBits:
                    if (!form.has_halves && !form.has_minimums) {
                        tile.template operator()<Steps::kFiveBits, false, false>();
                    } else if (!form.has_halves) {
                        tile.template operator()<Steps::kFiveBits, false, true>();
                    } else if (!form.has_minimums) {
                        tile.template operator()<Steps::kFiveBits, true, false>();
                    } else {
                        tile.template operator()<Steps::kFiveBits, true, true>();
                    }
            }
        }
    }
};

struct Isa : IsaOf<Tile> {
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

}  // namespace sluice::avx2
