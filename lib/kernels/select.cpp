// The ordered list of tables.
#include "kernels/select.h"

#include "base/cpu.h"
#include "base/sentence.h"
#include "base/utf8.h"
#include "kernels/scalar/table.h"
#if defined(__aarch64__)
#include "kernels/neon_dotprod/table.h"
#include "kernels/neon_i8mm/table.h"
#endif
#if defined(__x86_64__)
#include "kernels/avx2/table.h"
#include "kernels/avx512_vnni/table.h"
#include "kernels/avx_vnni/table.h"
#endif

namespace sluice {
namespace {

struct KernelChoice {
    std::string_view name;
    bool (*runs_on)(const CpuFeatures& features);
    // Its own table's code may need the instructions it stands for: called only after runs_on says yes.
    const Kernels& (*table)();
};

bool always(const CpuFeatures&) {
    return true;
}

template <Kernels (*make)()>
const Kernels& table_of() {
    static const Kernels table = make();
    return table;
}

// Best first; the first that the processor supports wins.
constexpr KernelChoice kChoices[] = {
#if defined(__x86_64__)
    {"avx512_vnni", [](const CpuFeatures& features) { return features.avx512_vnni; },
     table_of<avx512_vnni_kernels>},
    {"avx_vnni", [](const CpuFeatures& features) { return features.avx_vnni; }, table_of<avx_vnni_kernels>},
    {"avx2", [](const CpuFeatures& features) { return features.avx2; }, table_of<avx2_kernels>},
#endif
#if defined(__aarch64__)
    {"neon_i8mm", [](const CpuFeatures& features) { return features.neon_dotprod && features.neon_i8mm; },
     table_of<neon_i8mm_kernels>},
    {"neon_dotprod", [](const CpuFeatures& features) { return features.neon_dotprod; },
     table_of<neon_dotprod_kernels>},
#endif
    {"scalar", always, table_of<scalar_kernels>},
};

std::string known_names() {
    std::string names;
    for (const KernelChoice& choice : kChoices) {
        if (!names.empty()) names += ", ";
        names += choice.name;
    }
    return names;
}

}  // namespace

Result<const Kernels*> select_kernels(std::string_view name) {
    const CpuFeatures features = cpu_features();
    for (const KernelChoice& choice : kChoices) {
        const bool runs = choice.runs_on(features);
        if (name.empty() && runs) return &choice.table();
        if (name != choice.name) continue;
        if (runs) return &choice.table();
        return make_error(SLUICE_E_UNSUPPORTED, "kernels ", choice.name, " need instructions that ",
                          describe(features), " does not have");
    }
    return make_error(SLUICE_E_NOT_FOUND, "there are no kernels called ", printable(name), "; there are ",
                      known_names());
}

std::string kernel_names() {
    const CpuFeatures features = cpu_features();
    std::string names;
    for (const KernelChoice& choice : kChoices) {
        if (!choice.runs_on(features)) continue;
        if (!names.empty()) names += ", ";
        names += choice.name;
    }
    return names;
}

}  // namespace sluice
