// The operators of expressions, with Python's meaning.
#pragma once

#include "text/jinja/runtime.h"
#include "text/jinja/syntax.h"

namespace sluice::jinja {

// + - * / // % **. Errors: INVALID_ARGUMENT (types; undefined; division by zero), LIMIT (an integer that 64
// bits cannot hold; a result that is too long).
Result<Value> arithmetic(Runtime& runtime, Operator what, const Value& a, const Value& b);

// == != < <= > >= in, not in. Errors: INVALID_ARGUMENT, LIMIT.
Result<bool> compare(Runtime& runtime, Operator what, const Value& a, const Value& b);

// Whether the container holds the item. Errors: INVALID_ARGUMENT, LIMIT.
Result<bool> contains(Runtime& runtime, const Value& container, const Value& item);

// -x and +x. Errors: INVALID_ARGUMENT, LIMIT.
Result<Value> negate(const Value& value);
Result<Value> posit(const Value& value);

// Python's "%" on a text. Errors: INVALID_ARGUMENT, UNSUPPORTED (a form that is not read), LIMIT.
Result<Value> format_percent(Runtime& runtime, const std::string& form, const Value& values);

}  // namespace sluice::jinja
