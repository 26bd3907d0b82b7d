// Expressions, each kind in a function of its own: evaluate calls itself, so its frame is kept small.
#include "text/jinja/evaluator.h"
#include "text/jinja/lexer.h"
#include "text/jinja/operators.h"
#include "text/jinja/spelling.h"

namespace sluice::jinja {

Result<Value> Evaluator::evaluate(const Expression& expression, const ScopeRef& scope) {
    const Deeper deeper(runtime_.meter);
    if (auto room = runtime_.meter.check_depth(); !room)
        return located(std::move(room).error(), expression.line);
    if (auto spent = runtime_.meter.spend(1); !spent) return located(std::move(spent).error(), expression.line);
    auto value = evaluate_kind(expression, scope);
    if (!value) return located(std::move(value).error(), expression.line);
    return value;
}

Result<Value> Evaluator::evaluate_kind(const Expression& expression, const ScopeRef& scope) {
    switch (expression.kind) {
        case ExpressionKind::kConstant:
            return expression.constant;
        case ExpressionKind::kName:
            return evaluate_name(expression, scope);
        case ExpressionKind::kTuple:
        case ExpressionKind::kList:
            return evaluate_list(expression, scope);
        case ExpressionKind::kDict:
            return evaluate_dict(expression, scope);
        case ExpressionKind::kNot:
        case ExpressionKind::kNegative:
        case ExpressionKind::kPositive:
            return evaluate_sign(expression, scope);
        case ExpressionKind::kAnd:
        case ExpressionKind::kOr:
            return evaluate_logic(expression, scope);
        case ExpressionKind::kConcatenate:
            return evaluate_concatenation(expression, scope);
        case ExpressionKind::kArithmetic:
            return evaluate_arithmetic(expression, scope);
        case ExpressionKind::kComparison:
            return evaluate_comparison(expression, scope);
        case ExpressionKind::kCondition:
            return evaluate_condition(expression, scope);
        case ExpressionKind::kPostfix:
            return evaluate_postfix(expression, scope);
        default:
            return make_error(SLUICE_E_INTERNAL, "an expression without its operand");
    }
}

Result<Value> Evaluator::evaluate_name(const Expression& expression, const ScopeRef& scope) {
    std::size_t n_looked_at = 0;
    for (const Scope* each = scope.get(); each != nullptr; each = each->parent.get()) {
        if (const Value* found = each->find_here(expression.name)) return *found;
        n_looked_at += each->variables.size();
    }
    SLUICE_TRY(runtime_.meter.spend(n_looked_at / 16));
    return Value::undefined(sentence("'", expression.text, "' is undefined"));
}

Result<Value> Evaluator::evaluate_list(const Expression& expression, const ScopeRef& scope) {
    std::vector<Value> items;
    items.reserve(expression.parts.size());
    for (const ExpressionRef& part : expression.parts) {
        SLUICE_ASSIGN(item, evaluate(*part, scope));
        items.push_back(std::move(item));
    }
    return make_sequence(runtime_.meter,
                         expression.kind == ExpressionKind::kTuple ? Flavour::kTuple : Flavour::kList,
                         std::move(items));
}

Result<Value> Evaluator::evaluate_dict(const Expression& expression, const ScopeRef& scope) {
    std::vector<Dict::Entry> entries;
    for (std::size_t i = 0; i + 1 < expression.parts.size(); i += 2) {
        SLUICE_ASSIGN(key, evaluate(*expression.parts[i], scope));
        SLUICE_ASSIGN(value, evaluate(*expression.parts[i + 1], scope));
        entries.emplace_back(std::move(key), std::move(value));
    }
    return make_dict(runtime_.meter, std::move(entries));
}

Result<Value> Evaluator::evaluate_sign(const Expression& expression, const ScopeRef& scope) {
    SLUICE_ASSIGN(value, evaluate(*expression.parts[0], scope));
    if (expression.kind == ExpressionKind::kNot) return Value::truth(!is_true(value));
    return expression.kind == ExpressionKind::kNegative ? negate(value) : posit(value);
}

Result<Value> Evaluator::evaluate_logic(const Expression& expression, const ScopeRef& scope) {
    const bool stops_at = expression.kind == ExpressionKind::kOr;
    for (std::size_t i = 0; i + 1 < expression.parts.size(); ++i) {
        SLUICE_ASSIGN(value, evaluate(*expression.parts[i], scope));
        if (is_true(value) == stops_at) return std::move(value);
    }
    return evaluate(*expression.parts.back(), scope);
}

Result<Value> Evaluator::evaluate_concatenation(const Expression& expression, const ScopeRef& scope) {
    std::string text;
    for (const ExpressionRef& part : expression.parts) {
        SLUICE_ASSIGN(value, evaluate(*part, scope));
        SLUICE_TRY(append_str(runtime_.meter, value, text));
    }
    SLUICE_TRY(runtime_.meter.spend_text(text.size()));
    return make_text(runtime_, std::move(text));
}

Result<Value> Evaluator::evaluate_arithmetic(const Expression& expression, const ScopeRef& scope) {
    SLUICE_ASSIGN(value, evaluate(*expression.parts[0], scope));
    for (std::size_t i = 0; i < expression.operators.size(); ++i) {
        SLUICE_ASSIGN(next, evaluate(*expression.parts[i + 1], scope));
        SLUICE_ASSIGN(result, arithmetic(runtime_, expression.operators[i], value, next));
        value = std::move(result);
    }
    return std::move(value);
}

Result<Value> Evaluator::evaluate_comparison(const Expression& expression, const ScopeRef& scope) {
    SLUICE_ASSIGN(left, evaluate(*expression.parts[0], scope));
    for (std::size_t i = 0; i < expression.operators.size(); ++i) {
        SLUICE_ASSIGN(right, evaluate(*expression.parts[i + 1], scope));
        SLUICE_ASSIGN(holds, compare(runtime_, expression.operators[i], left, right));
        if (!holds) return Value::truth(false);
        left = std::move(right);
    }
    return Value::truth(true);
}

Result<Value> Evaluator::evaluate_condition(const Expression& expression, const ScopeRef& scope) {
    SLUICE_ASSIGN(test, evaluate(*expression.parts[1], scope));
    if (is_true(test)) return evaluate(*expression.parts[0], scope);
    if (expression.parts[2] != nullptr) return evaluate(*expression.parts[2], scope);
    return Value::undefined("the condition was false and has no else");
}

Result<Value> Evaluator::evaluate_postfix(const Expression& expression, const ScopeRef& scope) {
    SLUICE_ASSIGN(value, evaluate(*expression.parts[0], scope));
    return apply_all(expression, std::move(value), scope);
}

}  // namespace sluice::jinja
