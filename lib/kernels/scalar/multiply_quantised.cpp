// The definition of products of small integers (kernels.h), block by block.
#include <cmath>

#include "kernels/scalar/table.h"
#include "kernels/tile/form.h"

namespace sluice::scalar {
namespace {

// The sum so far, with the products of n values that share a scale added.
float add_group(int zero_point, const std::uint8_t* q, const std::int8_t* v, std::size_t n, float scale,
                float minimum, float vector_scale, std::int32_t vector_sum, bool has_minimums, float sum) {
    std::int32_t dot = 0;
    for (std::size_t i = 0; i < n; ++i) dot += (static_cast<std::int32_t>(q[i]) - zero_point) * v[i];
    sum = std::fma(static_cast<float>(dot), scale * vector_scale, sum);
    return has_minimums ? std::fma(minimum, vector_scale * static_cast<float>(vector_sum), sum) : sum;
}

float add_block(const tile::Form& form, const tile::PlainBlock& w, const std::int8_t* v, float vector_scale,
                const std::int32_t* sums, float sum) {
    if (!form.has_halves) {
        return add_group(form.zero_point, w.values, v, 32, w.scales[0], w.minimums[0], vector_scale,
                         sums[0] + sums[1], form.has_minimums, sum);
    }
    for (std::size_t half = 0; half < 2; ++half) {
        sum = add_group(form.zero_point, w.values + 16 * half, v + 16 * half, 16, w.scales[half],
                        w.minimums[half], vector_scale, sums[half], form.has_minimums, sum);
    }
    return sum;
}

}  // namespace

void multiply_quantised(const Matrix& w, std::size_t first_row, std::size_t last_row, const QuantisedVectors& x,
                        float* out, std::size_t out_stride, std::byte*) {
    const tile::Form form = tile::form_of(w.type);
    const std::size_t n_blocks = w.columns / kQuantisedBlock;
    for (std::size_t r = first_row; r < last_row; ++r) {
        for (std::size_t v = 0; v < x.count; ++v) out[v * out_stride + r] = 0.0F;
        for (std::size_t b = 0; b < n_blocks; ++b) {
            tile::PlainBlock block;
            tile::read_block(w.type, w.data + r * w.row_bytes(), b, block);
            for (std::size_t v = 0; v < x.count; ++v) {
                const std::size_t row = x.rows == nullptr ? v : x.rows[v];
                float& sum = out[v * out_stride + r];
                sum = add_block(form, block, x.values + row * x.size + b * kQuantisedBlock,
                                x.scales[row * n_blocks + b], x.sums + (row * n_blocks + b) * 2, sum);
            }
        }
    }
}

}  // namespace sluice::scalar
