// Runs a parsed template. Recursion follows the nesting of the template and the calls of its macros, both
// bounded.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "text/jinja/runtime.h"
#include "text/jinja/syntax.h"

namespace sluice::jinja {

// The variables of a block. A loop's body, a macro and a few other blocks have one of their own; what is not in
// it is looked for in the one around it.
struct Scope {
    explicit Scope(std::shared_ptr<Scope> its_parent) : parent(std::move(its_parent)) {}
    void set(NameId name, Value value);
    const Value* find_here(NameId name) const;

    std::shared_ptr<Scope> parent;
    std::vector<std::pair<NameId, Value>> variables;
};
using ScopeRef = std::shared_ptr<Scope>;

// A text that grows, charged while it lives.
class Output {
public:
    explicit Output(Meter& meter) : meter_(meter) {}
    ~Output() { meter_.give_back(text_.size()); }
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    // Errors: LIMIT.
    Done append(std::string_view more) {
        SLUICE_TRY(meter_.spend_growth(text_.size(), more.size()));
        meter_.take(more.size());
        text_ += more;
        return Nothing{};
    }
    const std::string& text() const { return text_; }

private:
    Meter& meter_;
    std::string text_;
};

class Evaluator {
public:
    // Both are borrowed for the evaluator's life.
    Evaluator(const Syntax& syntax, Runtime& runtime) : syntax_(syntax), runtime_(runtime) {}

    // The template's text. `variables` are set before it begins; names that it does not use are passed over.
    // Errors: INVALID_ARGUMENT (raise_exception; undefined or wrong values), UNSUPPORTED, LIMIT; with the line.
    Result<std::string> run(std::vector<std::pair<std::string, Value>> variables);

private:
    enum class Flow : std::uint8_t { kOn, kBreak, kContinue };

    // Statements (evaluate_statement.cpp).
    Result<Flow> execute(const Body& body, const ScopeRef& scope, Output& out);
    Result<Flow> execute_one(const Statement& statement, const ScopeRef& scope, Output& out);
    Result<Flow> execute_if(const Statement& statement, const ScopeRef& scope, Output& out);
    Result<Flow> execute_for(const Statement& statement, const ScopeRef& scope, Output& out);
    Result<SequenceRef> filtered(const Statement& statement, const SequenceRef& items, const ScopeRef& scope);
    Done execute_inner(const Body& body, const ScopeRef& scope, Output& out);
    Done execute_set_block(const Statement& statement, const ScopeRef& scope);
    Done execute_filter_block(const Statement& statement, const ScopeRef& scope, Output& out);
    Done execute_call_block(const Statement& statement, const ScopeRef& scope, Output& out);
    Result<Flow> execute_with(const Statement& statement, const ScopeRef& scope, Output& out);
    Done execute_output(const Statement& statement, const ScopeRef& scope, Output& out);
    Done assign(const Target& target, const Value& value, const ScopeRef& scope);

    // Expressions (evaluate_expression.cpp).
    Result<Value> evaluate(const Expression& expression, const ScopeRef& scope);
    Result<Value> evaluate_kind(const Expression& expression, const ScopeRef& scope);
    Result<Value> evaluate_name(const Expression& expression, const ScopeRef& scope);
    Result<Value> evaluate_list(const Expression& expression, const ScopeRef& scope);
    Result<Value> evaluate_dict(const Expression& expression, const ScopeRef& scope);
    Result<Value> evaluate_sign(const Expression& expression, const ScopeRef& scope);
    Result<Value> evaluate_logic(const Expression& expression, const ScopeRef& scope);
    Result<Value> evaluate_concatenation(const Expression& expression, const ScopeRef& scope);
    Result<Value> evaluate_arithmetic(const Expression& expression, const ScopeRef& scope);
    Result<Value> evaluate_comparison(const Expression& expression, const ScopeRef& scope);
    Result<Value> evaluate_condition(const Expression& expression, const ScopeRef& scope);
    Result<Value> evaluate_postfix(const Expression& expression, const ScopeRef& scope);

    // What is applied to a value (evaluate_call.cpp).
    Result<Value> apply(const Expression& suffix, const Value& value, const ScopeRef& scope);
    Result<Value> apply_slice(const Expression& suffix, const Value& value, const ScopeRef& scope);
    Result<Value> apply_all(const Expression& chain, Value value, const ScopeRef& scope);
    Result<CallArguments> evaluate_arguments(const Arguments* arguments, const ScopeRef& scope);
    Result<Value> call(const Value& callee, CallArguments arguments);
    Result<Value> call_macro(const Macro& macro, CallArguments arguments);
    Done bind_parameters(const MacroDefinition& macro, CallArguments& arguments, const ScopeRef& scope);

    // The error with the line, unless it has one.
    static Error located(Error error, std::uint32_t line);

    const Syntax& syntax_;
    Runtime& runtime_;
};

}  // namespace sluice::jinja
