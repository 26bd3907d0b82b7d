// The filters behind "|".
#pragma once

#include "text/jinja/runtime.h"

namespace sluice::jinja {

using Filter = Result<Value> (*)(Runtime&, const Value&, const CallArguments&);

struct NamedFilter {
    std::string_view name;
    Filter filter;
};

// Null where there is no such filter, or one that is no use in a prompt (xmlattr, urlize, random, ...).
Filter find_filter(std::string_view name);

// The three groups that find_filter searches.
Filter find_text_filter(std::string_view name);
Filter find_list_filter(std::string_view name);
Filter find_choice_filter(std::string_view name);

// value.a.b.0 for "a.b.0", or value[3] for 3; where a step finds nothing, it goes on with `otherwise` unless
// that is null. Errors: INVALID_ARGUMENT, LIMIT.
Result<Value> attribute_at(Runtime& runtime, const Value& value, const Value& path,
                           const Value* otherwise = nullptr);

// What sorting and comparing without case look at: a text in lower case, anything else as it is. Errors: LIMIT.
Result<Value> without_case(Runtime& runtime, const Value& value, bool case_sensitive);

// Orders items by their keys, equal ones as they were. Errors: INVALID_ARGUMENT (keys without an order), LIMIT.
Done sort_by(Runtime& runtime, std::vector<Value>& items, std::vector<Value>& keys, bool backwards);

}  // namespace sluice::jinja
