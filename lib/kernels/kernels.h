// The table of kernels: what each one means. scalar/ defines them; every other table must agree with it.
//
// Sums have one order everywhere. A dot product over n elements runs in 16 lanes, lane l taking the
// elements i with i % 16 == l in ascending order, each product rounded and then added; then the lanes are
// added in halves: 8 to 8, 4 to 4, 2 to 2, 1 to 1. So a result does not depend on how many rows, columns
// or threads are computed with it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/tensor_type.h"

namespace sluice {

// A matrix as it lies in a file: row-major, rows contiguous, any byte alignment. y = W x has one output
// per row. Borrowed from the model.
struct Matrix {
    TensorType type = TensorType::kF32;
    std::size_t rows = 0;
    std::size_t columns = 0;
    const std::byte* data = nullptr;

    std::size_t row_bytes() const { return static_cast<std::size_t>(row_size(type, columns)); }
    std::size_t size() const { return rows * row_bytes(); }
};

// Activations: `count` vectors of `size` floats, the next one `stride` floats on.
struct Vectors {
    const float* data = nullptr;
    std::size_t count = 0;
    std::size_t size = 0;
    std::size_t stride = 0;
};

struct Kernels {
    const char* name;

    // Decodes count elements of a row of the given type to float, exactly.
    // Requires count to be a multiple of the type's block_count.
    void (*decode)(TensorType type, const std::byte* row, std::size_t count, float* out);

    // sum of a[i] * b[i] over n, in the order above.
    float (*dot)(const float* a, const float* b, std::size_t n);

    // out[v * out_stride + r] = dot(row r of W, vector v) for r in [first_row, last_row) and all v.
    // scratch holds W.columns floats of this thread's own. Requires x.size == W.columns.
    void (*multiply)(const Matrix& w, std::size_t first_row, std::size_t last_row, const Vectors& x, float* out,
                     std::size_t out_stride, float* scratch);

    // out[i] = x[i] / sqrt(mean(x^2) + epsilon) * weight[i] (Zhang and Sennrich 2019; modeling_lfm2.py).
    // out may be x.
    void (*rms_norm)(const float* x, const float* weight, std::size_t n, float epsilon, float* out);

    // Rotates the pairs (i, i + n/2) of a head by the angle whose cosine and sine are given for
    // i < n/2 (NeoX convention). In place.
    void (*rotate)(float* head, const float* cosine, const float* sine, std::size_t n);

    // gate[i] = gate[i] / (1 + exp(-gate[i])) * up[i]: SwiGLU.
    void (*silu_multiply)(float* gate, const float* up, std::size_t n);

    // x[i] += y[i]
    void (*add)(float* x, const float* y, std::size_t n);

    // x[i] += scale * y[i]
    void (*add_scaled)(float* x, float scale, const float* y, std::size_t n);

    // In place: x[i] = exp(x[i] - max) / sum; sum in ascending order. Requires n > 0.
    void (*softmax)(float* x, std::size_t n);
};

}  // namespace sluice
