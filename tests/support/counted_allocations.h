// Counts what the test program takes from the heap: linking this replaces operator new.
#pragma once

#include <cstdint>

namespace sluice_test {

// Calls of any operator new since the program began, on all threads.
std::uint64_t n_allocations();

}  // namespace sluice_test
