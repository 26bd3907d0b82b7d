// Linux tells by small files; every one may be missing, in a container above all, and is then done without.
#include "base/cpu_count.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

#include "base/sentence.h"

namespace sluice {
namespace {

// The first bytes of a file; empty if it cannot be read.
std::string beginning_of(const std::string& path) {
    char text[64];
    std::FILE* file = std::fopen(path.c_str(), "re");
    if (file == nullptr) return {};
    const std::size_t size = std::fread(text, 1, sizeof text, file);
    std::fclose(file);
    return {text, size};
}

std::uint32_t within_quota(std::uint32_t n_cpus) {
    return std::min(n_cpus, quota_cpus(beginning_of("/sys/fs/cgroup/cpu.max")).value_or(n_cpus));
}

// Numbers of the CPUs in the affinity mask; empty if the system does not tell.
std::vector<std::uint32_t> cpus_of_mask() {
    std::vector<std::uint32_t> cpus;
#if defined(__linux__)
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) != 0) return cpus;
    for (std::uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &mask)) cpus.push_back(cpu);
    }
#endif
    return cpus;
}

CpuFacts facts_of(std::uint32_t cpu) {
    const std::string folder = sentence("/sys/devices/system/cpu/cpu", cpu, "/");
    return {leading_number(beginning_of(folder + "topology/thread_siblings_list")),
            leading_number(beginning_of(folder + "cpu_capacity"))};
}

// What a fast core has at least; 0 unless the capacity of all is known.
std::uint32_t least_capacity(std::span<const CpuFacts> cpus) {
    std::uint32_t largest = 0;
    for (const CpuFacts& cpu : cpus) {
        if (!cpu.capacity) return 0;
        largest = std::max(largest, *cpu.capacity);
    }
    return largest - largest / 2;
}

}  // namespace

std::optional<std::uint32_t> leading_number(std::string_view text) {
    std::uint32_t number = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc{}) return std::nullopt;
    return number;
}

std::optional<std::uint32_t> quota_cpus(std::string_view text) {
    std::uint64_t quota = 0;
    std::uint64_t period = 0;
    const char* end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, quota);
    if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ' ') return std::nullopt;
    if (std::from_chars(first.ptr + 1, end, period).ec != std::errc{} || period == 0) return std::nullopt;
    const std::uint64_t n_cpus = quota / period + (quota % period != 0 ? 1 : 0);
    return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(n_cpus, 1, UINT32_MAX));
}

std::uint32_t count_fast_cores(std::span<const CpuFacts> cpus) {
    const std::uint32_t least = least_capacity(cpus);
    std::vector<std::uint32_t> cores;
    for (const CpuFacts& cpu : cpus) {
        if (!cpu.core) return static_cast<std::uint32_t>(cpus.size());
        if (cpu.capacity.value_or(0) >= least) cores.push_back(*cpu.core);
    }
    std::sort(cores.begin(), cores.end());
    return static_cast<std::uint32_t>(std::unique(cores.begin(), cores.end()) - cores.begin());
}

std::uint32_t schedulable_cpus() {
    const auto n_of_mask = static_cast<std::uint32_t>(cpus_of_mask().size());
    return within_quota(n_of_mask > 0 ? n_of_mask : std::max(1U, std::thread::hardware_concurrency()));
}

std::uint32_t usable_cpus() {
    std::vector<CpuFacts> facts;
    for (const std::uint32_t cpu : cpus_of_mask()) facts.push_back(facts_of(cpu));
    return facts.empty() ? schedulable_cpus() : within_quota(count_fast_cores(facts));
}

std::vector<std::uint32_t> fast_cpus() {
    const std::vector<std::uint32_t> cpus = cpus_of_mask();
    std::vector<CpuFacts> facts;
    for (const std::uint32_t cpu : cpus) facts.push_back(facts_of(cpu));
    const std::uint32_t least = least_capacity(facts);
    std::vector<std::uint32_t> fast;
    for (std::size_t i = 0; i < cpus.size(); ++i) {
        if (facts[i].capacity.value_or(0) >= least) fast.push_back(cpus[i]);
    }
    return fast;
}

}  // namespace sluice
