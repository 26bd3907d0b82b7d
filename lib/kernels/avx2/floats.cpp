// The float kernels of kernels/vector, sixteen floats in two registers.
#include <immintrin.h>

#include "kernels/avx2/table.h"
#include "kernels/scalar/table.h"
#include "kernels/vector/attend.h"
#include "kernels/vector/floats.h"

namespace sluice::avx2 {
namespace {

struct Isa {
    using Eight = float __attribute__((vector_size(32)));  // __m256 is no argument of a template
    using Lanes = vector::Halves<Eight>;
    static constexpr int kTiles = 1;  // of 16 keys, for four heads
    static constexpr int kHeads = 4;  // for one sixteen of a value
    static constexpr int kParts = 1;
    static constexpr std::size_t kRowsAtOnce = 1;

    static Eight fused(Eight a, Eight b, Eight c) { return _mm256_fmadd_ps(a, b, c); }
    static Lanes from_halves(const std::uint16_t* at) {
        return {_mm256_cvtph_ps(eight(at)), _mm256_cvtph_ps(eight(at + 8))};
    }
    static Lanes from_bfloats(const std::uint16_t* at) {
        return {from_eight_bfloats(eight(at)), from_eight_bfloats(eight(at + 8))};
    }
    static void decode(TensorType type, const std::byte* row, std::size_t count, float* out) {
        scalar::decode(type, row, count, out);
    }

    // vpmaddubsw wants one factor unsigned: the keys lose their signs to the query. Queries are within 127 and
    // keys within 128, so two products fit 16 bits.
    struct Ints {
        __m256i lower, upper;
    };
    struct Quads {
        __m256i lower, upper;
        __m256i lower_size, upper_size;
    };
    static Quads load_quads(const std::byte* at) { return with_sizes(thirty_two(at), thirty_two(at + 32)); }
    static Quads load_lower(const std::byte* at) {
        return with_sizes(lowered(thirty_two(at)), lowered(thirty_two(at + 32)));
    }
    static Quads load_upper(const std::byte* at) {
        return with_sizes(lowered(_mm256_srli_epi16(thirty_two(at), 4)),
                          lowered(_mm256_srli_epi16(thirty_two(at + 32), 4)));
    }
    static Ints no_products(std::int32_t) { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
    static void add_products(Ints& sum, const Quads& quads, const std::int8_t* four) {
        const __m256i query = _mm256_set1_epi32(*reinterpret_cast<const Word*>(four));
        sum.lower = _mm256_add_epi32(sum.lower, products(quads.lower, quads.lower_size, query));
        sum.upper = _mm256_add_epi32(sum.upper, products(quads.upper, quads.upper_size, query));
    }
    static Lanes floats_of(const Ints& ints) {
        return {_mm256_cvtepi32_ps(ints.lower), _mm256_cvtepi32_ps(ints.upper)};
    }
    static Lanes from_bytes(const std::byte* at) { return from_sixteen_bytes(sixteen_bytes(at)); }
    static Lanes from_lower(const std::byte* at) { return from_four_bits(sixteen_bytes(at)); }
    static Lanes from_upper(const std::byte* at) {
        return from_four_bits(_mm_srli_epi16(sixteen_bytes(at), 4));
    }

private:
    using Word __attribute__((may_alias)) = std::int32_t;

    static __m256i thirty_two(const std::byte* at) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    }
    // The lower four bits of each byte, less 8.
    static __m256i lowered(__m256i fours) {
        return _mm256_sub_epi8(_mm256_and_si256(fours, _mm256_set1_epi8(15)), _mm256_set1_epi8(8));
    }
    static Quads with_sizes(__m256i lower, __m256i upper) {
        return {lower, upper, _mm256_abs_epi8(lower), _mm256_abs_epi8(upper)};
    }
    static __m256i products(__m256i keys, __m256i sizes, __m256i query) {
        return _mm256_madd_epi16(_mm256_maddubs_epi16(sizes, _mm256_sign_epi8(query, keys)),
                                 _mm256_set1_epi16(1));
    }
    static __m128i sixteen_bytes(const std::byte* at) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    }
    static Lanes from_sixteen_bytes(__m128i bytes) {
        return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)),
                _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)))};
    }
    static Lanes from_four_bits(__m128i fours) {
        return from_sixteen_bytes(_mm_sub_epi8(_mm_and_si128(fours, _mm_set1_epi8(15)), _mm_set1_epi8(8)));
    }
    static __m128i eight(const std::uint16_t* at) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    }
    static Eight from_eight_bfloats(__m128i bfloats) {
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bfloats), 16));
    }
};

}  // namespace

void decode(TensorType type, const std::byte* row, std::size_t count, float* out) {
    vector::decode<Isa>(type, row, count, out);
}

float dot(const float* a, const float* b, std::size_t n) {
    return vector::dot<Isa::Lanes>(a, b, n);
}

void multiply(const Matrix& w, std::size_t first_row, std::size_t last_row, const Vectors& x, float* out,
              std::size_t out_stride, float* scratch) {
    vector::multiply<Isa>(w, first_row, last_row, x, out, out_stride, scratch);
}

void rms_norm(const float* x, const float* weight, std::size_t n, float epsilon, float* out) {
    vector::rms_norm<Isa::Lanes>(x, weight, n, epsilon, out);
}

void rotate(float* head, const float* cosine, const float* sine, std::size_t n) {
    vector::rotate(head, cosine, sine, n);
}

void silu_multiply(float* gate, const float* up, std::size_t n) {
    vector::silu_multiply<Isa::Lanes>(gate, up, n);
}

void add(float* x, const float* y, std::size_t n) {
    vector::add(x, y, n);
}

void add_scaled(float* x, float scale, const float* y, std::size_t n) {
    vector::add_scaled(x, scale, y, n);
}

void attend(const AttentionBlock& block, const AttentionQueries& queries, std::size_t n_heads, float scale,
            SoftmaxState* states, float* out, float* scratch) {
    if (block.head_size % vector::kLanes != 0) {
        return scalar::attend(block, queries, n_heads, scale, states, out, scratch);
    }
    vector::attend<Isa>(block, queries, n_heads, scale, states, out, scratch);
}

}  // namespace sluice::avx2
