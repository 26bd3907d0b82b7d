// From a template's source to its syntax.
#pragma once

#include <string_view>

#include "text/jinja/meter.h"
#include "text/jinja/syntax.h"

namespace sluice::jinja {

// Errors, naming the line and what was expected: CORRUPT (not a template), UNSUPPORTED (a tag that chat
// templates do not have: include, import, extends, block), LIMIT (size, nesting, a number that 64 bits cannot
// hold).
Result<Syntax> parse(std::string_view source, const Limits& limits);

}  // namespace sluice::jinja
