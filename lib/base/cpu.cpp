// The compiler's own feature test on x86 (it asks the system about saved registers too), the auxiliary
// vector on Linux for arm64.
#include "base/cpu.h"

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif
#if defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace sluice {

CpuFeatures cpu_features() {
    CpuFeatures found;
#if defined(__x86_64__)
    __builtin_cpu_init();
    // GCC 12's __builtin_cpu_supports has no names for some; bits of leaves 1 and 7 (Intel SDM volume 2A,
    // CPUID).
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    const bool f16c = __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx >> 29 & 1U) != 0;
    found.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && f16c;
    found.avx512_vnni = found.avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512vnni");
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0) {
        found.amx_bf16 = (edx >> 22 & 1U) != 0;
        found.amx_int8 = (edx >> 25 & 1U) != 0;
    }
    if (__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0) {
        found.avx_vnni = found.avx2 && (eax >> 4 & 1U) != 0;
        found.avx512_bf16 = found.avx512_vnni && (eax >> 5 & 1U) != 0;
    }
#elif defined(__aarch64__) && defined(__linux__)
    // Bits of AT_HWCAP and AT_HWCAP2 (Linux, Documentation/arm64/elf_hwcaps).
    found.neon_dotprod = (getauxval(AT_HWCAP) >> 20 & 1U) != 0;
    found.neon_i8mm = (getauxval(AT_HWCAP2) >> 13 & 1U) != 0;
#elif defined(__aarch64__) && defined(__APPLE__)
    const auto has = [](const char* name) {
        int value = 0;
        std::size_t size = sizeof value;
        return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value != 0;
    };
    found.neon_dotprod = has("hw.optional.arm.FEAT_DotProd");
    found.neon_i8mm = has("hw.optional.arm.FEAT_I8MM");
#endif
    return found;
}

std::string describe(const CpuFeatures& features) {
#if defined(__x86_64__)
    std::string text = "x86-64";
#elif defined(__aarch64__)
    std::string text = "arm64";
#else
    std::string text = "other";
#endif
    const auto name = [&](bool present, const char* word) {
        if (present) text.append(" ").append(word);
    };
    name(features.avx2, "avx2");
    name(features.avx_vnni, "avx_vnni");
    name(features.avx512_vnni, "avx512_vnni");
    name(features.avx512_bf16, "avx512_bf16");
    name(features.amx_int8, "amx_int8");
    name(features.amx_bf16, "amx_bf16");
    name(features.neon_dotprod, "dotprod");
    name(features.neon_i8mm, "i8mm");
    return text;
}

}  // namespace sluice
