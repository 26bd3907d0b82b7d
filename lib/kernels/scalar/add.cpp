// The residual sums.
#include "kernels/scalar/table.h"

namespace sluice::scalar {

void add(float* x, const float* y, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) x[i] += y[i];
}

void add_scaled(float* x, float scale, const float* y, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) x[i] += scale * y[i];
}

}  // namespace sluice::scalar
