// The AVX-512 table, kernel by kernel.
#include "kernels/avx512_vnni/table.h"

#include "kernels/scalar/table.h"

namespace sluice {

Kernels avx512_vnni_kernels() {
    return Kernels{
        .name = "avx512_vnni",
        .prefers_quantised = true,
        .prefers_onednn = true,
        .decode = avx512_vnni::decode,
        .dot = avx512_vnni::dot,
        .multiply = avx512_vnni::multiply,
        .quantise = avx512_vnni::quantise,
        .multiply_quantised = avx512_vnni::multiply_quantised,
        .int8_peak = avx512_vnni::int8_peak,
        .rms_norm = avx512_vnni::rms_norm,
        .rotate = avx512_vnni::rotate,
        .silu_multiply = avx512_vnni::silu_multiply,
        .add = avx512_vnni::add,
        .add_scaled = avx512_vnni::add_scaled,
        .attend = avx512_vnni::attend,
    };
}

}  // namespace sluice
