// SwiGLU's product. Beyond exp's range the quotient is -0, or NaN for an infinite gate: never hidden.
#include "kernels/exponential.h"
#include "kernels/scalar/table.h"

namespace sluice::scalar {

void silu_multiply(float* gate, const float* up, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) gate[i] = gate[i] / (1.0F + exponential::of(-gate[i])) * up[i];
}

}  // namespace sluice::scalar
