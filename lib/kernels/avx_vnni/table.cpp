// The AVX-VNNI table: what it does not do itself is taken from the AVX2 one.
#include "kernels/avx_vnni/table.h"

#include "kernels/avx2/table.h"

namespace sluice {

Kernels avx_vnni_kernels() {
    Kernels table = avx2_kernels();
    table.name = "avx_vnni";
    table.multiply_quantised = avx_vnni::multiply_quantised;
    table.int8_peak = avx_vnni::int8_peak;
    return table;
}

}  // namespace sluice
