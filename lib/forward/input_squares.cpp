// Adds squares in double, so that a long text loses nothing.
#include "forward/input_squares.h"

namespace sluice {

void InputSquares::add(const Matrix& matrix, const Vectors& input) {
    const auto found = of_matrix.find(&matrix);
    if (found == of_matrix.end()) return;
    Sums& sums = found->second;
    for (std::size_t v = 0; v < input.count; ++v) {
        const float* row = input.vector(v);
        for (std::size_t i = 0; i < sums.squares.size(); ++i) sums.squares[i] += double{row[i]} * row[i];
    }
    sums.count += input.count;
}

}  // namespace sluice
