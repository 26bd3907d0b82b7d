// The table of matrix products: what it does not do itself is taken from the table of dot products.
#include "kernels/neon_i8mm/table.h"

#include "kernels/neon_dotprod/table.h"

namespace sluice {

Kernels neon_i8mm_kernels() {
    Kernels table = neon_dotprod_kernels();
    table.name = "neon_i8mm";
    table.multiply_quantised = neon_i8mm::multiply_quantised;
    table.int8_peak = neon_i8mm::int8_peak;
    return table;
}

}  // namespace sluice
