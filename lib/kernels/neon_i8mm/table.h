// Kernels for 64-bit Arm processors with the products of 8-bit matrices (FEAT_I8MM) and the dot product
// instructions. What is not declared here is the dot product table's.
#pragma once

#include "kernels/kernels.h"
#include "kernels/tile/panel.h"

namespace sluice {

Kernels neon_i8mm_kernels();

// As the fields of Kernels say.
namespace neon_i8mm {

// The blocks [first, first + count) of a panel's rows, made ready: a register holds 8 columns of row 0 and then
// of row 1, the next of rows 2 and 3. Otherwise as kernels/neon_dotprod/panel.h says.
void unpack(TensorType type, const tile::PanelRows& rows, std::size_t first, std::size_t count,
            tile::Panel& panel);

void multiply_quantised(const Matrix& w, std::size_t first_row, std::size_t last_row, const QuantisedVectors& x,
                        float* out, std::size_t out_stride, std::byte* scratch);
std::uint64_t int8_peak(std::uint64_t rounds);

}  // namespace neon_i8mm
}  // namespace sluice
