// What a string literal of a template stands for: the escapes of Python.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::jinja {

// `body` is what stands between the quotes.
// Errors: CORRUPT (an escape that is cut short or names no character), UNSUPPORTED (\N{name}).
Result<std::string> decode_string(std::string_view body);

}  // namespace sluice::jinja
