// The table of dot products: what it does not do itself is taken from the scalar one.
#include "kernels/neon_dotprod/table.h"

#include "kernels/scalar/table.h"

namespace sluice {

Kernels neon_dotprod_kernels() {
    Kernels table = scalar_kernels();
    table.name = "neon_dotprod";
    table.prefers_quantised = true;
    table.quantise = neon_dotprod::quantise;
    table.multiply_quantised = neon_dotprod::multiply_quantised;
    table.int8_peak = neon_dotprod::int8_peak;
    return table;
}

}  // namespace sluice
