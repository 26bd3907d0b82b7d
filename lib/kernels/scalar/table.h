// The scalar table: plain loops that define what every kernel means. Runs on any processor.
#pragma once

#include "kernels/kernels.h"

namespace sluice {

Kernels scalar_kernels();

// The kernels by name, each as the field of Kernels says.
namespace scalar {

void decode(TensorType type, const std::byte* row, std::size_t count, float* out);
float dot(const float* a, const float* b, std::size_t n);
void multiply(const Matrix& w, std::size_t first_row, std::size_t last_row, const Vectors& x, float* out,
              std::size_t out_stride, float* scratch);
bool quantise(const float* x, std::size_t n, std::int8_t* values, float* scales, std::int32_t* sums);
void multiply_quantised(const Matrix& w, std::size_t first_row, std::size_t last_row, const QuantisedVectors& x,
                        float* out, std::size_t out_stride, std::byte* scratch);
void rms_norm(const float* x, const float* weight, std::size_t n, float epsilon, float* out);
void rotate(float* head, const float* cosine, const float* sine, std::size_t n);
void silu_multiply(float* gate, const float* up, std::size_t n);
void add(float* x, const float* y, std::size_t n);
void add_scaled(float* x, float scale, const float* y, std::size_t n);
void attend(const AttentionBlock& block, const AttentionQueries& queries, std::size_t n_heads, float scale,
            SoftmaxState* states, float* out, float* scratch);

}  // namespace scalar
}  // namespace sluice
