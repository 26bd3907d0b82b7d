// Weights for benchmarks: any bits, but scales as models have them.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/tensor_type.h"

namespace sluice::benchmarks {

// Fills whole blocks of the type, the same bytes each time. No number decodes to a subnormal, an infinity or
// NaN, which some processors compute slower.
void fill_with_weights(TensorType type, std::span<std::byte> blocks);

}  // namespace sluice::benchmarks
