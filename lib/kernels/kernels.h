// The table of kernels: what each one means. scalar/ defines them; every other table must agree with it.
//
// Sums have one order in every table; oneDNN's are its own (prompt_products.h). A dot product over n elements
// runs in 16 lanes, lane l taking the elements i with i % 16 == l in ascending order, each product rounded and
// then added; then the lanes are added in halves: 8 to 8, 4 to 4, 2 to 2, 1 to 1. So a result does not depend
// on how many rows, columns or threads are computed with it.
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

// Activations: `count` vectors of `size` floats. Vector v is row rows[v], or row v when rows is null; a row
// begins `stride` floats after the one before.
struct Vectors {
    const float* data = nullptr;
    std::size_t count = 0;
    std::size_t size = 0;
    std::size_t stride = 0;
    const std::uint32_t* rows = nullptr;

    const float* vector(std::size_t v) const { return data + (rows == nullptr ? v : rows[v]) * stride; }
};

// Activations as small integers in blocks of 32: element i of a row is scales[i / 32] * values[i].
constexpr std::size_t kQuantisedBlock = 32;

struct QuantisedVectors {
    const std::int8_t* values = nullptr;  // rows of `size`, each in [-127, 127]
    const float* scales = nullptr;        // rows of size / 32
    const std::int32_t* sums = nullptr;   // rows of size / 16: of 16 consecutive values
    std::size_t count = 0;
    std::size_t size = 0;                 // a multiple of 32
    const std::uint32_t* rows = nullptr;  // vector v is row rows[v]; null: row v
};

// Whether products with this type have a form in integers.
constexpr bool can_multiply_quantised(TensorType type) {
    return info_of(type).block_count > 1;
}

// Bytes of scratch that multiply_quantised works in, aligned to 64.
constexpr std::size_t kTileScratchSize = 32 * 1024;

// A history is attended to in blocks of this many positions with fixed borders, so that a row's sums do not
// depend on where a chunk began.
constexpr std::size_t kAttentionBlock = 256;

// Up to kAttentionBlock positions of one key/value head, in tiles (attention_tiles.h). The last tile may be
// part filled.
struct AttentionBlock {
    TensorType key_type = TensorType::kF32;  // F32, F16, Q8_0 or Q4_0
    TensorType value_type = TensorType::kF32;
    std::size_t head_size = 0;  // a multiple of 32 where a type is Q8_0 or Q4_0
    std::size_t count = 0;      // positions, above 0
    const void* keys = nullptr;
    const void* values = nullptr;
    // The keys that come after these, for a processor to fetch meanwhile; null: none. Changes no result.
    const void* next_keys = nullptr;
};

// Query heads, head_size elements each, one behind the other. Keys with blocks meet integers: the queries as
// `quantise` rounds them, head_size / 32 scales and head_size / 16 sums for a head. Only what the keys need is
// read.
struct AttentionQueries {
    const float* floats = nullptr;
    const std::int8_t* values = nullptr;
    const float* scales = nullptr;
    const std::int32_t* sums = nullptr;
};

// Softmax over a history that is seen block by block (Milakov and Gimelshein 2018): the sum so far is rescaled
// whenever a larger score appears.
struct SoftmaxState {
    float largest = -__builtin_inff();
    float sum = 0.0F;
};

struct Kernels {
    const char* name;
    // Whether multiply_quantised is faster than multiply, so that it is the choice when nobody chooses.
    bool prefers_quantised;
    // Whether oneDNN, where the build has it, is faster than multiply with many vectors (prompt_products.h).
    bool prefers_onednn;

    // Decodes count elements of a row of the given type to float, exactly.
    // Requires count to be a multiple of the type's block_count.
    void (*decode)(TensorType type, const std::byte* row, std::size_t count, float* out);

    // sum of a[i] * b[i] over n, in the order above.
    float (*dot)(const float* a, const float* b, std::size_t n);

    // out[v * out_stride + r] = dot(row r of W, vector v) for r in [first_row, last_row) and all v.
    // scratch holds W.columns floats of this thread's own. Requires x.size == W.columns.
    void (*multiply)(const Matrix& w, std::size_t first_row, std::size_t last_row, const Vectors& x, float* out,
                     std::size_t out_stride, float* scratch);

    // Rounds n floats, a multiple of 32, to small integers: scale = max |x| / 127 of a block, value = x / scale
    // rounded to nearest even. False if any of them is NaN or infinite; the output is then meaningless.
    bool (*quantise)(const float* x, std::size_t n, std::int8_t* values, float* scales, std::int32_t* sums);

    // As multiply, for quantised vectors and a type for which can_multiply_quantised(). A group is the weights
    // of one scale, 16 or 32. Its products are summed exactly, as integers; groups are added in ascending
    // order, each by fused multiply-adds. With q the stored integers less their zero point, s and m the group's
    // scale and minimum, v and a the vector's values and scale:
    //   sum = fma(float(q . v), s * a, sum)
    //   sum = fma(m, a * float(sum of v), sum)     if the type has minimums
    // Every table computes these same bits.
    // scratch holds kTileScratchSize bytes of this thread's own.
    void (*multiply_quantised)(const Matrix& w, std::size_t first_row, std::size_t last_row,
                               const QuantisedVectors& x, float* out, std::size_t out_stride,
                               std::byte* scratch);

    // Multiplies 8-bit integers in registers as fast as this table can, for `rounds` short rounds, and returns
    // how many multiply-adds that were: the yardstick of benchmarks. Null where the table has no such unit.
    std::uint64_t (*int8_peak)(std::uint64_t rounds);

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

    // Brings n_heads query heads, their states and outputs (head_size floats each, one behind the other) past
    // one block: with s[p] = scale * (q . key p), the larger maximum M and c = exp(largest - M),
    //   sum = c * sum + sum over p of exp(s[p] - M),  out = c * out + sum over p of exp(s[p] - M) * value p.
    // Sums run in ascending order of elements and of positions, that of the weights in 16 lanes. With keys in
    // blocks the products of a block are summed exactly, as integers, and q . key is the sum over blocks of
    // float(those) * (key's scale * query's scale); with values in blocks a weight is multiplied with the
    // value's scale first. Tables may fuse a product with its sum, so they differ in the last bits; a head's
    // result does not depend on the others. scratch holds 4 * kAttentionBlock floats of this thread's own.
    void (*attend)(const AttentionBlock& block, const AttentionQueries& queries, std::size_t n_heads,
                   float scale, SoftmaxState* states, float* out, float* scratch);
};

}  // namespace sluice
