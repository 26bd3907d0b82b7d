// A rule for each tool's call, and the list of calls around them.
#include "text/grammar/tool_signatures.h"

#include <algorithm>
#include <set>
#include <string>

#include "base/json.h"
#include "base/sentence.h"
#include "base/utf8.h"
#include "text/grammar/schema_compiler.h"

namespace sluice::grammar {
namespace {

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Letters, digits and '_'; with dots between such parts, if they may stand there.
bool is_python_name(std::string_view name, bool may_have_dots) {
    bool at_start = true;
    for (const char c : name) {
        if (c == '.' && may_have_dots && !at_start) {
            at_start = true;
            continue;
        }
        const bool is_digit = c >= '0' && c <= '9';
        if (!is_letter(c) && (at_start || !is_digit)) return false;
        at_start = false;
    }
    return !at_start;
}

struct Tool {
    std::string_view name;
    const Json* parameters = nullptr;
};

Result<std::vector<Tool>> read_tools(const Json& list, const ToolOptions& options) {
    if (list.array() == nullptr || list.array()->empty())
        return make_error(SLUICE_E_INVALID_ARGUMENT, "the tools are no list of at least one tool");
    if (list.array()->size() > kMaxTools) {
        return make_error(SLUICE_E_LIMIT, list.array()->size(), " tools are more than ", kMaxTools);
    }
    std::vector<Tool> tools;
    std::set<std::string_view> known;
    for (std::size_t i = 0; i < list.array()->size(); ++i) {
        const Json& item = (*list.array())[i];
        const Json* inner = item.find("function");
        const Json& function = inner != nullptr ? *inner : item;
        const Json* name = function.find("name");
        if (name == nullptr || name->string() == nullptr || name->string()->empty())
            return make_error(SLUICE_E_INVALID_ARGUMENT, "tool ", i, " has no name");
        if (!known.insert(*name->string()).second)
            return make_error(SLUICE_E_INVALID_ARGUMENT, "the tool ", printable(*name->string()),
                              " is there twice");
        if (options.notation == Notation::kPython && !is_python_name(*name->string(), true)) {
            return make_error(SLUICE_E_UNSUPPORTED, "the tool ", printable(*name->string()),
                              " has a name that Python has not");
        }
        if (!options.only_tool.empty() && options.only_tool != *name->string()) continue;
        tools.push_back({*name->string(), function.find("parameters")});
    }
    if (tools.empty())
        return make_error(SLUICE_E_INVALID_ARGUMENT, "no tool has the name ", printable(options.only_tool));
    return tools;
}

Done check_argument_names(const Json& parameters, std::string_view tool) {
    const Json* properties = parameters.find("properties");
    if (properties == nullptr || properties->object() == nullptr) return Nothing{};
    for (const auto& [name, schema] : *properties->object()) {
        if (is_python_name(name, false)) continue;
        return make_error(SLUICE_E_UNSUPPORTED, "the tool ", printable(tool), " has an argument named ",
                          printable(name), ", which is no name in Python");
    }
    return Nothing{};
}

// The texts around names and arguments. A tool's schema is a document of its own.
Done add_call(AutomatonBuilder& builder, StateId from, const Tool& tool, const ToolOptions& options,
              StateId to) {
    // What is no object is no list of arguments, and a tool without parameters takes none.
    const Json object(Json::Object{{"type", Json(std::string("object"))}});
    const Json nothing(
        Json::Object{{"type", Json(std::string("object"))}, {"properties", Json(Json::Object{})}});
    const Json& parameters = tool.parameters != nullptr ? *tool.parameters : nothing;
    SchemaDocument document(parameters);
    SchemaCompiler compiler(document, builder,
                            {options.notation, options.free_whitespace, options.open_objects});
    if (options.notation == Notation::kPython) {
        SLUICE_TRY(check_argument_names(parameters, tool.name));
        MemberMarks marks;
        marks.open = "(";
        marks.close = ")";
        marks.names_are_quoted = false;
        marks.before_value = "=";
        marks.has_space_before_value = false;
        SLUICE_TRY(compiler.add_members(builder.add_text(from, tool.name), parameters, to, marks));
        return compiler.build_bodies();
    }
    const auto after = [&](auto&& add) {
        const StateId next = builder.add_state();
        add(next);
        return next;
    };
    const auto colon = [&](StateId at) {
        const StateId end = builder.add_state();
        builder.add_text(at, ":", end);
        builder.add_text(at, ": ", end);
        return end;
    };
    StateId at = colon(builder.add_text(from, "{\"name\""));
    at = after([&](StateId next) { compiler.add_quoted(at, tool.name, next); });
    at = after([&](StateId next) { compiler.add_comma(at, next); });
    at = colon(builder.add_text(at, "\"arguments\""));
    SLUICE_ASSIGN(value,
                  compiler.rule_of({{&parameters, false, false, false}, {&object, false, false, false}}));
    at = after([&](StateId next) { builder.add_call(at, value, next); });
    builder.add_text(at, "}", to);
    return compiler.build_bodies();
}

}  // namespace

Result<Automaton> compile_tools(std::string_view text, const ToolOptions& options) {
    const JsonLimits limits{kMaxSchemaSize, kMaxSchemaDepth, kMaxSchemaValues};
    SLUICE_ASSIGN(list, Json::parse(text, "the tools", limits));
    SLUICE_ASSIGN(tools, read_tools(list, options));
    AutomatonBuilder builder;
    const RuleId root = builder.add_rule("the calls");
    const RuleId call = builder.add_rule("a call");
    for (const Tool& tool : tools) {
        const RuleId rule = builder.add_rule("a call of " + printable(tool.name, 40));
        builder.add_call(builder.rule(call).start, rule, builder.rule(call).end);
        SLUICE_TRY(add_call(builder, builder.rule(rule).start, tool, options, builder.rule(rule).end));
    }
    const Rule calls = builder.rule(root);
    const StateId first = builder.add_text(calls.start, "[");
    const StateId after = builder.add_state();
    builder.add_call(first, call, after);
    builder.add_text(after, "]", calls.end);
    if (!options.one_call) {
        const StateId comma = builder.add_text(after, ",");
        builder.add_free(comma, first);
        builder.add_bytes(comma, ' ', ' ', first);
    }
    return builder.finish(root, "the tools");
}

}  // namespace sluice::grammar
