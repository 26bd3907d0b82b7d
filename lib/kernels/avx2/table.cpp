// The AVX2 table, kernel by kernel.
#include "kernels/avx2/table.h"

#include "kernels/scalar/table.h"

namespace sluice {

Kernels avx2_kernels() {
    return Kernels{
        .name = "avx2",
        .prefers_quantised = true,
        .prefers_onednn = true,
        .decode = avx2::decode,
        .dot = avx2::dot,
        .multiply = avx2::multiply,
        .quantise = avx2::quantise,
        .multiply_quantised = avx2::multiply_quantised,
        .int8_peak = avx2::int8_peak,
        .rms_norm = avx2::rms_norm,
        .rotate = avx2::rotate,
        .silu_multiply = avx2::silu_multiply,
        .add = avx2::add,
        .add_scaled = avx2::add_scaled,
        .attend = avx2::attend,
    };
}

}  // namespace sluice
