// Calls of declared tools, in the notation of the LFM2 family and as JSON.
#pragma once

#include <string_view>

#include "base/result.h"
#include "text/grammar/automaton.h"
#include "text/grammar/json_schema.h"

namespace sluice::grammar {

constexpr std::size_t kMaxTools = 1000;

struct ToolOptions {
    Notation notation = Notation::kPython;
    bool free_whitespace = false;
    bool open_objects = false;
    bool one_call = false;       // exactly one; otherwise one or more
    std::string_view only_tool;  // calls of this one; empty: of all
};

// tools: a JSON list as OpenAI shapes it, [{"type": "function", "function": {"name", "parameters"}}], or of the
// inner objects alone. Other members of both are let be.
//
// Python: [name(argument=value, ...), ...]: arguments by name in the schema's order, required ones always,
// values as literals (True, False, None, either quotes, lists, dictionaries). Nothing but the arguments that
// the schema names. JSON: [{"name": "name", "arguments": {...}}, ...]. Spaces are as SchemaOptions says, and
// none around '='. Errors: those of compile_schema; INVALID_ARGUMENT (no tool, a tool twice, only_tool is none
// of them); UNSUPPORTED (in Python, names that are none there; parameters that are no plain object schema).
Result<Automaton> compile_tools(std::string_view tools, const ToolOptions& options = {});

}  // namespace sluice::grammar
