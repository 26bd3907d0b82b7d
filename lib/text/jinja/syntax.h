// A parsed template: statements and expressions. The tree is no deeper than its source is nested: chains (a + b
// + c, a.b.c, elif) are lists, so that neither running nor freeing it recurses on their length.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/jinja/value.h"

namespace sluice::jinja {

using NameId = std::uint32_t;

// Names that the evaluator itself looks for; the parser gives them these numbers.
constexpr NameId kLoopName = 0;
constexpr NameId kCallerName = 1;
constexpr NameId kVarargsName = 2;
constexpr NameId kKwargsName = 3;

enum class Operator : std::uint8_t {
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kFloorDivide,
    kModulo,
    kPower,
    kEqual,
    kNotEqual,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
    kIn,
    kNotIn,
};

enum class ExpressionKind : std::uint8_t {
    kConstant,  // constant
    kName,      // name, text
    kTuple,     // parts
    kList,      // parts
    kDict,      // parts: key, value, key, value
    kNot,       // parts[0]; also of kNegative and kPositive
    kNegative,
    kPositive,
    kAnd,  // parts, at least two; also of kOr and kConcatenate
    kOr,
    kConcatenate,
    kArithmetic,  // parts and one operator less, from left to right
    kComparison,  // the same; holds when every neighbouring pair does
    kCondition,   // parts: value, test, other value or null
    kPostfix,     // parts[0] and what is applied to it, in order: the kinds below, without their first operand
    kAttribute,   // constant: the name
    kItem,        // parts[0]
    kSlice,       // parts: start, stop, step; null where left out
    kCall,        // arguments
    kFilter,      // text, arguments
    kTest,        // text, arguments, negated
};

struct Expression;
using ExpressionRef = std::unique_ptr<Expression>;

struct Arguments {
    std::vector<ExpressionRef> positional;
    std::vector<std::pair<std::string, ExpressionRef>> named;
    ExpressionRef more_positional;  // *x
    ExpressionRef more_named;       // **x
};

struct Expression {
    ExpressionKind kind = ExpressionKind::kConstant;
    bool negated = false;
    std::uint32_t line = 0;
    NameId name = 0;
    std::string text;
    Value constant;
    std::vector<ExpressionRef> parts;
    std::vector<Operator> operators;
    std::unique_ptr<Arguments> arguments;
};

// Where a value goes: a name, an attribute of a namespace, or several of them.
struct Target {
    NameId name = 0;
    std::string text;             // the name
    std::string attribute;        // of the namespace; empty for a plain name
    std::vector<Target> targets;  // takes a sequence apart
    bool is_tuple = false;
};

struct Statement;
using Body = std::vector<Statement>;

// A macro, or the body of a call block.
struct MacroDefinition {
    struct Parameter {
        NameId name = 0;
        std::string text;
        ExpressionRef default_value;  // null: none
    };
    std::string name;
    std::vector<Parameter> parameters;
    std::unique_ptr<Body> body;
    bool uses_varargs = false;
    bool uses_kwargs = false;
    bool uses_caller = false;
};

enum class StatementKind : std::uint8_t {
    kText,         // text
    kOutput,       // expression
    kIf,           // branches
    kFor,          // targets[0], expression, filter, body, other
    kSet,          // targets[0], expression
    kSetBlock,     // targets[0], body, expression (filters, perhaps null)
    kMacro,        // name, macro
    kCallBlock,    // expression (a call), macro
    kFilterBlock,  // expression (filters), body
    kGeneration,   // body
    kWith,         // targets, values, body
    kBreak,
    kContinue,
};

struct Statement {
    struct Branch {
        ExpressionRef test;  // null: else
        Body body;
    };
    StatementKind kind = StatementKind::kText;
    std::uint32_t line = 0;
    NameId name = 0;
    std::string text;
    ExpressionRef expression;
    ExpressionRef filter;
    std::vector<ExpressionRef> values;
    std::vector<Target> targets;
    std::vector<Branch> branches;
    Body body;
    Body other;
    std::unique_ptr<MacroDefinition> macro;
};

struct Syntax {
    Body body;
    std::unordered_map<std::string, NameId> names;
    std::vector<std::string> spellings;  // of the names, by number
};

}  // namespace sluice::jinja
