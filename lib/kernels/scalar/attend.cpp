// Attention over one block, in plain loops.
#include "kernels/exponential.h"
#include "kernels/half.h"
#include "kernels/scalar/table.h"

namespace sluice::scalar {
namespace {

constexpr std::size_t kLanes = 16;

float stored_at(TensorType type, const void* elements, std::size_t i) {
    if (type == TensorType::kF16) return half_to_float(static_cast<const std::uint16_t*>(elements)[i]);
    return static_cast<const float*>(elements)[i];
}

// Fills the scores and returns the largest.
float score(const AttentionBlock& block, const float* query, float scale, float* scores) {
    float largest = -__builtin_inff();
    for (std::size_t p = 0; p < block.count; ++p) {
        const std::size_t tile = p / kLanes * block.head_size * kLanes + p % kLanes;
        float sum = 0.0F;
        for (std::size_t d = 0; d < block.head_size; ++d) {
            sum += query[d] * stored_at(block.key_type, block.keys, tile + d * kLanes);
        }
        scores[p] = sum * scale;
        largest = scores[p] > largest ? scores[p] : largest;
    }
    return largest;
}

// Turns scores into weights and returns their sum, in lanes and then halves.
float weigh(float* scores, std::size_t count, float largest) {
    float lanes[kLanes] = {};
    for (std::size_t p = 0; p < count; ++p) {
        scores[p] = exponential::of(scores[p] - largest);
        lanes[p % kLanes] += scores[p];
    }
    for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
        for (std::size_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
    }
    return lanes[0];
}

}  // namespace

void attend(const AttentionBlock& block, const float* queries, std::size_t n_heads, float scale,
            SoftmaxState* states, float* out, float* scratch) {
    for (std::size_t head = 0; head < n_heads; ++head) {
        SoftmaxState& state = states[head];
        float* sums = out + head * block.head_size;
        const float block_largest = score(block, queries + head * block.head_size, scale, scratch);
        const float largest = block_largest > state.largest ? block_largest : state.largest;
        const float correction = exponential::of(state.largest - largest);
        state.largest = largest;
        state.sum = state.sum * correction + weigh(scratch, block.count, largest);
        for (std::size_t d = 0; d < block.head_size; ++d) sums[d] *= correction;
        for (std::size_t p = 0; p < block.count; ++p) {
            for (std::size_t d = 0; d < block.head_size; ++d) {
                sums[d] += scratch[p] * stored_at(block.value_type, block.values, p * block.head_size + d);
            }
        }
    }
}

}  // namespace sluice::scalar
