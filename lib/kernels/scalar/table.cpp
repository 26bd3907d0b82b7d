// The scalar table, kernel by kernel.
#include "kernels/scalar/table.h"

namespace sluice {

Kernels scalar_kernels() {
    return Kernels{
        .name = "scalar",
        .prefers_quantised = false,
        .prefers_onednn = false,
        .decode = scalar::decode,
        .dot = scalar::dot,
        .multiply = scalar::multiply,
        .quantise = scalar::quantise,
        .multiply_quantised = scalar::multiply_quantised,
        .int8_peak = nullptr,
        .rms_norm = scalar::rms_norm,
        .rotate = scalar::rotate,
        .silu_multiply = scalar::silu_multiply,
        .add = scalar::add,
        .add_scaled = scalar::add_scaled,
        .attend = scalar::attend,
    };
}

}  // namespace sluice
