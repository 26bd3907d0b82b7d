// The one order of sums: 16 lanes, then halves (kernels.h).
//
//   lane   0    1   ...  15
//         a0b0 a1b1 ... a15b15
//       + a16b16 ...             one row of products per step: four SSE registers, two AVX, one AVX-512
#include "kernels/scalar/table.h"

namespace sluice::scalar {
namespace {

constexpr std::size_t kLanes = 16;

}  // namespace

float dot(const float* a, const float* b, std::size_t n) {
    float lanes[kLanes] = {};
    std::size_t i = 0;
    for (; n - i >= kLanes; i += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
    }
    for (std::size_t lane = 0; lane < n - i; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
    for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
        for (std::size_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
    }
    return lanes[0];
}

}  // namespace sluice::scalar
