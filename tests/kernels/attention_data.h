// Histories of keys and values as kernels read them, and attention over them by its definition.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/half.h"
#include "kernels/kernels.h"

namespace sluice {

// One key/value head, in blocks of the given numbers of positions. What no position takes of a block's last key
// tile is NaN, like memory that another conversation left behind.
class AttentionHistory {
public:
    AttentionHistory(std::size_t head_size, TensorType key_type, TensorType value_type,
                     const std::vector<std::size_t>& counts, std::mt19937& random, float key_size = 1.0F)
        : head_size_(head_size), key_type_(key_type), value_type_(value_type) {
        std::normal_distribution<float> normal;
        for (const std::size_t count : counts) {
            Stored& block = blocks_.emplace_back();
            block.count = count;
            block.keys.resize((count + 15) / 16 * 16 * head_size * size_of(key_type));
            block.values.resize(count * head_size * size_of(value_type));
            fill_unused(block, std::numeric_limits<float>::quiet_NaN());
            for (std::size_t p = 0; p < count; ++p) {
                for (std::size_t d = 0; d < head_size; ++d) {
                    set(key_type, block.keys, key_index(p, d), key_size * normal(random));
                    set(value_type, block.values, p * head_size + d, normal(random));
                }
            }
        }
    }

    std::vector<AttentionBlock> blocks() const {
        std::vector<AttentionBlock> blocks;
        for (const Stored& block : blocks_) {
            blocks.push_back(
                {key_type_, value_type_, head_size_, block.count, block.keys.data(), block.values.data()});
        }
        return blocks;
    }

    std::size_t head_size() const { return head_size_; }
    std::size_t count() const {
        std::size_t count = 0;
        for (const Stored& block : blocks_) count += block.count;
        return count;
    }

    float key(std::size_t block, std::size_t p, std::size_t d) const {
        return get(key_type_, blocks_[block].keys, key_index(p, d));
    }
    float value(std::size_t block, std::size_t p, std::size_t d) const {
        return get(value_type_, blocks_[block].values, p * head_size_ + d);
    }
    void set_key(std::size_t block, std::size_t p, std::size_t d, float x) {
        set(key_type_, blocks_[block].keys, key_index(p, d), x);
    }
    void set_value(std::size_t block, std::size_t p, std::size_t d, float x) {
        set(value_type_, blocks_[block].values, p * head_size_ + d, x);
    }
    void fill_unused(float x) {
        for (Stored& block : blocks_) fill_unused(block, x);
    }

private:
    struct Stored {
        std::size_t count = 0;
        std::vector<std::byte> keys;
        std::vector<std::byte> values;
    };

    static std::size_t size_of(TensorType type) { return info_of(type).block_size; }
    std::size_t key_index(std::size_t p, std::size_t d) const {
        return (p / 16 * head_size_ + d) * 16 + p % 16;
    }

    static void set(TensorType type, std::vector<std::byte>& elements, std::size_t i, float x) {
        const std::uint16_t half = float_to_half(x);
        if (type == TensorType::kF16) std::memcpy(elements.data() + i * sizeof half, &half, sizeof half);
        if (type == TensorType::kF32) std::memcpy(elements.data() + i * sizeof x, &x, sizeof x);
    }
    static float get(TensorType type, const std::vector<std::byte>& elements, std::size_t i) {
        std::uint16_t half = 0;
        float x = 0.0F;
        if (type == TensorType::kF16) std::memcpy(&half, elements.data() + i * sizeof half, sizeof half);
        if (type == TensorType::kF32) std::memcpy(&x, elements.data() + i * sizeof x, sizeof x);
        return type == TensorType::kF16 ? half_to_float(half) : x;
    }
    void fill_unused(Stored& block, float x) const {
        for (std::size_t p = block.count; p < (block.count + 15) / 16 * 16; ++p) {
            for (std::size_t d = 0; d < head_size_; ++d) set(key_type_, block.keys, key_index(p, d), x);
        }
    }

    std::size_t head_size_;
    TensorType key_type_;
    TensorType value_type_;
    std::vector<Stored> blocks_;
};

struct Attended {
    std::vector<SoftmaxState> states;
    std::vector<float> sums;  // of weights times values, as the kernel leaves them

