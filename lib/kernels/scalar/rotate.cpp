// Rotary positions: element i and its partner half a head away are a point in a plane that is turned.
#include "kernels/scalar/table.h"

namespace sluice::scalar {

void rotate(float* head, const float* cosine, const float* sine, std::size_t n) {
    const std::size_t half = n / 2;
    float* partner = head + half;
    for (std::size_t i = 0; i < half; ++i) {
        const float a = head[i];
        const float b = partner[i];
        head[i] = a * cosine[i] - b * sine[i];
        partner[i] = b * cosine[i] + a * sine[i];
    }
}

}  // namespace sluice::scalar
