// The options that hold an answer to a schema, an expression, a grammar or tools.
#include "constraint_options.h"

#include "host.h"
#include "options.h"
#include "output.h"

namespace command {

void add_constraint(CommandLine line, ConstraintOptions& options) {
    CommandLine group = line.group("Constraint", "What the answer must be; docs/constraints.md says more");
    Option schema =
        group.add("--schema", options.schema, "a JSON document that satisfies this JSON Schema").called("FILE");
    Option regex =
        group.add("--regex", options.regex, "a text that matches this expression as a whole").called("REGEX");
    Option grammar =
        group.add("--grammar", options.grammar, "a text of this grammar, name ::= expression").called("FILE");
    Option tools = group.add("--tools", options.tools, "calls of these tools, a JSON list").called("FILE");
    schema.excludes(regex).excludes(grammar).excludes(tools);
    regex.excludes(grammar).excludes(tools);
    grammar.excludes(tools);
    group.add("--tool", options.tool, "calls of this one of the tools only").needs(tools).called("NAME");
    group.flag("--json-calls", options.json_calls, "calls as JSON instead of [name(argument=value)]")
        .needs(tools);
    group.flag("--free-whitespace", options.free_whitespace, "JSON may have line breaks and indents");
    group.add("--constrain-after", options.after, "only behind this token, such as </think>").called("TOKEN");
}

void hold_to(const ConstraintOptions& options, const sluicepp::Model& model, const sluicepp::Session& session) {
    const bool is_asked = options.schema || options.regex || options.grammar || options.tools;
    if (!is_asked) {
        if (!options.after.empty() || options.free_whitespace)
            throw UsageFailure("--constrain-after and --free-whitespace need a constraint");
        return;
    }
    const sluicepp::Tokenizer tokenizer(model);
    const std::uint32_t flags = (options.free_whitespace ? SLUICE_CONSTRAINT_FREE_WHITESPACE : 0U) |
                                (options.json_calls ? SLUICE_CONSTRAINT_JSON_CALLS : 0U);
    const auto make = [&](std::int32_t kind, const std::string& text) {
        return sluicepp::Constraint(tokenizer, kind, text, flags, {}, options.tool);
    };
    const auto constraint = options.schema    ? make(SLUICE_CONSTRAINT_JSON_SCHEMA, read_file(*options.schema))
                            : options.regex   ? make(SLUICE_CONSTRAINT_REGEX, *options.regex)
                            : options.grammar ? make(SLUICE_CONSTRAINT_GRAMMAR, read_file(*options.grammar))
                                              : make(SLUICE_CONSTRAINT_TOOLS, read_file(*options.tools));
    sluicepp::TokenId after = -1;
    if (!options.after.empty()) {
        const auto id = tokenizer.find(options.after);
        if (!id) throw Failure("no token is spelled " + options.after);
        after = *id;
    }
    constraint.hold(session, after);
}

}  // namespace command
