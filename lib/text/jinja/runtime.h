// What one rendering owns beside its scopes, and the arguments of calls, filters and tests.
#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/value.h"

namespace sluice::jinja {

struct Runtime {
    Meter& meter;
    std::optional<std::int64_t> local_time;  // seconds since 1970 on the caller's wall clock
    std::deque<Namespace> namespaces;
};

struct CallArguments {
    std::vector<Value> positional;
    std::vector<std::pair<std::string, Value>> named;
};

// The arguments in the order of the parameters; null where one was not given. They point into `arguments`.
// Errors: INVALID_ARGUMENT (too many, one without a parameter, one twice).
Result<std::vector<const Value*>> bind(std::string_view what, const CallArguments& arguments,
                                       std::initializer_list<std::string_view> parameters);

// An argument that must be there. Errors: INVALID_ARGUMENT.
Result<const Value*> required(std::string_view what, const Value* given, std::string_view parameter);

// An argument that must be an integer, or the text that must be one. Errors: INVALID_ARGUMENT.
Result<std::int64_t> integer_argument(std::string_view what, const Value* given, std::int64_t otherwise);
Result<std::string> text_argument(std::string_view what, const Value* given, std::string_view otherwise);

inline bool truth_argument(const Value* given, bool otherwise) {
    return given == nullptr ? otherwise : is_true(*given);
}

inline Value make_text(Runtime& runtime, std::string text) {
    return Value::text(&runtime.meter, std::move(text));
}

template <class... Pieces>
Error wrong_value(const Pieces&... pieces) {
    return make_error(SLUICE_E_INVALID_ARGUMENT, pieces...);
}

}  // namespace sluice::jinja
