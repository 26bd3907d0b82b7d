// How much memory the machine, or the container on it, has.
#pragma once

#include <cstdint>

namespace sluice {

struct MachineMemory {
    std::uint64_t total = 0;  // bytes; 0 when unknown
    std::uint64_t free = 0;   // bytes that are free or can be freed now; 0 when unknown
};

MachineMemory machine_memory();

}  // namespace sluice
