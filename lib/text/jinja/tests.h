// The tests behind "is".
#pragma once

#include "text/jinja/runtime.h"

namespace sluice::jinja {

using Test = Result<bool> (*)(Runtime&, const Value&, const CallArguments&);

// Null where there is no such test.
Test find_test(std::string_view name);

}  // namespace sluice::jinja
