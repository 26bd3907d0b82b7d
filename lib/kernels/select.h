// Chooses the table of kernels: an ordered list, best first. The only place that knows architectures.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "kernels/kernels.h"

namespace sluice {

// The named table, or the best that this processor can run when the name is empty.
// Errors: NOT_FOUND, with the names there are; UNSUPPORTED when the processor cannot run it.
Result<const Kernels*> select_kernels(std::string_view name);

// Every table of this build that this processor can run, best first, for tests and messages.
std::string kernel_names();

}  // namespace sluice
