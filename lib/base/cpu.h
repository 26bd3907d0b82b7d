// What this processor can do. Asked once, by the code that chooses kernels.
#pragma once

#include <string>

namespace sluice {

struct CpuFeatures {
    bool avx2 = false;  // with FMA and F16C, and the system saves the registers
    bool avx_vnni = false;
    bool avx512_vnni = false;  // with F, BW, DQ, VL, and the system saves the registers
    bool avx512_bf16 = false;
    bool amx_int8 = false;
    bool amx_bf16 = false;
    bool neon_dotprod = false;
    bool neon_i8mm = false;
};

CpuFeatures cpu_features();

// For people: "x86-64 avx2 avx512_vnni".
std::string describe(const CpuFeatures& features);

}  // namespace sluice
