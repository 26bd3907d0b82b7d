// The face of the interpreter.
#include "text/jinja/template.h"

#include "text/jinja/evaluator.h"
#include "text/jinja/parser.h"

namespace sluice::jinja {

Template::Template(std::unique_ptr<const Syntax> syntax) : syntax_(std::move(syntax)) {}
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;

Result<Template> Template::parse(std::string_view source, const Limits& limits) {
    SLUICE_ASSIGN(syntax, jinja::parse(source, limits));
    return Template(std::make_unique<const Syntax>(std::move(syntax)));
}

Result<std::string> Template::render(const std::vector<std::pair<std::string, Json>>& variables,
                                     const RenderOptions& options) const {
    Meter meter(options.limits);
    Runtime runtime{meter, options.local_time, {}};
    std::vector<std::pair<std::string, Value>> values;
    for (const auto& [name, json] : variables) {
        if (syntax_->names.count(name) == 0) continue;
        SLUICE_ASSIGN(value, from_json(meter, json));
        values.emplace_back(name, std::move(value));
    }
    return Evaluator(*syntax_, runtime).run(std::move(values));
}

}  // namespace sluice::jinja
