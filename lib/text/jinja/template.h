// A Jinja template as Hugging Face chat templates are written, run as transformers runs them: an immutable
// sandbox with trim_blocks and lstrip_blocks, the tags generation, break and continue, the filter tojson
// without HTML, the functions raise_exception and strftime_now. Not read: include, import, extends, block,
// recursive loops. Different from jinja2: integers have 64 bits, more is an error; "safe" and "escape" give
// plain texts; an unknown filter or test is an error when it is reached, not before. Immutable after parsing;
// any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "text/jinja/meter.h"

namespace sluice::jinja {

struct Syntax;

struct RenderOptions {
    Limits limits;
    // What strftime_now tells: seconds since 1970-01-01 00:00 on the wall clock of the caller's zone. Without
    // it the function is undefined: no clock is read here.
    std::optional<std::int64_t> local_time;
};

class Template {
public:
    // Errors, naming the line and what was expected: CORRUPT, UNSUPPORTED, LIMIT (see parser.h).
    static Result<Template> parse(std::string_view source, const Limits& limits = {});

    Template(Template&&) noexcept;
    Template& operator=(Template&&) noexcept;
    ~Template();

    // The text for these variables; a later one replaces an earlier one of the same name.
    // Errors, naming the line: INVALID_ARGUMENT (raise_exception with its message; an undefined or wrong
    // value), UNSUPPORTED (an unknown filter, test or form), LIMIT (depth, steps, output, memory).
    Result<std::string> render(const std::vector<std::pair<std::string, Json>>& variables,
                               const RenderOptions& options = {}) const;

private:
    explicit Template(std::unique_ptr<const Syntax> syntax);

    std::unique_ptr<const Syntax> syntax_;
};

}  // namespace sluice::jinja
