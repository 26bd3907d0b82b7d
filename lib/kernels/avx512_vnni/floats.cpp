// The float kernels of kernels/vector, sixteen floats in one register.
#include <immintrin.h>

#include "kernels/avx512_vnni/table.h"
#include "kernels/scalar/table.h"
#include "kernels/vector/attend.h"
#include "kernels/vector/floats.h"

namespace sluice::avx512_vnni {
namespace {

struct Isa {
    using Lanes = float __attribute__((vector_size(64)));  // __m512 is no argument of a template
    static constexpr int kTiles = 2;                       // of 16 keys, for four heads
    static constexpr int kHeads = 4;                       // for four sixteens of a value
    static constexpr std::size_t kRowsAtOnce = 4;

    static Lanes fused(Lanes a, Lanes b, Lanes c) { return _mm512_fmadd_ps(a, b, c); }
    static Lanes from_halves(const std::uint16_t* at) { return _mm512_cvtph_ps(sixteen(at)); }
    static Lanes from_bfloats(const std::uint16_t* at) {
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(sixteen(at)), 16));
    }
    static void decode(TensorType type, const std::byte* row, std::size_t count, float* out) {
        scalar::decode(type, row, count, out);
    }

    // vpdpbusd wants one factor unsigned: signed bytes are raised by 128, which no_products takes off again.
    using Ints = __m512i;
    using Quads = __m512i;
    static Quads load_quads(const std::byte* at) {
        return _mm512_xor_si512(_mm512_loadu_si512(at), _mm512_set1_epi8(-128));
    }
    static Quads load_lower(const std::byte* at) { return raised(_mm512_loadu_si512(at)); }
    static Quads load_upper(const std::byte* at) {
        return raised(_mm512_srli_epi16(_mm512_loadu_si512(at), 4));
    }
    static Ints no_products(std::int32_t sum) { return _mm512_set1_epi32(-128 * sum); }
    // GCC 12 copies the sum before and after the intrinsic.
    static void add_products(Ints& sum, Quads quads, const std::int8_t* four) {
        __asm__("vpdpbusd %2%{1to16%}, %1, %0"
                : "+v"(sum)
                : "v"(quads), "m"(*reinterpret_cast<const Word*>(four)));
    }
    static Lanes floats_of(Ints ints) { return _mm512_cvtepi32_ps(ints); }
    static Lanes from_bytes(const std::byte* at) { return from_sixteen_bytes(sixteen_bytes(at)); }
    static Lanes from_lower(const std::byte* at) { return from_four_bits(sixteen_bytes(at)); }
    static Lanes from_upper(const std::byte* at) {
        return from_four_bits(_mm_srli_epi16(sixteen_bytes(at), 4));
    }

private:
    using Word __attribute__((may_alias)) = std::int32_t;

    // The lower four bits of each byte, less 8, plus 128.
    static Quads raised(__m512i fours) {
        return _mm512_add_epi8(_mm512_and_si512(fours, _mm512_set1_epi8(15)), _mm512_set1_epi8(120));
    }
    static __m128i sixteen_bytes(const std::byte* at) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    }
    static Lanes from_sixteen_bytes(__m128i bytes) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes)); }
    static Lanes from_four_bits(__m128i fours) {
        return from_sixteen_bytes(_mm_sub_epi8(_mm_and_si128(fours, _mm_set1_epi8(15)), _mm_set1_epi8(8)));
    }
    static __m256i sixteen(const std::uint16_t* at) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
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

}  // namespace sluice::avx512_vnni
