// The float kernels of kernels/vector, sixteen floats in one register.
#include <immintrin.h>

#include "kernels/avx512_vnni/table.h"
#include "kernels/scalar/table.h"
#include "kernels/vector/attend.h"
#include "kernels/vector/floats.h"

namespace sluice::avx512_vnni {
namespace {

struct Isa {
    static constexpr int kTiles = 2;  // of 16 keys, for four heads
    static constexpr int kHeads = 4;  // for four sixteens of a value

    static vector::Lanes fused(vector::Lanes a, vector::Lanes b, vector::Lanes c) {
        return reinterpret_cast<vector::Lanes>(_mm512_fmadd_ps(
            reinterpret_cast<__m512>(a), reinterpret_cast<__m512>(b), reinterpret_cast<__m512>(c)));
    }
    static vector::Lanes from_halves(const std::uint16_t* at) {
        return reinterpret_cast<vector::Lanes>(
            _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at))));
    }
    static void decode(TensorType type, const std::byte* row, std::size_t count, float* out) {
        scalar::decode(type, row, count, out);
    }
};

}  // namespace

float dot(const float* a, const float* b, std::size_t n) {
    return vector::dot(a, b, n);
}

void multiply(const Matrix& w, std::size_t first_row, std::size_t last_row, const Vectors& x, float* out,
              std::size_t out_stride, float* scratch) {
    vector::multiply<Isa>(w, first_row, last_row, x, out, out_stride, scratch);
}

void rms_norm(const float* x, const float* weight, std::size_t n, float epsilon, float* out) {
    vector::rms_norm(x, weight, n, epsilon, out);
}

void rotate(float* head, const float* cosine, const float* sine, std::size_t n) {
    vector::rotate(head, cosine, sine, n);
}

void silu_multiply(float* gate, const float* up, std::size_t n) {
    vector::silu_multiply(gate, up, n);
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

}  // namespace sluice::avx512_vnni
