// Float kernels in sixteen lanes: the order of sums of kernels.h, so the same bits as the scalar table's.
#pragma once

#include "kernels/kernels.h"
#include "kernels/vector/lanes.h"

namespace sluice::vector {

static inline float dot(const float* a, const float* b, std::size_t n) {
    Lanes lanes = {};
    std::size_t i = 0;
    for (; n - i >= kLanes; i += kLanes) lanes += load(a + i) * load(b + i);
    for (std::size_t lane = 0; lane < n - i; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
    return sum(lanes);
}

// How sixteen elements of a type without blocks are read.
template <class Isa, TensorType type>
static inline Lanes load_weights(const std::byte* row, std::size_t i) {
    if constexpr (type == TensorType::kF32) {
        Lanes lanes;
        __builtin_memcpy(&lanes, row + i * sizeof(float), sizeof lanes);
        return lanes;
    } else {
        const auto* at = reinterpret_cast<const std::uint16_t*>(row + i * 2);
        return type == TensorType::kF16 ? Isa::from_halves(at) : from_bfloats(at);
    }
}

// Four dot products of stored rows with one vector: their chains of sums run side by side.
template <class Isa, TensorType type>
static inline void dot_four_rows(const std::byte* rows, std::size_t row_bytes, const float* x, std::size_t n,
                                 float* out) {
    Lanes sums[4] = {};
    for (std::size_t i = 0; i < n; i += kLanes) {
        const Lanes v = load(x + i);
#pragma GCC unroll 4
        for (std::size_t r = 0; r < 4; ++r) {
            __builtin_prefetch(rows + r * row_bytes + i * info_of(type).block_size + 1024);
            sums[r] += load_weights<Isa, type>(rows + r * row_bytes, i) * v;
        }
    }
#pragma GCC unroll 4
    for (std::size_t r = 0; r < 4; ++r) out[r] = sum(sums[r]);
}

// Four dot products of one row of floats with four vectors.
static inline void dot_four_vectors(const float* row, const Vectors& x, std::size_t first, float* out,
                                    std::size_t out_stride) {
    const float* v0 = x.vector(first);
    const float* v1 = x.vector(first + 1);
    const float* v2 = x.vector(first + 2);
    const float* v3 = x.vector(first + 3);
    Lanes s0 = {};
    Lanes s1 = {};
    Lanes s2 = {};
    Lanes s3 = {};
    for (std::size_t i = 0; i < x.size; i += kLanes) {
        const Lanes w = load(row + i);
        s0 += w * load(v0 + i);
        s1 += w * load(v1 + i);
        s2 += w * load(v2 + i);
        s3 += w * load(v3 + i);
    }
    out[0] = sum(s0);
    out[out_stride] = sum(s1);
    out[2 * out_stride] = sum(s2);
    out[3 * out_stride] = sum(s3);
}

// A row of a type without blocks as floats; sixteens only.
template <class Isa, TensorType type>
static inline void read_row(const std::byte* row, std::size_t n, float* out) {
    for (std::size_t i = 0; i < n; i += kLanes) store(out + i, load_weights<Isa, type>(row, i));
}

template <class Isa>
static inline void multiply(const Matrix& w, std::size_t first_row, std::size_t last_row, const Vectors& x,
                            float* out, std::size_t out_stride, float* scratch) {
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
                dot_four_vectors(scratch, x, v, out + v * out_stride + r, out_stride);
            }
        }
        for (; v < x.count; ++v) out[v * out_stride + r] = dot(scratch, x.vector(v), w.columns);
    }
}

static inline void rms_norm(const float* x, const float* weight, std::size_t n, float epsilon, float* out) {
    const float mean = dot(x, x, n) / static_cast<float>(n);
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

static inline void silu_multiply(float* gate, const float* up, std::size_t n) {
    std::size_t i = 0;
    for (; n - i >= kLanes; i += kLanes) {
        const Lanes x = load(gate + i);
        store(gate + i, x / (1.0F + exponential(-x)) * load(up + i));
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
