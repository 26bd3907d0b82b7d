// Sums of the squares of what matrices are multiplied with: the material of importance matrices.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "kernels/kernels.h"

namespace sluice {

struct InputSquares {
    struct Sums {
        std::vector<double> squares;  // one for each column
        std::uint64_t count = 0;      // rows that were added
    };

    // Whoever wants sums puts an entry for each matrix, with zeros for its columns; other matrices are passed
    // by.
    std::unordered_map<const Matrix*, Sums> of_matrix;

    // Adds the rows of a product's input, in order. One thread.
    void add(const Matrix& matrix, const Vectors& input);
};

}  // namespace sluice
