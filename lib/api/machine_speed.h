// How fast this machine reads memory and multiplies small integers, on all threads of an engine at once: what
// benchmarks divide by.
#pragma once

#include <cstdint>

#include "base/memory.h"
#include "base/result.h"
#include "base/threads.h"
#include "kernels/kernels.h"

namespace sluice {

// Per second, over all threads, in windows of a few milliseconds. A virtual machine whose host takes time away
// shows what it can do only in its best window, so the best one is the yardstick.
struct Rate {
    std::uint64_t best = 0;
    std::uint64_t median = 0;
};

struct MachineSpeed {
    Rate int8_multiply_adds;  // zeros where the kernels have no int8_peak
    Rate bytes;               // read from memory in sequence, each thread its own part
};

// The longest that each of the two measurements may take.
constexpr std::uint32_t kMaxMeasuredMilliseconds = 10'000;

// Runs each measurement for about `milliseconds`, between 1 and kMaxMeasuredMilliseconds. Reads a block of
// 256 MiB, or of 32 MiB for each thread where that is more, so that no cache holds it; the block is gone when
// this returns. kernels may be null. What else runs on the machine, or on these workers, makes it look slower.
// Errors: OUT_OF_MEMORY, CALLBACK_FAILED (the executor refused).
Result<MachineSpeed> measure_machine(Workers& workers, const Kernels* kernels, MemoryBudget& budget,
                                     std::uint32_t milliseconds);

}  // namespace sluice
