// The global functions of chat templates.
#pragma once

#include "text/jinja/runtime.h"

namespace sluice::jinja {

struct NamedFunction {
    std::string_view name;
    Function function;
};

// range, dict, namespace, cycler, joiner, raise_exception, and strftime_now where the caller gave a time.
std::vector<NamedFunction> functions_of(const Runtime& runtime);

// Errors: INVALID_ARGUMENT (arguments; raise_exception, with the template's own words), LIMIT.
Result<Value> call_function(Runtime& runtime, Function function, const CallArguments& arguments);

// strftime of C's locale. Errors: UNSUPPORTED (a conversion that is not done), LIMIT.
Result<std::string> format_time(Runtime& runtime, std::int64_t local_time, std::string_view form);

}  // namespace sluice::jinja
