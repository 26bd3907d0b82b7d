// Statements: text, output, conditions, loops, assignments, blocks.
#include "text/jinja/evaluator.h"
#include "text/jinja/functions.h"
#include "text/jinja/lexer.h"
#include "text/jinja/spelling.h"

namespace sluice::jinja {
namespace {

constexpr std::string_view kLinePrefix = "template line ";

}  // namespace

void Scope::set(NameId name, Value value) {
    for (auto& [its_name, its_value] : variables) {
        if (its_name != name) continue;
        its_value = std::move(value);
        return;
    }
    variables.emplace_back(name, std::move(value));
}

const Value* Scope::find_here(NameId name) const {
    for (const auto& [its_name, its_value] : variables) {
        if (its_name == name) return &its_value;
    }
    return nullptr;
}

Error Evaluator::located(Error error, std::uint32_t line) {
    if (error.message.compare(0, kLinePrefix.size(), kLinePrefix) != 0)
        error.message = sentence(kLinePrefix, line, ": ", error.message);
    return error;
}

Result<std::string> Evaluator::run(std::vector<std::pair<std::string, Value>> variables) {
    auto globals = std::make_shared<Scope>(nullptr);
    for (const auto& [name, function] : functions_of(runtime_)) {
        const auto at = syntax_.names.find(std::string(name));
        if (at != syntax_.names.end()) globals->set(at->second, Value(Value::Content(function)));
    }
    for (auto& [name, value] : variables) {
        const auto at = syntax_.names.find(name);
        if (at != syntax_.names.end()) globals->set(at->second, std::move(value));
    }
    Output out(runtime_.meter);
    SLUICE_TRY(execute(syntax_.body, std::make_shared<Scope>(std::move(globals)), out));
    return std::string(out.text());
}

Result<Evaluator::Flow> Evaluator::execute(const Body& body, const ScopeRef& scope, Output& out) {
    const Deeper deeper(runtime_.meter);
    for (const Statement& statement : body) {
        if (auto room = runtime_.meter.check_depth(); !room)
            return located(std::move(room).error(), statement.line);
        if (auto spent = runtime_.meter.spend(1); !spent)
            return located(std::move(spent).error(), statement.line);
        auto flow = execute_one(statement, scope, out);
        if (!flow) return located(std::move(flow).error(), statement.line);
        if (*flow != Flow::kOn) return *flow;
    }
    return Flow::kOn;
}

Result<Evaluator::Flow> Evaluator::execute_one(const Statement& statement, const ScopeRef& scope, Output& out) {
    switch (statement.kind) {
        case StatementKind::kText:
            SLUICE_TRY(out.append(statement.text));
            break;
        case StatementKind::kOutput:
            SLUICE_TRY(execute_output(statement, scope, out));
            break;
        case StatementKind::kIf:
            return execute_if(statement, scope, out);
        case StatementKind::kFor:
            return execute_for(statement, scope, out);
        case StatementKind::kSet: {
            SLUICE_ASSIGN(value, evaluate(*statement.expression, scope));
            SLUICE_TRY(assign(statement.targets[0], value, scope));
            break;
        }
        case StatementKind::kSetBlock:
            SLUICE_TRY(execute_set_block(statement, scope));
            break;
        case StatementKind::kMacro:
            scope->set(
                statement.name,
                Value(Value::Content(std::make_shared<const Macro>(Macro{statement.macro.get(), scope}))));
            break;
        case StatementKind::kCallBlock:
            SLUICE_TRY(execute_call_block(statement, scope, out));
            break;
        case StatementKind::kFilterBlock:
            SLUICE_TRY(execute_filter_block(statement, scope, out));
            break;
        case StatementKind::kGeneration:
            SLUICE_TRY(execute_inner(statement.body, scope, out));
            break;
        case StatementKind::kWith:
            return execute_with(statement, scope, out);
        case StatementKind::kBreak:
            return Flow::kBreak;
        case StatementKind::kContinue:
            return Flow::kContinue;
    }
    return Flow::kOn;
}

Done Evaluator::execute_output(const Statement& statement, const ScopeRef& scope, Output& out) {
    SLUICE_ASSIGN(value, evaluate(*statement.expression, scope));
    if (const std::string* text = value.text()) return out.append(*text);
    SLUICE_ASSIGN(text, str_of(runtime_.meter, value));
    return out.append(text);
}

Result<Evaluator::Flow> Evaluator::execute_if(const Statement& statement, const ScopeRef& scope, Output& out) {
    for (const Statement::Branch& branch : statement.branches) {
        if (branch.test != nullptr) {
            SLUICE_ASSIGN(test, evaluate(*branch.test, scope));
            if (!is_true(test)) continue;
        }
        return execute(branch.body, scope, out);
    }
    return Flow::kOn;
}

// The items that the loop's own condition lets through.
Result<SequenceRef> Evaluator::filtered(const Statement& statement, const SequenceRef& items,
                                        const ScopeRef& scope) {
    std::vector<Value> kept;
    const auto inner = std::make_shared<Scope>(scope);
    for (const Value& item : items->items) {
        inner->variables.clear();
        SLUICE_TRY(assign(statement.targets[0], item, inner));
        SLUICE_ASSIGN(test, evaluate(*statement.filter, inner));
        if (is_true(test)) kept.push_back(item);
    }
    SLUICE_ASSIGN(list, make_list(runtime_.meter, std::move(kept)));
    return *list.as<SequenceRef>();
}

Result<Evaluator::Flow> Evaluator::execute_for(const Statement& statement, const ScopeRef& scope, Output& out) {
    SLUICE_ASSIGN(source, evaluate(*statement.expression, scope));
    SLUICE_ASSIGN(items, items_of(runtime_.meter, source));
    if (statement.filter != nullptr) {
        SLUICE_ASSIGN(kept, filtered(statement, items, scope));
        items = kept;
    }
    const auto inner = std::make_shared<Scope>(scope);
    const auto loop = std::make_shared<LoopState>();
    loop->items = items;
    // jinja2 runs "else" unless one turn came to its end: also where all were left by break or continue.
    bool completed = false;
    for (; loop->index < items->items.size(); ++loop->index) {
        SLUICE_TRY(runtime_.meter.spend(1));
        inner->variables.clear();
        inner->set(kLoopName, Value(Value::Content(LoopRef(loop))));
        SLUICE_TRY(assign(statement.targets[0], items->items[loop->index], inner));
        SLUICE_ASSIGN(flow, execute(statement.body, inner, out));
        if (flow == Flow::kBreak) break;
        completed = completed || flow == Flow::kOn;
    }
    if (completed || statement.other.empty()) return Flow::kOn;
    inner->variables.clear();
    return execute(statement.other, inner, out);
}

// A body whose variables end with it.
Done Evaluator::execute_inner(const Body& body, const ScopeRef& scope, Output& out) {
    SLUICE_TRY(execute(body, std::make_shared<Scope>(scope), out));
    return Nothing{};
}

Done Evaluator::execute_set_block(const Statement& statement, const ScopeRef& scope) {
    Output inside(runtime_.meter);
    SLUICE_TRY(execute_inner(statement.body, scope, inside));
    Value value = make_text(runtime_, inside.text());
    if (statement.expression != nullptr) {
        SLUICE_ASSIGN(changed, apply_all(*statement.expression, std::move(value), scope));
        value = std::move(changed);
    }
    return assign(statement.targets[0], value, scope);
}

Done Evaluator::execute_filter_block(const Statement& statement, const ScopeRef& scope, Output& out) {
    Output inside(runtime_.meter);
    SLUICE_TRY(execute_inner(statement.body, scope, inside));
    SLUICE_ASSIGN(value, apply_all(*statement.expression, make_text(runtime_, inside.text()), scope));
    SLUICE_ASSIGN(text, str_of(runtime_.meter, value));
    return out.append(text);
}

// {% call f(x) %}body{% endcall %}: f(x, caller=the body as a macro).
Done Evaluator::execute_call_block(const Statement& statement, const ScopeRef& scope, Output& out) {
    const Expression& chain = *statement.expression;
    SLUICE_ASSIGN(callee, evaluate(*chain.parts[0], scope));
    for (std::size_t i = 1; i + 1 < chain.parts.size(); ++i) {
        SLUICE_ASSIGN(next, apply(*chain.parts[i], callee, scope));
        callee = std::move(next);
    }
    SLUICE_ASSIGN(arguments, evaluate_arguments(chain.parts.back()->arguments.get(), scope));
    arguments.named.emplace_back(
        "caller", Value(Value::Content(std::make_shared<const Macro>(Macro{statement.macro.get(), scope}))));
    SLUICE_ASSIGN(value, call(callee, std::move(arguments)));
    SLUICE_ASSIGN(text, str_of(runtime_.meter, value));
    return out.append(text);
}

Result<Evaluator::Flow> Evaluator::execute_with(const Statement& statement, const ScopeRef& scope,
                                                Output& out) {
    const auto inner = std::make_shared<Scope>(scope);
    for (std::size_t i = 0; i < statement.targets.size(); ++i) {
        SLUICE_ASSIGN(value, evaluate(*statement.values[i], scope));
        SLUICE_TRY(assign(statement.targets[i], value, inner));
    }
    return execute(statement.body, inner, out);
}

Done Evaluator::assign(const Target& target, const Value& value, const ScopeRef& scope) {
    SLUICE_TRY(runtime_.meter.spend(1 + scope->variables.size() / 16));
    if (target.is_tuple) {
        if (value.is_undefined() || value.is_none() || value.number())
            return wrong_value("a value of type ", type_name(value), " cannot be taken apart");
        SLUICE_ASSIGN(items, items_of(runtime_.meter, value));
        if (items->items.size() != target.targets.size())
            return wrong_value("expected ", target.targets.size(), " values to take apart, found ",
                               items->items.size());
        for (std::size_t i = 0; i < target.targets.size(); ++i)
            SLUICE_TRY(assign(target.targets[i], items->items[i], scope));
        return Nothing{};
    }
    if (target.attribute.empty()) {
        scope->set(target.name, value);
        return Nothing{};
    }
    const Value* space = nullptr;
    for (const Scope* each = scope.get(); each != nullptr && space == nullptr; each = each->parent.get())
        space = each->find_here(target.name);
    const auto* found = space == nullptr ? nullptr : space->as<Namespace*>();
    if (found == nullptr)
        return wrong_value("only a namespace has attributes that can be set, ", target.text, " is none");
    auto& attributes = (*found)->attributes;
    SLUICE_TRY(runtime_.meter.spend(attributes.size() / 16));
    for (auto& [name, its_value] : attributes) {
        if (name != target.attribute) continue;
        its_value = value;
        return Nothing{};
    }
    runtime_.meter.take(sizeof(attributes[0]) + target.attribute.size());
    attributes.emplace_back(target.attribute, value);
    return Nothing{};
}

}  // namespace sluice::jinja
