// What stands behind an operand: attributes, items, calls, filters, tests; and the calls of macros.
#include <algorithm>

#include "base/utf8.h"
#include "text/jinja/evaluator.h"
#include "text/jinja/filters.h"
#include "text/jinja/functions.h"
#include "text/jinja/lexer.h"
#include "text/jinja/lookup.h"
#include "text/jinja/methods.h"
#include "text/jinja/tests.h"

namespace sluice::jinja {

Result<Value> Evaluator::apply_all(const Expression& chain, Value value, const ScopeRef& scope) {
    for (std::size_t i = 1; i < chain.parts.size(); ++i) {
        SLUICE_TRY(runtime_.meter.spend(1));
        auto next = apply(*chain.parts[i], value, scope);
        if (!next) return located(std::move(next).error(), chain.parts[i]->line);
        value = std::move(*next);
    }
    return value;
}

Result<Value> Evaluator::apply(const Expression& suffix, const Value& value, const ScopeRef& scope) {
    switch (suffix.kind) {
        case ExpressionKind::kAttribute:
            return get_attribute(runtime_, value, suffix.constant);
        case ExpressionKind::kItem: {
            SLUICE_ASSIGN(key, evaluate(*suffix.parts[0], scope));
            return get_item(runtime_, value, key);
        }
        case ExpressionKind::kSlice:
            return apply_slice(suffix, value, scope);
        default:
            break;
    }
    SLUICE_ASSIGN(arguments, evaluate_arguments(suffix.arguments.get(), scope));
    if (suffix.kind == ExpressionKind::kCall) return call(value, std::move(arguments));
    if (suffix.kind == ExpressionKind::kFilter) {
        const Filter filter = find_filter(suffix.text);
        if (filter == nullptr)
            return make_error(SLUICE_E_UNSUPPORTED, "there is no filter ", printable(suffix.text, 32));
        return filter(runtime_, value, arguments);
    }
    const Test test = find_test(suffix.text);
    if (test == nullptr)
        return make_error(SLUICE_E_UNSUPPORTED, "there is no test ", printable(suffix.text, 32));
    SLUICE_ASSIGN(holds, test(runtime_, value, arguments));
    return Value::truth(holds != suffix.negated);
}

Result<Value> Evaluator::apply_slice(const Expression& suffix, const Value& value, const ScopeRef& scope) {
    Value bounds[3] = {Value::none(), Value::none(), Value::none()};
    for (std::size_t i = 0; i < suffix.parts.size() && i < 3; ++i) {
        if (suffix.parts[i] == nullptr) continue;
        SLUICE_ASSIGN(bound, evaluate(*suffix.parts[i], scope));
        bounds[i] = std::move(bound);
    }
    return get_slice(runtime_, value, bounds[0], bounds[1], bounds[2]);
}

Result<CallArguments> Evaluator::evaluate_arguments(const Arguments* arguments, const ScopeRef& scope) {
    CallArguments given;
    if (arguments == nullptr) return given;
    for (const ExpressionRef& expression : arguments->positional) {
        SLUICE_ASSIGN(value, evaluate(*expression, scope));
        given.positional.push_back(std::move(value));
    }
    for (const auto& [name, expression] : arguments->named) {
        SLUICE_ASSIGN(value, evaluate(*expression, scope));
        given.named.emplace_back(name, std::move(value));
    }
    if (arguments->more_positional != nullptr) {
        SLUICE_ASSIGN(value, evaluate(*arguments->more_positional, scope));
        SLUICE_ASSIGN(items, items_of(runtime_.meter, value));
        SLUICE_TRY(runtime_.meter.spend_items(items->items.size()));
        given.positional.insert(given.positional.end(), items->items.begin(), items->items.end());
    }
    if (arguments->more_named != nullptr) {
        SLUICE_ASSIGN(value, evaluate(*arguments->more_named, scope));
        const Dict* dict = value.dict();
        if (dict == nullptr)
            return wrong_value("arguments after ** must be a dict, given is a ", type_name(value));
        // Each name is compared with the others later.
        SLUICE_TRY(runtime_.meter.spend_items(dict->entries.size()));
        for (const auto& [key, its_value] : dict->entries) {
            if (key.text() == nullptr) return wrong_value("names of arguments must be texts");
            given.named.emplace_back(*key.text(), its_value);
        }
    }
    return given;
}

Result<Value> Evaluator::call(const Value& callee, CallArguments arguments) {
    if (callee.is_undefined()) return undefined_error(callee);
    if (const auto* method = callee.as<MethodRef>()) return call_method(runtime_, **method, arguments);
    if (const auto* function = callee.as<Function>()) return call_function(runtime_, *function, arguments);
    if (const auto* macro = callee.as<MacroRef>()) return call_macro(**macro, std::move(arguments));
    if (const auto* joiner = callee.as<JoinerRef>()) {
        SLUICE_TRY(bind("a joiner", arguments, {}));
        const bool first = !(*joiner)->used;
        (*joiner)->used = true;
        return first ? make_text(runtime_, "") : Value(Value::Content((*joiner)->separator));
    }
    if (callee.as<LoopRef>() != nullptr)
        return make_error(SLUICE_E_UNSUPPORTED, "loops that call themselves are not read");
    return wrong_value("a value of type ", type_name(callee), " cannot be called");
}

// Macro.__call__ of jinja2.runtime: parameters by place, then by name; then caller, kwargs and varargs where
// the macro reads them.
Done Evaluator::bind_parameters(const MacroDefinition& macro, CallArguments& arguments, const ScopeRef& scope) {
    const std::size_t n_parameters = macro.parameters.size();
    const auto take_named = [&](std::string_view name) -> std::optional<Value> {
        const auto at = std::find_if(arguments.named.begin(), arguments.named.end(),
                                     [&](const auto& named) { return named.first == name; });
        if (at == arguments.named.end()) return std::nullopt;
        Value value = std::move(at->second);
        arguments.named.erase(at);
        return value;
    };
    std::vector<const MacroDefinition::Parameter*> missing;
    SLUICE_TRY(runtime_.meter.spend(n_parameters * (1 + arguments.named.size() / 16)));
    bool has_caller = false;
    for (std::size_t i = 0; i < n_parameters; ++i) {
        const MacroDefinition::Parameter& parameter = macro.parameters[i];
        has_caller = has_caller || parameter.name == kCallerName;
        if (i < arguments.positional.size()) {
            scope->set(parameter.name, arguments.positional[i]);
        } else if (auto named = take_named(parameter.text)) {
            scope->set(parameter.name, std::move(*named));
        } else {
            missing.push_back(&parameter);
        }
    }
    if (macro.uses_caller && !has_caller) {
        auto caller = take_named("caller");
        scope->set(kCallerName, caller ? std::move(*caller) : Value::undefined("No caller defined"));
    }
    if (macro.uses_kwargs) {
        std::vector<Dict::Entry> entries;
        for (const auto& [name, value] : arguments.named)
            entries.emplace_back(make_text(runtime_, name), value);
        SLUICE_ASSIGN(kwargs, make_dict(runtime_.meter, std::move(entries)));
        scope->set(kKwargsName, std::move(kwargs));
    } else if (!arguments.named.empty()) {
        return wrong_value("the macro ", macro.name, " takes no argument named ",
                           printable(arguments.named.front().first, 32));
    }
    if (macro.uses_varargs) {
        std::vector<Value> rest;
        if (arguments.positional.size() > n_parameters)
            rest.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(n_parameters),
                        arguments.positional.end());
        SLUICE_ASSIGN(varargs, make_sequence(runtime_.meter, Flavour::kTuple, std::move(rest)));
        scope->set(kVarargsName, std::move(varargs));
    } else if (arguments.positional.size() > n_parameters) {
        return wrong_value("the macro ", macro.name, " takes ", n_parameters, " arguments, given are ",
                           arguments.positional.size());
    }
    // Defaults may read the parameters in front of them.
    for (const MacroDefinition::Parameter* parameter : missing) {
        if (parameter->default_value == nullptr) {
            scope->set(parameter->name,
                       Value::undefined(sentence("parameter '", parameter->text, "' was not provided")));
            continue;
        }
        SLUICE_ASSIGN(value, evaluate(*parameter->default_value, scope));
        scope->set(parameter->name, std::move(value));
    }
    return Nothing{};
}

Result<Value> Evaluator::call_macro(const Macro& macro, CallArguments arguments) {
    const ScopeRef outer = macro.scope.lock();
    if (outer == nullptr)
        return wrong_value("the macro ", macro.definition->name, " is called where its block is over");
    const auto scope = std::make_shared<Scope>(outer);
    SLUICE_TRY(bind_parameters(*macro.definition, arguments, scope));
    Output out(runtime_.meter);
    SLUICE_TRY(execute(*macro.definition->body, scope, out));
    return make_text(runtime_, out.text());
}

}  // namespace sluice::jinja
