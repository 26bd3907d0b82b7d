// Attention over one block, in plain loops.
#include "kernels/attention_tiles.h"
#include "kernels/exponential.h"
#include "kernels/half.h"
#include "kernels/scalar/table.h"

namespace sluice::scalar {
namespace {

constexpr std::size_t kLanes = kTilePositions;

float float_at(TensorType type, const std::byte* elements, std::size_t i) {
    if (type == TensorType::kF16) {
        return half_to_float(reinterpret_cast<const std::uint16_t*>(elements)[i]);
    }
    return reinterpret_cast<const float*>(elements)[i];
}

// The scale of a tile's block and position.
float scale_at(const std::byte* tile, std::size_t block, std::size_t position) {
    return half_to_float(reinterpret_cast<const std::uint16_t*>(tile)[block * kLanes + position]);
}

// Elements of a tile without their scales. `elements` are what follows the scales.
std::int32_t key_at(TensorType type, const std::byte* elements, std::size_t position, std::size_t d) {
    if (type == TensorType::kQ8_0) return static_cast<std::int8_t>(elements[q8_key_at(position, d)]);
    return q4_element(static_cast<std::uint8_t>(elements[q4_key_at(position, d)]), d);
}
std::int32_t value_at(TensorType type, const std::byte* elements, std::size_t position, std::size_t d,
                      std::size_t head_size) {
    if (type == TensorType::kQ8_0)
        return static_cast<std::int8_t>(elements[q8_value_at(position, d, head_size)]);
    return q4_element(static_cast<std::uint8_t>(elements[q4_value_at(position, d, head_size)]), d);
}

float product_of_floats(const AttentionBlock& block, const std::byte* tile, std::size_t position,
                        const float* query) {
    float sum = 0.0F;
    for (std::size_t d = 0; d < block.head_size; ++d) {
        sum += query[d] * float_at(block.key_type, tile, d * kLanes + position);
    }
    return sum;
}

float product_of_integers(const AttentionBlock& block, const std::byte* tile, std::size_t position,
                          const AttentionQueries& queries, std::size_t head) {
    const std::byte* elements = tile + tile_scales_size(block.head_size);
    const std::int8_t* query = queries.values + head * block.head_size;
    const std::size_t n_blocks = block.head_size / kStoredBlock;
    float sum = 0.0F;
    for (std::size_t b = 0; b < n_blocks; ++b) {
        std::int32_t products = 0;
        for (std::size_t d = b * kStoredBlock; d < (b + 1) * kStoredBlock; ++d) {
            products += query[d] * key_at(block.key_type, elements, position, d);
        }
        sum +=
            static_cast<float>(products) * (scale_at(tile, b, position) * queries.scales[head * n_blocks + b]);
    }
    return sum;
}

// Fills the scores and returns the largest.
float score(const AttentionBlock& block, const AttentionQueries& queries, std::size_t head, float scale,
            float* scores) {
    const auto* keys = static_cast<const std::byte*>(block.keys);
    const std::size_t size = tile_size(block.key_type, block.head_size);
    float largest = -__builtin_inff();
    for (std::size_t p = 0; p < block.count; ++p) {
        const std::byte* tile = keys + p / kLanes * size;
        const float product =
            is_stored_in_blocks(block.key_type)
                ? product_of_integers(block, tile, p % kLanes, queries, head)
                : product_of_floats(block, tile, p % kLanes, queries.floats + head * block.head_size);
        scores[p] = product * scale;
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

// sums += weight * value of position p.
void add_value(const AttentionBlock& block, std::size_t p, float weight, float* sums) {
    const std::byte* tile =
        static_cast<const std::byte*>(block.values) + p / kLanes * tile_size(block.value_type, block.head_size);
    const std::size_t position = p % kLanes;
    if (!is_stored_in_blocks(block.value_type)) {
        for (std::size_t d = 0; d < block.head_size; ++d) {
            sums[d] += weight * float_at(block.value_type, tile, position * block.head_size + d);
        }
        return;
    }
    const std::byte* elements = tile + tile_scales_size(block.head_size);
    for (std::size_t d = 0; d < block.head_size; ++d) {
        const float scaled = weight * scale_at(tile, d / kStoredBlock, position);
        sums[d] +=
            scaled * static_cast<float>(value_at(block.value_type, elements, position, d, block.head_size));
    }
}

}  // namespace

void attend(const AttentionBlock& block, const AttentionQueries& queries, std::size_t n_heads, float scale,
            SoftmaxState* states, float* out, float* scratch) {
    for (std::size_t head = 0; head < n_heads; ++head) {
        SoftmaxState& state = states[head];
        float* sums = out + head * block.head_size;
        const float block_largest = score(block, queries, head, scale, scratch);
        const float largest = block_largest > state.largest ? block_largest : state.largest;
        const float correction = exponential::of(state.largest - largest);
        state.largest = largest;
        state.sum = state.sum * correction + weigh(scratch, block.count, largest);
        for (std::size_t d = 0; d < block.head_size; ++d) sums[d] *= correction;
        for (std::size_t p = 0; p < block.count; ++p) add_value(block, p, scratch[p], sums);
    }
}

}  // namespace sluice::scalar
