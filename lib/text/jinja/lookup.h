// Attributes, items and slices, as jinja2's immutable sandbox gives them.
#pragma once

#include "text/jinja/runtime.h"

namespace sluice::jinja {

// value.name: an attribute first, then an item of a dict. What is not there is an undefined value; so is what
// the sandbox forbids (append, update, __class__). `name` is a text. Errors: INVALID_ARGUMENT (value is
// undefined).
Result<Value> get_attribute(Runtime& runtime, const Value& value, const Value& name);

// value[key]: an item first, then an attribute. Errors: as above.
Result<Value> get_item(Runtime& runtime, const Value& value, const Value& key);

// value[start:stop:step]; None where a bound was left out. Errors: INVALID_ARGUMENT, LIMIT.
Result<Value> get_slice(Runtime& runtime, const Value& value, const Value& start, const Value& stop,
                        const Value& step);

}  // namespace sluice::jinja
