#include "base/placement.h"

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif

#include "base/cpu_count.h"

namespace sluice {

#if defined(__linux__) && defined(__GLIBC__)

Placement::Placement(std::uint32_t n_threads) : cpus_(fast_cpus()) {
    if (n_threads < 2 || n_threads > cpus_.size()) cpus_.clear();
}

void Placement::keep_apart(std::span<std::thread> workers) {
    if (cpus_.empty()) return;
    const int cpu = sched_getcpu();
    if (cpu == caller_cpu_ || cpu < 0) return;
    caller_cpu_ = cpu;

    const auto is_callers = [&](std::uint32_t other) { return other == static_cast<std::uint32_t>(cpu); };
    std::size_t n_free = 0;
    for (const std::uint32_t other : cpus_) n_free += is_callers(other) ? 0 : 1;
    // Consecutive shares of the free CPUs, which are at least as many as the workers.
    std::size_t worker = 0;
    std::size_t n_seen = 0;
    cpu_set_t mask;
    CPU_ZERO(&mask);
    for (const std::uint32_t other : cpus_) {
        if (is_callers(other) || worker == workers.size()) continue;
        CPU_SET(other, &mask);
        ++n_seen;
        if (n_seen * workers.size() < (worker + 1) * n_free) continue;
        (void)pthread_setaffinity_np(workers[worker].native_handle(), sizeof mask, &mask);
        CPU_ZERO(&mask);
        ++worker;
    }
}

#else

Placement::Placement(std::uint32_t) {}

void Placement::keep_apart(std::span<std::thread>) {}

#endif

}  // namespace sluice
