// Histories of keys and values as kernels read them, and attention over them by its definition.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/attention_tiles.h"
#include "kernels/half.h"
#include "kernels/kernels.h"
#include "kernels/select.h"
#include "support/slow_build.h"

namespace sluice {

// One key/value head, in blocks of the given numbers of positions. What no position takes of a block's last
// tiles is NaN, like memory that another conversation left behind.
class AttentionHistory {
public:
    AttentionHistory(std::size_t head_size, TensorType key_type, TensorType value_type,
                     const std::vector<std::size_t>& counts, std::mt19937& random, float key_size = 1.0F)
        : head_size_(head_size), key_type_(key_type), value_type_(value_type) {
        std::normal_distribution<float> normal;
        for (const std::size_t count : counts) {
            Stored& block = blocks_.emplace_back();
            block.count = count;
            block.keys.resize((count + 15) / 16 * tile_size(key_type, head_size));
            block.values.resize((count + 15) / 16 * tile_size(value_type, head_size));
            fill_unused(block, std::numeric_limits<float>::quiet_NaN());
            for (std::size_t p = 0; p < count; ++p) {
                std::vector<float> key(head_size);
                std::vector<float> value(head_size);
                for (std::size_t d = 0; d < head_size; ++d) {
                    key[d] = key_size * normal(random);
                    value[d] = normal(random);
                }
                set_row(Part::kKey, block, p, key);
                set_row(Part::kValue, block, p, value);
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

    TensorType key_type() const { return key_type_; }

    float key(std::size_t block, std::size_t p, std::size_t d) const {
        return get(Part::kKey, blocks_[block], p, d);
    }
    float value(std::size_t block, std::size_t p, std::size_t d) const {
        return get(Part::kValue, blocks_[block], p, d);
    }
    // Requires a type of floats.
    void set_key(std::size_t block, std::size_t p, std::size_t d, float x) {
        set(Part::kKey, blocks_[block], p, d, x);
    }
    void set_value(std::size_t block, std::size_t p, std::size_t d, float x) {
        set(Part::kValue, blocks_[block], p, d, x);
    }
    // Require a type with blocks: the scale of a position's first block, and every byte of every key.
    void set_key_scale(std::size_t block, std::size_t p, float x) {
        const std::uint16_t half = float_to_half(x);
        std::memcpy(blocks_[block].keys.data() + scale_at(Part::kKey, p, 0), &half, sizeof half);
    }
    void set_value_scale(std::size_t block, std::size_t p, float x) {
        const std::uint16_t half = float_to_half(x);
        std::memcpy(blocks_[block].values.data() + scale_at(Part::kValue, p, 0), &half, sizeof half);
    }
    void fill_keys(std::uint8_t byte) {
        for (Stored& block : blocks_) {
            for (std::size_t p = 0; p < block.count; ++p) {
                for (std::size_t d = 0; d < head_size_; ++d) {
                    block.keys[byte_at(Part::kKey, p, d)] = static_cast<std::byte>(byte);
                }
            }
        }
    }
    // Elements, or scales where elements have them.
    void fill_unused(float x) {
        for (Stored& block : blocks_) fill_unused(block, x);
    }

private:
    enum class Part { kKey, kValue };
    struct Stored {
        std::size_t count = 0;
        std::vector<std::byte> keys;
        std::vector<std::byte> values;
    };

    TensorType type_of(Part part) const { return part == Part::kKey ? key_type_ : value_type_; }
    static const std::byte* bytes_of(Part part, const Stored& block) {
        return part == Part::kKey ? block.keys.data() : block.values.data();
    }
    static std::byte* bytes_of(Part part, Stored& block) {
        return part == Part::kKey ? block.keys.data() : block.values.data();
    }
    // Where something of a position's tile is.
    std::size_t float_at(Part part, std::size_t p, std::size_t d) const {
        const std::size_t element = part == Part::kKey ? d * 16 + p % 16 : p % 16 * head_size_ + d;
        return p / 16 * tile_size(type_of(part), head_size_) + element * info_of(type_of(part)).block_size;
    }
    std::size_t scale_at(Part part, std::size_t p, std::size_t d) const {
        return p / 16 * tile_size(type_of(part), head_size_) + (d / 32 * 16 + p % 16) * 2;
    }
    std::size_t byte_at(Part part, std::size_t p, std::size_t d) const {
        const bool has_bytes = type_of(part) == TensorType::kQ8_0;
        const std::size_t key = has_bytes ? q8_key_at(p % 16, d) : q4_key_at(p % 16, d);
        const std::size_t value =
            has_bytes ? q8_value_at(p % 16, d, head_size_) : q4_value_at(p % 16, d, head_size_);
        return p / 16 * tile_size(type_of(part), head_size_) + tile_scales_size(head_size_) +
               (part == Part::kKey ? key : value);
    }

    void set(Part part, Stored& block, std::size_t p, std::size_t d, float x) const {
        std::byte* at = bytes_of(part, block) + float_at(part, p, d);
        const std::uint16_t half = float_to_half(x);
        if (type_of(part) == TensorType::kF16) std::memcpy(at, &half, sizeof half);
        if (type_of(part) == TensorType::kF32) std::memcpy(at, &x, sizeof x);
    }
    void set_row(Part part, Stored& block, std::size_t p, const std::vector<float>& row) const {
        if (!is_stored_in_blocks(type_of(part))) {
            for (std::size_t d = 0; d < head_size_; ++d) set(part, block, p, d, row[d]);
            return;
        }
        const bool has_bytes = type_of(part) == TensorType::kQ8_0;
        const int highest = has_bytes ? 127 : 7;
        std::byte* bytes = bytes_of(part, block);
        for (std::size_t d = 0; d < head_size_; ++d) {
            float largest = 0.0F;
            for (std::size_t i = d / 32 * 32; i < d / 32 * 32 + 32; ++i) {
                largest = std::max(largest, std::fabs(row[i]));
            }
            const std::uint16_t scale = float_to_half(largest / static_cast<float>(highest));
            std::memcpy(bytes + scale_at(part, p, d), &scale, sizeof scale);
            const auto nearest = static_cast<int>(std::lround(row[d] / half_to_float(scale)));
            const int element = std::clamp(nearest, has_bytes ? -highest : -highest - 1, highest);
            auto& byte = reinterpret_cast<std::uint8_t*>(bytes)[byte_at(part, p, d)];
            const auto four = static_cast<std::uint8_t>(element + 8);
            if (has_bytes) {
                byte = static_cast<std::uint8_t>(element);
            } else if (d % 32 < 16) {
                byte = static_cast<std::uint8_t>((byte & 0xF0u) | four);
            } else {
                byte = static_cast<std::uint8_t>((byte & 0x0Fu) | static_cast<std::uint8_t>(four << 4));
            }
        }
    }
    float get(Part part, const Stored& block, std::size_t p, std::size_t d) const {
        const std::byte* bytes = bytes_of(part, block);
        std::uint16_t half = 0;
        float x = 0.0F;
        switch (type_of(part)) {
            case TensorType::kF32:
                std::memcpy(&x, bytes + float_at(part, p, d), sizeof x);
                return x;
            case TensorType::kF16:
                std::memcpy(&half, bytes + float_at(part, p, d), sizeof half);
                return half_to_float(half);
            default:
                std::memcpy(&half, bytes + scale_at(part, p, d), sizeof half);
        }
        const auto byte = static_cast<std::uint8_t>(bytes[byte_at(part, p, d)]);
        const std::int32_t element =
            type_of(part) == TensorType::kQ8_0 ? static_cast<std::int8_t>(byte) : q4_element(byte, d);
        return half_to_float(half) * static_cast<float>(element);
    }
    void fill_unused(Stored& block, float x) const {
        const std::uint16_t half = float_to_half(x);
        for (std::size_t p = block.count; p < (block.count + 15) / 16 * 16; ++p) {
            for (std::size_t d = 0; d < head_size_; ++d) {
                for (const Part part : {Part::kKey, Part::kValue}) {
                    if (is_stored_in_blocks(type_of(part))) {
                        std::memcpy(bytes_of(part, block) + scale_at(part, p, d), &half, sizeof half);
                    } else {
                        set(part, block, p, d, x);
                    }
                }
            }
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

// Queries as floats and, where heads are whole blocks, as integers.
struct RoundedQueries {
    RoundedQueries(const float* queries, std::size_t count, std::size_t head_size)
        : floats(queries), values(count), scales(count / 32 + 1), sums(count / 16 + 1) {
        if (head_size % 32 != 0) return;
        (*select_kernels("scalar"))->quantise(queries, count, values.data(), scales.data(), sums.data());
    }
    AttentionQueries queries() const { return {floats, values.data(), scales.data(), sums.data()}; }

    const float* floats;
    std::vector<std::int8_t> values;
    std::vector<float> scales;
    std::vector<std::int32_t> sums;
};

inline Attended attend(const Kernels& kernels, const AttentionHistory& history,
                       const std::vector<float>& queries, std::size_t n_heads, float scale) {
    const RoundedQueries rounded(queries.data(), n_heads * history.head_size(), history.head_size());
    Attended result{std::vector<SoftmaxState>(n_heads),
                    std::vector<float>(n_heads * history.head_size(), 0.0F)};
    // What an earlier call left in its scratch is nobody's input.
    std::vector<float> scratch(4 * kAttentionBlock, std::numeric_limits<float>::quiet_NaN());
    for (const AttentionBlock& block : history.blocks()) {
        kernels.attend(block, rounded.queries(), n_heads, scale, result.states.data(), result.sums.data(),
                       scratch.data());
    }
    return result;
}

// Softmax attention of one query, rounded where the keys have blocks, in double precision, and how far float
// arithmetic may stray from it.
struct ExactAttention {
    std::vector<double> out;
    std::vector<double> bound;
};

inline ExactAttention exact_attention(const AttentionHistory& history, const float* query, float scale) {
    constexpr double kUnit = 0x1p-24;
    constexpr double kExponential = 2.5e-7;  // relative (kernels/exponential.h)
    const std::size_t head_size = history.head_size();
    const std::vector<AttentionBlock> blocks = history.blocks();
    const RoundedQueries rounded(query, head_size, head_size);
    std::vector<double> query_elements(query, query + head_size);
    for (std::size_t d = 0; d < head_size && is_stored_in_blocks(history.key_type()); ++d) {
        query_elements[d] = static_cast<double>(rounded.scales[d / 32]) * rounded.values[d];
    }
    std::vector<double> scores;
    double score_error = 0.0;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
        for (std::size_t p = 0; p < blocks[b].count; ++p) {
            double score = 0.0;
            double magnitude = 0.0;
            for (std::size_t d = 0; d < head_size; ++d) {
                const double product = query_elements[d] * static_cast<double>(history.key(b, p, d));
                score += product;
                magnitude += std::fabs(product);
            }
            scores.push_back(score * static_cast<double>(scale));
            // A product and its sums in ascending order, then the scale (Higham 2002, section 3.1). With blocks
            // of 32 there are fewer: the product of two scales, that with an integer, sums over blocks.
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
    // with a product. Then the sums: of a weight's product with a value, or with its scale and its element,
    // over all positions.
    const double exponent = 2.0 * score_error + 2.0 * kUnit * (largest - smallest);
    const double weight = std::expm1(exponent) + n_blocks * (kExponential + kUnit);
    const double relative = weight + (n_positions + n_blocks + 2.0) * kUnit;

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

inline constexpr TensorType kTypes[] = {TensorType::kF32, TensorType::kF16, TensorType::kQ8_0,
                                        TensorType::kQ4_0};

struct StoredTypes {
    TensorType key, value;
};

// Pairs of types that a head of this size may have. Those with blocks need whole ones.
inline std::vector<StoredTypes> types_for(std::size_t head_size) {
    std::vector<StoredTypes> types;
    for (const TensorType key : kTypes) {
        for (const TensorType value : kTypes) {
            const bool has_blocks = is_stored_in_blocks(key) || is_stored_in_blocks(value);
            if (has_blocks && (head_size % 32 != 0 || (kIsSlowBuild && key != value))) continue;
            types.push_back({key, value});
        }
    }
    return types;
}

}  // namespace sluice
