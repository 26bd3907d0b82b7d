// Float kernels in sixteen lanes: the order of sums of kernels.h, so the same bits as the scalar table's. Isa
// has, besides what attend needs,
//   from_halves(at), from_bfloats(at): sixteen float16 or bfloat16
//   decode(type, row, count, out): any type's row to floats, not fast
//   kRowsAtOnce: of a matrix that meet four vectors at once, as registers allow; 1 or 4
#pragma once

#include "kernels/kernels.h"
#include "kernels/vector/lanes.h"

namespace sluice::vector {

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

// The dot products of rows, of which the elements are loaded by load(row, i), with four vectors.
template <class L, std::size_t n_rows, class Load>
static inline void dot_four_vectors(const Load& load, const Vectors& x, std::size_t first, float* out,
                                    std::size_t out_stride) {
    const float* v[4] = {x.vector(first), x.vector(first + 1), x.vector(first + 2), x.vector(first + 3)};
    L sums[n_rows][4] = {};
    for (std::size_t i = 0; i < x.size; i += kLanes) {
        L vectors[4];
#pragma GCC unroll 4
        for (std::size_t k = 0; k < 4; ++k) vectors[k] = load_as<L>(v[k] + i);
#pragma GCC unroll 4
        for (std::size_t r = 0; r < n_rows; ++r) {
            const L w = load(r, i);
#pragma GCC unroll 4
            for (std::size_t k = 0; k < 4; ++k) sums[r][k] += w * vectors[k];
        }
    }
#pragma GCC unroll 4
    for (std::size_t r = 0; r < n_rows; ++r) {
#pragma GCC unroll 4
        for (std::size_t k = 0; k < 4; ++k) out[k * out_stride + r] = sum_of(sums[r][k]);
    }
}

// Four rows of a type without blocks with all vectors, four vectors at a time while there are as many. Whole
// sixteens only. `out` is the first row's.
template <class Isa, TensorType type>
static inline void multiply_four_rows(const std::byte* rows, std::size_t row_bytes, const Vectors& x,
                                      float* out, std::size_t out_stride) {
    const auto load = [&](std::size_t r, std::size_t i) {
        return load_weights<Isa, type>(rows + r * row_bytes, i);
    };
    std::size_t v = 0;
    if constexpr (Isa::kRowsAtOnce == 4) {
        for (; v + 4 <= x.count; v += 4) {
            dot_four_vectors<typename Isa::Lanes, 4>(load, x, v, out + v * out_stride, out_stride);
        }
    }
    for (; v < x.count; ++v) {
        dot_four_rows<Isa, type>(rows, row_bytes, x.vector(v), x.size, out + v * out_stride);
    }
}

// A row of a type without blocks as floats; sixteens only.
template <class Isa, TensorType type>
static inline void read_row(const std::byte* row, std::size_t n, float* out) {
    for (std::size_t i = 0; i < n; i += kLanes) store_as(out + i, load_weights<Isa, type>(row, i));
}

template <class Isa>
static inline void decode(TensorType type, const std::byte* row, std::size_t count, float* out) {
    if (type == TensorType::kF16 && count % kLanes == 0) {
        read_row<Isa, TensorType::kF16>(row, count, out);
    } else if (type == TensorType::kBF16 && count % kLanes == 0) {
        read_row<Isa, TensorType::kBF16>(row, count, out);
    } else {
        Isa::decode(type, row, count, out);
    }
}

template <class Isa>
static inline void multiply(const Matrix& w, std::size_t first_row, std::size_t last_row, const Vectors& x,
                            float* out, std::size_t out_stride, float* scratch) {
    using L = typename Isa::Lanes;
    const std::size_t row_bytes = w.row_bytes();
    const bool in_sixteens = w.columns % kLanes == 0;
    std::size_t r = first_row;
    // With a row at a time many vectors share the work of reading it.
    if (in_sixteens && (x.count < 4 || Isa::kRowsAtOnce == 4)) {
        const auto run = [&]<TensorType type>() {
            for (; r + 4 <= last_row; r += 4) {
                multiply_four_rows<Isa, type>(w.data + r * row_bytes, row_bytes, x, out + r, out_stride);
            }
        };
        if (w.type == TensorType::kF32) run.template operator()<TensorType::kF32>();
        if (w.type == TensorType::kF16) run.template operator()<TensorType::kF16>();
        if (w.type == TensorType::kBF16) run.template operator()<TensorType::kBF16>();
    }
    for (; r < last_row; ++r) {
        decode<Isa>(w.type, w.data + r * row_bytes, w.columns, scratch);
        std::size_t v = 0;
        if (in_sixteens) {
            const auto load = [&](std::size_t, std::size_t i) { return load_as<L>(scratch + i); };
            for (; v + 4 <= x.count; v += 4) {
                dot_four_vectors<L, 1>(load, x, v, out + v * out_stride + r, out_stride);
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

static inline void rotate(float* head, const float* cosine, const float* sine, std::size_t n) {
    float* partner = head + n / 2;
    for (std::size_t i = 0; i < n / 2; ++i) {
        const float a = head[i];
        const float b = partner[i];
        head[i] = a * cosine[i] - b * sine[i];
        partner[i] = b * cosine[i] + a * sine[i];
    }
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

static inline void add(float* x, const float* y, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) x[i] += y[i];
}

static inline void add_scaled(float* x, float scale, const float* y, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) x[i] += scale * y[i];
}

}  // namespace sluice::vector
