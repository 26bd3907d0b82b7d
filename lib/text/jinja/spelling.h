// Values as text, spelled as Python spells them.
#pragma once

#include <string>
#include <string_view>

#include "text/jinja/value.h"

namespace sluice::jinja {

// repr of a float: the shortest digits that read back the same.
std::string spell_float(double value);

// Both append. Errors: LIMIT (steps, size, depth).
Done append_str(Meter& meter, const Value& value, std::string& out);
Done append_repr(Meter& meter, const Value& value, std::string& out);

// str(value). Errors: LIMIT.
Result<std::string> str_of(Meter& meter, const Value& value);

struct JsonStyle {
    bool ascii_only = false;
    bool sort_keys = false;
    bool has_indent = false;
    std::string indent;  // of one level
    std::string item_separator = ", ";
    std::string key_separator = ": ";
};

// json.dumps. Errors: INVALID_ARGUMENT (a value that JSON has no form for), LIMIT.
Result<std::string> json_of(Meter& meter, const Value& value, const JsonStyle& style);

}  // namespace sluice::jinja
