// What the operating system says about a call that failed.
#pragma once

#include <string>

namespace sluice {

// "No space left on device" for ENOSPC; in the C locale's words unless the host chose others. Any thread.
std::string system_reason(int code);

}  // namespace sluice
