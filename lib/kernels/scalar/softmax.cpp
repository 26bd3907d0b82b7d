// Softmax. A NaN anywhere reaches the sum and so every element: it is not lost in the comparison.
#include <cmath>

#include "kernels/scalar/table.h"

namespace sluice::scalar {

void softmax(float* x, std::size_t n) {
    float max = x[0];
    for (std::size_t i = 1; i < n; ++i) max = x[i] > max ? x[i] : max;
    float sum = 0.0F;
    for (std::size_t i = 0; i < n; ++i) {
        x[i] = std::exp(x[i] - max);
        sum += x[i];
    }
    for (std::size_t i = 0; i < n; ++i) x[i] /= sum;
}

}  // namespace sluice::scalar
