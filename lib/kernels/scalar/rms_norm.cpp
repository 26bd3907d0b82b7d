// RMSNorm. The sum of squares has the order of every other dot product.
#include <cmath>

#include "kernels/scalar/table.h"

namespace sluice::scalar {

void rms_norm(const float* x, const float* weight, std::size_t n, float epsilon, float* out) {
    const float mean = dot(x, x, n) / static_cast<float>(n);
    // One division for all, as the models were trained: torch.rsqrt, then two products.
    const float scale = 1.0F / std::sqrt(mean + epsilon);
    for (std::size_t i = 0; i < n; ++i) out[i] = x[i] * scale * weight[i];
}

}  // namespace sluice::scalar
