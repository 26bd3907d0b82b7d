// The table of dot products, kernel by kernel.
#include "kernels/neon_dotprod/table.h"

#include "kernels/scalar/table.h"

namespace sluice {

Kernels neon_dotprod_kernels() {
    return Kernels{
        .name = "neon_dotprod",
        .prefers_quantised = true,
        .prefers_onednn = true,
        .decode = neon_dotprod::decode,
        .dot = neon_dotprod::dot,
        .multiply = neon_dotprod::multiply,
        .quantise = neon_dotprod::quantise,
        .multiply_quantised = neon_dotprod::multiply_quantised,
        .int8_peak = neon_dotprod::int8_peak,
        .rms_norm = neon_dotprod::rms_norm,
        .rotate = neon_dotprod::rotate,
        .silu_multiply = neon_dotprod::silu_multiply,
        .add = neon_dotprod::add,
        .add_scaled = neon_dotprod::add_scaled,
        .attend = neon_dotprod::attend,
    };
}

}  // namespace sluice
