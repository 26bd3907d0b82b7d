// Elements of a source's tensors as floats, whatever they are stored as, a few rows at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/source.h"
#include "kernels/kernels.h"
#include "model/mlx_packing.h"
#include "model/tensor_table.h"

namespace sluice::quantise {

// Reading is one thread's, decoding any thread's. Borrows all it is given.
class TensorReader {
public:
    TensorReader(const TensorTable& table, const MlxMatrices& mlx,
                 std::span<const std::shared_ptr<const Source>> files, const Kernels& kernels)
        : table_(table), mlx_(mlx), files_(files), kernels_(kernels) {}

    // Rows of a tensor as they are stored. Reuse it, so that its memory is reused.
    struct Rows {
        std::size_t tensor = 0;
        std::uint64_t columns = 0;
        std::uint64_t count = 0;
        std::vector<std::byte> bytes;
        std::vector<float> scales, biases;  // of MLX
    };

    // Bytes that rows of so many elements take where they are stored.
    std::uint64_t stored_size(std::size_t tensor, std::uint64_t n_elements) const;

    // Requires first to be at the start of a row of so many columns. Errors: those of Source::read.
    Done read(std::size_t tensor, std::uint64_t first, std::uint64_t columns, std::uint64_t count,
              Rows& rows) const;

    // Row `row` of those that were read: `columns` floats.
    void decode(const Rows& rows, std::uint64_t row, float* out) const;

    // Its bytes, where they are of a type that sluice knows; null where they are packed otherwise.
    const std::byte* stored_row(const Rows& rows, std::uint64_t row) const;

private:
    Done read_floats(const TensorEntry& entry, std::uint64_t first, std::uint64_t count,
                     std::vector<float>& out) const;

    const TensorTable& table_;
    const MlxMatrices& mlx_;
    std::span<const std::shared_ptr<const Source>> files_;
    const Kernels& kernels_;
};

}  // namespace sluice::quantise
