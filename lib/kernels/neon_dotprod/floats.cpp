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

    struct Ints {
        int32x4_t r[4];
    };
    struct Quads {
        int8x16_t r[4];
    };
    static Quads load_quads(const std::byte* at) {
        return {{sixteen_bytes(at), sixteen_bytes(at + 16), sixteen_bytes(at + 32), sixteen_bytes(at + 48)}};
    }
    static Quads load_lower(const std::byte* at) {
        const Quads twos = load_quads(at);
        return {{lower(twos.r[0]), lower(twos.r[1]), lower(twos.r[2]), lower(twos.r[3])}};
    }
    static Quads load_upper(const std::byte* at) {
        const Quads twos = load_quads(at);
        return {{upper(twos.r[0]), upper(twos.r[1]), upper(twos.r[2]), upper(twos.r[3])}};
    }
    static Ints no_products(std::int32_t) {
        return {{vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)}};
    }
    static void add_products(Ints& sum, const Quads& quads, const std::int8_t* four) {
        const int8x16_t query = vreinterpretq_s8_s32(vdupq_n_s32(*reinterpret_cast<const Word*>(four)));
        sum.r[0] = vdotq_s32(sum.r[0], quads.r[0], query);
        sum.r[1] = vdotq_s32(sum.r[1], quads.r[1], query);
        sum.r[2] = vdotq_s32(sum.r[2], quads.r[2], query);
        sum.r[3] = vdotq_s32(sum.r[3], quads.r[3], query);
    }
    static Lanes floats_of(const Ints& ints) {
        return {{vcvtq_f32_s32(ints.r[0]), vcvtq_f32_s32(ints.r[1])},
                {vcvtq_f32_s32(ints.r[2]), vcvtq_f32_s32(ints.r[3])}};
    }
    static Lanes from_bytes(const std::byte* at) { return from_sixteen_bytes(sixteen_bytes(at)); }
    static Lanes from_lower(const std::byte* at) { return from_sixteen_bytes(lower(sixteen_bytes(at))); }
    static Lanes from_upper(const std::byte* at) { return from_sixteen_bytes(upper(sixteen_bytes(at))); }

private:
    using Word __attribute__((may_alias)) = std::int32_t;

    static int8x16_t sixteen_bytes(const std::byte* at) {
        return vld1q_s8(reinterpret_cast<const std::int8_t*>(at));
    }
    // Four bits of each byte, less 8.
    static int8x16_t lower(int8x16_t twos) { return vsubq_s8(vandq_s8(twos, vdupq_n_s8(15)), vdupq_n_s8(8)); }
    static int8x16_t upper(int8x16_t twos) {
        const uint8x16_t fours = vshrq_n_u8(vreinterpretq_u8_s8(twos), 4);
        return vsubq_s8(vreinterpretq_s8_u8(fours), vdupq_n_s8(8));
    }
    static Lanes from_sixteen_bytes(int8x16_t bytes) {
        const int16x8_t low = vmovl_s8(vget_low_s8(bytes));
        const int16x8_t high = vmovl_high_s8(bytes);
        return {{vcvtq_f32_s32(vmovl_s16(vget_low_s16(low))), vcvtq_f32_s32(vmovl_high_s16(low))},
                {vcvtq_f32_s32(vmovl_s16(vget_low_s16(high))), vcvtq_f32_s32(vmovl_high_s16(high))}};
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

}  // namespace sluice::neon_dotprod
