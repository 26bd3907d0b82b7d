// Linux tells in text files; elsewhere only the total is asked for.
#include "base/machine.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

#include <unistd.h>

namespace sluice {
namespace {

// The beginning of a file that the kernel makes up as it is read, so that its size says nothing.
std::string read_system_file(const char* path) {
    std::FILE* file = std::fopen(path, "r");
    if (file == nullptr) return {};
    char text[4096];
    const std::size_t size = std::fread(text, 1, sizeof text, file);
    std::fclose(file);
    return std::string(text, size);
}

// The first number after `label`, 0 when there is none.
std::uint64_t number_after(std::string_view text, std::string_view label) {
    std::size_t at = text.find(label);
    if (at == std::string_view::npos) return 0;
    at += label.size();
    while (at < text.size() && text[at] == ' ') ++at;
    std::uint64_t number = 0;
    std::from_chars(text.data() + at, text.data() + text.size(), number);
    return number;
}

}  // namespace

MachineMemory machine_memory() {
    MachineMemory memory;
    const long pages = ::sysconf(_SC_PHYS_PAGES);
    const long page_size = ::sysconf(_SC_PAGESIZE);
    if (pages > 0 && page_size > 0)
        memory.total = static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_size);
    memory.free = number_after(read_system_file("/proc/meminfo"), "MemAvailable:") * 1024;
    // A container's limit ("max" reads as 0), less what it uses now (Linux, admin-guide/cgroup-v2).
    const std::uint64_t limit = number_after(read_system_file("/sys/fs/cgroup/memory.max"), "");
    if (limit != 0 && limit < memory.total) {
        const std::uint64_t used = number_after(read_system_file("/sys/fs/cgroup/memory.current"), "");
        memory.total = limit;
        memory.free = std::min(memory.free, limit - std::min(used, limit));
    }
    return memory;
}

}  // namespace sluice
