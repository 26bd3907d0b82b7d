// Kernels for x86-64 processors with AVX2, FMA and F16C. 8 floats or 8 rows in a register.
#pragma once

#include "kernels/kernels.h"
#include "kernels/tile/panel.h"

namespace sluice {

Kernels avx2_kernels();

// As the fields of Kernels say. The AVX-VNNI table uses these too.
namespace avx2 {

// The blocks [first, first + count) of a panel's rows, made ready.
void unpack(TensorType type, const tile::PanelRows& rows, std::size_t first, std::size_t count,
            tile::Panel& panel);

bool quantise(const float* x, std::size_t n, std::int8_t* values, float* scales, std::int32_t* sums);
void multiply_quantised(const Matrix& w, std::size_t first_row, std::size_t last_row, const QuantisedVectors& x,
                        float* out, std::size_t out_stride, std::byte* scratch);
std::uint64_t int8_peak(std::uint64_t rounds);

}  // namespace avx2
}  // namespace sluice
