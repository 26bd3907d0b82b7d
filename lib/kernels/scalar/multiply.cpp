// W x for one vector or many: a row is decoded once, and every vector's result is one dot with it. So a
// result cannot depend on how many vectors or rows are asked for.
#include <cstdint>

#include "kernels/scalar/table.h"

namespace sluice::scalar {
namespace {

bool is_aligned_for_floats(const std::byte* at) {
    return reinterpret_cast<std::uintptr_t>(at) % alignof(float) == 0;
}

}  // namespace

void multiply(const Matrix& w, std::size_t first_row, std::size_t last_row, const Vectors& x, float* out,
              std::size_t out_stride, float* scratch) {
    const std::size_t row_bytes = w.row_bytes();
    const bool in_place = w.type == TensorType::kF32 && is_aligned_for_floats(w.data);
    for (std::size_t r = first_row; r < last_row; ++r) {
        const std::byte* stored = w.data + r * row_bytes;
        if (!in_place) decode(w.type, stored, w.columns, scratch);
        const float* row = in_place ? reinterpret_cast<const float*>(stored) : scratch;
        for (std::size_t v = 0; v < x.count; ++v) {
            out[v * out_stride + r] = dot(row, x.vector(v), w.columns);
        }
    }
}

}  // namespace sluice::scalar
