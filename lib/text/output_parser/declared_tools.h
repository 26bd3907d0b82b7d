// The tools that a model was offered, and whether a call fits them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace sluice {

struct DeclaredTool {
    std::string name;
    const Json* schema = nullptr;         // of the arguments; null where the tool declares none: anything goes
    std::vector<std::string> parameters;  // in the order of the declaration
};

// What is wrong with a call's arguments.
struct ToolMismatch {
    std::string argument;  // the one it is about; empty when one is missing
    std::string expected;
};

// Immutable.
class DeclaredTools {
public:
    // No tools: every name is known, nothing is checked.
    DeclaredTools() = default;
    // A JSON array of {"type": "function", "function": {"name", "parameters"}} or of the inner objects alone.
    // Errors: CORRUPT (no such JSON), LIMIT (over 16 MiB, nested deeper than 64).
    static Result<DeclaredTools> parse(std::string_view text);

    bool empty() const { return tools_.empty(); }
    // Null when there is none of that name.
    const DeclaredTool* find(std::string_view name) const;
    // "a declared tool: get_weather, set_timer"
    std::string names() const;

private:
    std::shared_ptr<const Json> json_;  // what the schemas point into
    std::vector<DeclaredTool> tools_;
};

// Compares arguments with the tool's JSON Schema: type, enum, const, required, properties,
// additionalProperties, items, anyOf, oneOf; other keywords are passed over. An argument that the tool does not
// declare is a mismatch too, unless additionalProperties allows it. Nothing is converted: "5" is no integer,
// but an integer is a number.
std::optional<ToolMismatch> find_mismatch(const DeclaredTool& tool, const Json& arguments);

}  // namespace sluice
