// The scalar table, kernel by kernel.
#include "kernels/scalar/table.h"

namespace sluice {

Kernels scalar_kernels() {
    return Kernels{
        .name = "scalar",
        .decode = scalar::decode,
        .dot = scalar::dot,
        .multiply = scalar::multiply,
        .rms_norm = scalar::rms_norm,
        .rotate = scalar::rotate,
        .silu_multiply = scalar::silu_multiply,
        .add = scalar::add,
        .add_scaled = scalar::add_scaled,
        .softmax = scalar::softmax,
    };
}

}  // namespace sluice
