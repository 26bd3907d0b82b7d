// Kernels for x86-64 processors with AVX-VNNI: what the AVX2 table has, and products of integers in one
// instruction.
#pragma once

#include "kernels/kernels.h"

namespace sluice {

Kernels avx_vnni_kernels();

// As the fields of Kernels say.
namespace avx_vnni {

void multiply_quantised(const Matrix& w, std::size_t first_row, std::size_t last_row, const QuantisedVectors& x,
                        float* out, std::size_t out_stride, std::byte* scratch);
std::uint64_t int8_peak(std::uint64_t rounds);

}  // namespace avx_vnni
}  // namespace sluice
