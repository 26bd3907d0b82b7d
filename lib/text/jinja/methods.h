// Methods of texts, lists, dicts, loops and cyclers.
#pragma once

#include "text/jinja/runtime.h"

namespace sluice::jinja {

bool has_method(const Value& value, std::string_view name);

// The methods that the immutable sandbox refuses: append, update, pop and the like.
bool changes_its_object(const Value& value, std::string_view name);

// Errors: INVALID_ARGUMENT (arguments; for kinds of failure as Python's exceptions), UNSUPPORTED, LIMIT.
Result<Value> call_method(Runtime& runtime, const Method& method, const CallArguments& arguments);

using TextMethod = Result<Value> (*)(Runtime&, const std::string&, const CallArguments&);

// Null where str has no such method, or one that is not done (encode, translate, maketrans).
TextMethod find_text_method(std::string_view name);

// Those that cut a text or put one together; the table of all of them is in text_methods.cpp.
namespace text_method {
Result<Value> split(Runtime& runtime, const std::string& text, const CallArguments& arguments);
Result<Value> rsplit(Runtime& runtime, const std::string& text, const CallArguments& arguments);
Result<Value> splitlines(Runtime& runtime, const std::string& text, const CallArguments& arguments);
Result<Value> partition(Runtime& runtime, const std::string& text, const CallArguments& arguments);
Result<Value> rpartition(Runtime& runtime, const std::string& text, const CallArguments& arguments);
Result<Value> join(Runtime& runtime, const std::string& text, const CallArguments& arguments);
Result<Value> replace(Runtime& runtime, const std::string& text, const CallArguments& arguments);
Result<Value> format(Runtime& runtime, const std::string& text, const CallArguments& arguments);
}  // namespace text_method

// str.replace; a negative count is no limit. Errors: LIMIT.
Result<std::string> replaced(Runtime& runtime, std::string_view text, std::string_view old, std::string_view by,
                             std::int64_t count);

// str.splitlines without the ends.
std::vector<std::string_view> lines_of(std::string_view text);

// str.title and str.capitalize.
std::string capitalized(std::string_view text);

// str.center and its like: the text with spaces before and after. Errors: LIMIT.
enum class Side : std::uint8_t { kLeft, kRight, kBoth };
Result<std::string> padded(Runtime& runtime, const std::string& text, std::int64_t width, std::string_view fill,
                           Side text_stands);

}  // namespace sluice::jinja
