// Matrices of blocks made of chosen bytes, and quantised vectors of chosen values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/kernels.h"

namespace sluice {

// Where a type keeps its float16 numbers, so that data can be extreme and scales finite.
struct Halves {
    std::size_t offsets[2];
    std::size_t count;
};

inline Halves halves_of(TensorType type) {
    switch (type) {
        case TensorType::kQ4_1:
        case TensorType::kQ5_1:
        case TensorType::kQ4_K:
        case TensorType::kQ5_K:
            return {{0, 2}, 2};
        case TensorType::kQ2_K:
            return {{80, 82}, 2};
        case TensorType::kQ3_K:
            return {{108, 0}, 1};
        case TensorType::kQ6_K:
            return {{208, 0}, 1};
        default:
            return {{0, 0}, 1};
    }
}

inline std::vector<TensorType> quantised_types() {
    std::vector<TensorType> types;
    for (const TensorTypeInfo& info : kTensorTypes) {
        if (can_multiply_quantised(info.type)) types.push_back(info.type);
    }
    return types;
}

struct StoredMatrix {
    std::vector<std::byte> bytes;
    Matrix matrix;
};

// Rows of blocks whose bytes are `byte()` and whose float16 numbers are `half()`.
template <class Byte, class Half>
StoredMatrix matrix_of(TensorType type, std::size_t n_rows, std::size_t n_columns, std::size_t misalignment,
                       const Byte& byte, const Half& half) {
    StoredMatrix stored;
    const std::size_t size = n_rows * row_size(type, n_columns);
    stored.bytes.resize(misalignment + size);
    for (std::byte& at : stored.bytes) at = static_cast<std::byte>(byte());
    const Halves halves = halves_of(type);
    const std::size_t block_size = info_of(type).block_size;
    for (std::size_t at = 0; at < size; at += block_size) {
        for (std::size_t i = 0; i < halves.count; ++i) {
            const std::uint16_t bits = half();
            std::memcpy(stored.bytes.data() + misalignment + at + halves.offsets[i], &bits, sizeof bits);
        }
    }
    stored.matrix = {type, n_rows, n_columns, stored.bytes.data() + misalignment};
    return stored;
}

// Any bytes; scales of either sign between 2^-9 and 4.
inline StoredMatrix random_matrix(TensorType type, std::size_t n_rows, std::size_t n_columns,
                                  std::size_t misalignment, std::mt19937& random) {
    return matrix_of(
        type, n_rows, n_columns, misalignment, [&] { return random() & 0xFF; },
        [&] {
            const auto bits = random();
            return static_cast<std::uint16_t>((bits & 0x83FF) | (6 + (bits >> 16) % 11) << 10);
        });
}

struct Activations {
    std::vector<std::int8_t> values;
    std::vector<float> scales;
    std::vector<std::int32_t> sums;
    QuantisedVectors vectors;
};

// `count` vectors of values value(i), each in [-127, 127], and scales scale().
template <class Value, class Scale>
Activations activations_of(std::size_t count, std::size_t size, const Value& value, const Scale& scale) {
    Activations x;
    for (std::size_t i = 0; i < count * size; ++i) {
        x.values.push_back(static_cast<std::int8_t>(value(i)));
        if (i % 16 == 0) x.sums.push_back(0);
        if (i % 32 == 0) x.scales.push_back(scale());
        x.sums.back() += x.values.back();
    }
    x.vectors = {x.values.data(), x.scales.data(), x.sums.data(), count, size, nullptr};
    return x;
}

inline Activations random_activations(std::size_t count, std::size_t size, std::mt19937& random) {
    std::uniform_real_distribution<float> scale(0.001F, 0.1F);
    return activations_of(
        count, size, [&](std::size_t) { return static_cast<int>(random() % 255) - 127; },
        [&] { return scale(random); });
}

}  // namespace sluice
