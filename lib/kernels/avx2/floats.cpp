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

private:
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

void attend(const AttentionBlock& block, const float* queries, std::size_t n_heads, float scale,
            SoftmaxState* states, float* out, float* scratch) {
    if (block.head_size % vector::kLanes != 0) {
        return scalar::attend(block, queries, n_heads, scale, states, out, scratch);
    }
    vector::attend<Isa>(block, queries, n_heads, scale, states, out, scratch);
}

}  // namespace sluice::avx2
