// Kernels for x86-64 processors with AVX-512 and its VNNI instructions. 16 floats or 16 rows in a register.
#pragma once

#include "kernels/kernels.h"
#include "kernels/tile/panel.h"

namespace sluice {

Kernels avx512_vnni_kernels();

// As the fields of Kernels say.
namespace avx512_vnni {

// The blocks [first, first + count) of a panel's rows, made ready.
void unpack(TensorType type, const tile::PanelRows& rows, std::size_t first, std::size_t count,
            tile::Panel& panel);

// For a few vectors: computes as many of the rows as whole registers can and returns the first that is
// left, first_row where it has no code for the matrix or for so many vectors.
std::size_t multiply_few(const Matrix& w, std::size_t first_row, std::size_t last_row,
                         const QuantisedVectors& x, float* out, std::size_t out_stride, std::byte* scratch);

bool quantise(const float* x, std::size_t n, std::int8_t* values, float* scales, std::int32_t* sums);
void multiply_quantised(const Matrix& w, std::size_t first_row, std::size_t last_row, const QuantisedVectors& x,
                        float* out, std::size_t out_stride, std::byte* scratch);
std::uint64_t int8_peak(std::uint64_t rounds);

void decode(TensorType type, const std::byte* row, std::size_t count, float* out);
float dot(const float* a, const float* b, std::size_t n);
void multiply(const Matrix& w, std::size_t first_row, std::size_t last_row, const Vectors& x, float* out,
              std::size_t out_stride, float* scratch);
void rms_norm(const float* x, const float* weight, std::size_t n, float epsilon, float* out);
void rotate(float* head, const float* cosine, const float* sine, std::size_t n);
void silu_multiply(float* gate, const float* up, std::size_t n);
void add(float* x, const float* y, std::size_t n);
void add_scaled(float* x, float scale, const float* y, std::size_t n);
void attend(const AttentionBlock& block, const AttentionQueries& queries, std::size_t n_heads, float scale,
            SoftmaxState* states, float* out, float* scratch);

}  // namespace avx512_vnni
}  // namespace sluice
