// Products of float matrices with the vectors of prompt tokens, by oneDNN: a library of such products, which
// fuses every product with its sum and is about twice as fast as the tables. Its order of sums is not
// kernels.h's, so the tokens of prompts are one family of sums and generated ones another
// (docs/decisions/0013-onednn-for-prompts.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/memory.h"
#include "base/result.h"
#include "kernels/kernels.h"

namespace sluice {

// What one call of oneDNN multiplies, always: so many rows with so many vectors, zeros where there are fewer. A
// result's bits then depend on its row and its vector alone.
constexpr std::size_t kPromptRows = 64;
constexpr std::size_t kPromptVectors = 32;

class PromptProducts {
public:
    virtual ~PromptProducts() = default;

    // For matrices of these numbers of columns, and n_workers threads at a time. `kernels` decodes weights.
    // Null where this build has no oneDNN, or oneDNN nothing for these shapes.
    // Errors: OUT_OF_MEMORY.
    static Result<std::unique_ptr<PromptProducts>> create(const Kernels& kernels,
                                                          std::span<const std::size_t> columns,
                                                          std::uint32_t n_workers, MemoryBudget& budget);

    // Bytes that create charges to the budget; 0 where this build has no oneDNN.
    static std::uint64_t planned_size(std::span<const std::size_t> columns, std::uint32_t n_workers);

    // out[v * out_stride + r] = row r of w times vector v, for r in [first_row, last_row) and v below count.
    // w is of floats; first_row is a multiple of kPromptRows. `tiles` holds the vectors as turn leaves them, a
    // tile for each kPromptVectors. Any number of threads, each as a worker of its own.
    // False if oneDNN fails, which it should not once it was created; out is then meaningless.
    virtual bool multiply(const Matrix& w, std::size_t first_row, std::size_t last_row, const float* tiles,
                          std::size_t count, float* out, std::size_t out_stride, std::uint32_t worker) = 0;
};

// Floats of a tile: kPromptVectors vectors of `size` elements.
constexpr std::size_t prompt_tile_size(std::size_t size) {
    return size * kPromptVectors;
}

// Turns the vectors [first, first + kPromptVectors) of x, or as many as there are, to [element][vector].
void turn_vectors(const Vectors& x, std::size_t first, float* tile);

}  // namespace sluice
