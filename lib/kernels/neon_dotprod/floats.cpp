// The float kernels of kernels/vector, sixteen floats in four registers.
#include <arm_neon.h>

#include "kernels/neon_dotprod/table.h"
#include "kernels/scalar/table.h"
#include "kernels/vector/attend.h"
#include "kernels/vector/floats.h"

namespace sluice::neon_dotprod {
namespace {

struct Isa {
    using Four = float __attribute__((vector_size(16)));
    using Lanes = vector::Halves<vector::Halves<Four>>;
    static constexpr int kTiles = 1;  // of 16 keys, for four heads
    static constexpr int kHeads = 4;  // for one sixteen of a value
    static constexpr int kParts = 1;
    static constexpr std::size_t kRowsAtOnce = 1;

    static Four fused(Four a, Four b, Four c) { return vfmaq_f32(c, a, b); }
    static Lanes from_halves(const std::uint16_t* at) {
        const float16x8_t lower = vreinterpretq_f16_u16(vld1q_u16(at));
        const float16x8_t upper = vreinterpretq_f16_u16(vld1q_u16(at + 8));
        return {{vcvt_f32_f16(vget_low_f16(lower)), vcvt_high_f32_f16(lower)},
                {vcvt_f32_f16(vget_low_f16(upper)), vcvt_high_f32_f16(upper)}};
    }
    static Lanes from_bfloats(const std::uint16_t* at) {
        const uint16x8_t lower = vld1q_u16(at);
        const uint16x8_t upper = vld1q_u16(at + 8);
        return {{vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(lower), 16)),
                 vreinterpretq_f32_u32(vshll_high_n_u16(lower, 16))},
                {vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(upper), 16)),
                 vreinterpretq_f32_u32(vshll_high_n_u16(upper, 16))}};
    }
    static void decode(TensorType type, const std::byte* row, std::size_t count, float* out) {
        scalar::decode(type, row, count, out);
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

}  // namespace sluice::neon_dotprod