    // The attention itself: sums over the sum of weights.
    float out(std::size_t head, std::size_t d) const {
        return sums[head * (sums.size() / states.size()) + d] / states[head].sum;
    }
};

inline Attended attend(const Kernels& kernels, const AttentionHistory& history,
                       const std::vector<float>& queries, std::size_t n_heads, float scale) {
    Attended result{std::vector<SoftmaxState>(n_heads),
                    std::vector<float>(n_heads * history.head_size(), 0.0F)};
    // What an earlier call left in its scratch is nobody's input.
    std::vector<float> scratch(4 * kAttentionBlock, std::numeric_limits<float>::quiet_NaN());
    for (const AttentionBlock& block : history.blocks()) {
        kernels.attend(block, queries.data(), n_heads, scale, result.states.data(), result.sums.data(),
                       scratch.data());
    }
    return result;
}

// Softmax attention of one query in double precision, and how far float arithmetic may stray from it.
struct ExactAttention {
    std::vector<double> out;
    std::vector<double> bound;
};

inline ExactAttention exact_attention(const AttentionHistory& history, const float* query, float scale) {
    constexpr double kUnit = 0x1p-24;
    constexpr double kExponential = 2.5e-7;  // relative (kernels/exponential.h)
    const std::size_t head_size = history.head_size();
    const std::vector<AttentionBlock> blocks = history.blocks();
    std::vector<double> scores;
    double score_error = 0.0;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        for (std::size_t p = 0; p < blocks[b].count; ++p) {
            double score = 0.0;
            double magnitude = 0.0;
            for (std::size_t d = 0; d < head_size; ++d) {
                const double product =
                    static_cast<double>(query[d]) * static_cast<double>(history.key(b, p, d));
                score += product;
                magnitude += std::fabs(product);
            }
            scores.push_back(score * static_cast<double>(scale));
            // A product and its sums in ascending order, then the scale (Higham 2002, section 3.1).
            score_error = std::max(score_error, (static_cast<double>(head_size) + 1.0) * kUnit * magnitude *
                                                    static_cast<double>(scale));
        }
    }
    const double largest = *std::max_element(scores.begin(), scores.end());
    const double smallest = *std::min_element(scores.begin(), scores.end());
    const auto n_blocks = static_cast<double>(blocks.size());
    const auto n_positions = static_cast<double>(scores.size());
    // A weight: twice the scores' error, its own and the largest one's; differences to the largest of its block
    // and from there to the last one, rounded; an exponential of its own and one for each later block, each
    // with a product. Then the sums: of a weight's product with a value, over all positions.
    const double exponent = 2.0 * score_error + 2.0 * kUnit * (largest - smallest);
    const double weight = std::expm1(exponent) + n_blocks * (kExponential + kUnit);
    const double relative = weight + (n_positions + n_blocks + 1.0) * kUnit;

    ExactAttention exact{std::vector<double>(head_size), std::vector<double>(head_size)};
    double sum = 0.0;
    for (const double score : scores) sum += std::exp(score - largest);
    for (std::size_t d = 0; d < head_size; ++d) {
        double magnitude = 0.0;
        std::size_t at = 0;
        for (std::size_t b = 0; b < blocks.size(); ++b) {
            for (std::size_t p = 0; p < blocks[b].count; ++p, ++at) {
                const double share = std::exp(scores[at] - largest) / sum;
                exact.out[d] += share * static_cast<double>(history.value(b, p, d));
                magnitude += share * std::fabs(static_cast<double>(history.value(b, p, d)));
            }
        }
        // Both the sum of values and that of weights, and the quotient. A weight below the smallest normal
        // number is 0.
        exact.bound[d] = 1.01 * (2.0 * relative + kUnit) * magnitude + 1e-36 * n_positions;
    }
    return exact;
}

inline std::vector<float> random_queries(std::size_t count, std::mt19937& random, float size = 1.0F) {
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& value : values) value = size * normal(random);
    return values;
}

}  // namespace sluice
