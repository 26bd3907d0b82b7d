// The AVX2 table: what it does not do itself is taken from the scalar one.
#include "kernels/avx2/table.h"

#include "kernels/scalar/table.h"

namespace sluice {

Kernels avx2_kernels() {
    Kernels table = scalar_kernels();
    table.name = "avx2";
    table.prefers_quantised = true;
    table.quantise = avx2::quantise;
    table.multiply_quantised = avx2::multiply_quantised;
    table.int8_peak = avx2::int8_peak;
    return table;
}

}  // namespace sluice
