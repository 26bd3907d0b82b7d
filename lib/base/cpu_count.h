// How many CPUs this process may use, and how many of them are worth a computing thread each.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace sluice {

// CPUs that may run threads of this process at the same time: the affinity mask, cut by a container's quota.
// At least 1. Any thread; reads the system anew at every call.
std::uint32_t schedulable_cpus();

// The threads that compute best: as above, but one for each physical core, since two hyper-threads of a core
// share its arithmetic, and without the slow cores of a machine that has fast ones. At least 1, at most
// schedulable_cpus(). What the system does not tell changes nothing. Any thread.
std::uint32_t usable_cpus();

// Numbers of the CPUs in the affinity mask, without the slow cores of a machine that has fast ones; both
// hyper-threads of a core. Empty if the system does not tell. Any thread.
std::vector<std::uint32_t> fast_cpus();

// One CPU of the affinity mask, as Linux describes it under /sys/devices/system/cpu.
struct CpuFacts {
    std::optional<std::uint32_t> core;      // first CPU of its core: topology/thread_siblings_list
    std::optional<std::uint32_t> capacity;  // how fast, against 1024 for the fastest: cpu_capacity
};

// Distinct cores whose capacity is at least half of the largest. A capacity counts if all CPUs have one; a CPU
// whose core is unknown makes all count. At least 1 if there are CPUs.
std::uint32_t count_fast_cores(std::span<const CpuFacts> cpus);

// The number that `text` begins with, as in "0-1\n", "4,12\n" or "1024\n"; nothing if it begins otherwise or
// does not fit.
std::optional<std::uint32_t> leading_number(std::string_view text);

// CPUs, rounded up, that a quota of the form "QUOTA PERIOD" in microseconds allows; nothing for "max PERIOD"
// and for what is not of this form (Linux, Documentation/admin-guide/cgroup-v2, cpu.max). At least 1.
std::optional<std::uint32_t> quota_cpus(std::string_view text);

}  // namespace sluice
