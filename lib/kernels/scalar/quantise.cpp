// Rounding activations to small integers.
#include <cmath>

#include "kernels/scalar/table.h"

namespace sluice::scalar {
namespace {

// A sum with 1.5 * 2^23 has no bits below one: it is the nearest integer, the even one of two.
constexpr float kRounder = 12582912.0F;

}  // namespace

bool quantise(const float* x, std::size_t n, std::int8_t* values, float* scales, std::int32_t* sums) {
    bool is_finite = true;
    for (std::size_t block = 0; block < n / kQuantisedBlock; ++block) {
        const float* from = x + block * kQuantisedBlock;
        float largest = 0.0F;
        for (std::size_t i = 0; i < kQuantisedBlock; ++i) {
            is_finite = is_finite && std::isfinite(from[i]);
            largest = std::fmax(largest, std::fabs(from[i]));
        }
        // Below the smallest normal number the reciprocal may be infinite; such a block counts as zeros.
        const bool is_zero = !(largest >= 127.0F * 0x1p-126F);
        const float inverse = is_zero ? 0.0F : 127.0F / largest;
        scales[block] = is_zero ? 0.0F : largest / 127.0F;
        for (std::size_t half = 0; half < 2; ++half) {
            std::int32_t sum = 0;
            for (std::size_t i = half * 16; i < half * 16 + 16; ++i) {
                const float rounded = (from[i] * inverse + kRounder) - kRounder;
                const std::int32_t value = is_finite ? static_cast<std::int32_t>(rounded) : 0;
                values[block * kQuantisedBlock + i] = static_cast<std::int8_t>(value);
                sum += value;
            }
            sums[block * 2 + half] = sum;
        }
    }
    return is_finite;
}

}  // namespace sluice::scalar
