// The float kernels for an Isa whose Lanes are halves (kernels/vector/halves.h): the order of sums of
// kernels.h, so the same bits as the scalar table's. Isa has, besides what attend needs,
//   from_halves(at), from_bfloats(at): sixteen float16 or bfloat16
//   decode(type, row, count, out): any type's row to floats
#pragma once

#include "kernels/kernels.h"
#include "kernels/vector/halves.h"

namespace sluice::vector::in_halves {

template <class L>
static inline float dot(const float* a, const float* b, std::size_t n) {
    L lanes = {};
    std::size_t i = 0;
    for (; n - i >= kLanes; i += kLanes) lanes += load_as<L>(a + i) * load_as<L>(b + i);
    if (i == n) return sum_of(lanes);
    float numbers[kLanes];
    store_as(numbers, lanes);
    for (std::size_t lane = 0; lane < n - i; ++lane) numbers[lane] += a[i + lane] * b[i + lane];
    return sum_of(load_as<L>(numbers));
}

// Sixteen elements of a type without blocks.
template <class Isa, TensorType type>
static inline typename Isa::Lanes load_weights(const std::byte* row, std::size_t i) {
    if constexpr (type == TensorType::kF32) {
        return load_as<typename Isa::Lanes>(reinterpret_cast<const float*>(row) + i);
    } else {
        const auto* at = reinterpret_cast<const std::uint16_t*>(row) + i;
        if constexpr (type == TensorType::kF16)
            return Isa::from_halves(at);
        else
            return Isa::from_bfloats(at);
    }
}

// Four dot products of stored rows with one vector: their chains of sums run side by side.
template <class Isa, TensorType type>
static inline void dot_four_rows(const std::byte* rows, std::size_t row_bytes, const float* x, std::size_t n,
                                 float* out) {
    using L = typename Isa::Lanes;
    L sums[4] = {};
    for (std::size_t i = 0; i < n; i += kLanes) {
        const L v = load_as<L>(x + i);
#pragma GCC unroll 4
        for (std::size_t r = 0; r < 4; ++r) {
            __builtin_prefetch(rows + r * row_bytes + i * info_of(type).block_size + 1024);
            sums[r] += load_weights<Isa, type>(rows + r * row_bytes, i) * v;
        }
    }
#pragma GCC unroll 4
    for (std::size_t r = 0; r < 4; ++r) out[r] = sum_of(sums[r]);
}

// Four dot products of one row of floats with four vectors.
template <class L>
static inline void dot_four_vectors(const float* row, const Vectors& x, std::size_t first, float* out,
                                    std::size_t out_stride) {
    const float* v[4] = {x.vector(first), x.vector(first + 1), x.vector(first + 2), x.vector(first + 3)};
    L sums[4] = {};
    for (std::size_t i = 0; i < x.size; i += kLanes) {
        const L w = load_as<L>(row + i);
#pragma GCC unroll 4
        for (std::size_t k = 0; k < 4; ++k) sums[k] += w * load_as<L>(v[k] + i);
    }
#pragma GCC unroll 4
    for (std::size_t k = 0; k < 4; ++k) out[k * out_stride] = sum_of(sums[k]);
}

// A row of a type without blocks as floats; sixteens only.
template <class Isa, TensorType type>
static inline void read_row(const std::byte* row, std::size_t n, float* out) {
    for (std::size_t i = 0; i < n; i += kLanes) store_as(out + i, load_weights<Isa, type>(row, i));
}

template <class Isa>
static inline void multiply(const Matrix& w, std::size_t first_row, std::size_t last_row, const Vectors& x,
                            float* out, std::size_t out_stride, float* scratch) {
    using L = typename Isa::Lanes;
    const std::size_t row_bytes = w.row_bytes();
    const bool in_sixteens = w.columns % kLanes == 0;
    std::size_t r = first_row;
    if (x.count == 1 && in_sixteens) {
        const auto run = [&]<TensorType type>() {
            for (; r + 4 <= last_row; r += 4) {
                dot_four_rows<Isa, type>(w.data + r * row_bytes, row_bytes, x.vector(0), w.columns, out + r);
            }
        };
        if (w.type == TensorType::kF32) run.template operator()<TensorType::kF32>();
        if (w.type == TensorType::kF16) run.template operator()<TensorType::kF16>();
        if (w.type == TensorType::kBF16) run.template operator()<TensorType::kBF16>();
    }
    for (; r < last_row; ++r) {
        const std::byte* stored = w.data + r * row_bytes;
        if (w.type == TensorType::kF16 && in_sixteens) {
            read_row<Isa, TensorType::kF16>(stored, w.columns, scratch);
        } else if (w.type == TensorType::kBF16 && in_sixteens) {
            read_row<Isa, TensorType::kBF16>(stored, w.columns, scratch);
        } else {
            Isa::decode(w.type, stored, w.columns, scratch);
        }
        std::size_t v = 0;
        if (in_sixteens) {
            for (; v + 4 <= x.count; v += 4) {
                dot_four_vectors<L>(scratch, x, v, out + v * out_stride + r, out_stride);
            }
        }
        for (; v < x.count; ++v) out[v * out_stride + r] = dot<L>(scratch, x.vector(v), w.columns);
    }
}

template <class L>
static inline void rms_norm(const float* x, const float* weight, std::size_t n, float epsilon, float* out) {
    const float mean = dot<L>(x, x, n) / static_cast<float>(n);
    const float scale = 1.0F / __builtin_sqrtf(mean + epsilon);
    for (std::size_t i = 0; i < n; ++i) out[i] = x[i] * scale * weight[i];
}

template <class L>
static inline void silu_multiply(float* gate, const float* up, std::size_t n) {
    std::size_t i = 0;
    for (; n - i >= kLanes; i += kLanes) {
        const L x = load_as<L>(gate + i);
        store_as(gate + i, x / (exponential_of(-x) + 1.0F) * load_as<L>(up + i));
    }
    for (; i < n; ++i) gate[i] = gate[i] / (1.0F + exponential::of(-gate[i])) * up[i];
}

}  // namespace sluice::vector::in_halves
