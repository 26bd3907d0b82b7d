// What jinja2.tests asks of a value.
#include "text/jinja/tests.h"

#include <algorithm>
#include <iterator>

#include "text/jinja/characters.h"
#include "text/jinja/filters.h"
#include "text/jinja/operators.h"
#include "text/jinja/spelling.h"

namespace sluice::jinja {
namespace {

template <bool (*Holds)(const Value&)>
Result<bool> plain(Runtime&, const Value& value, const CallArguments& arguments) {
    SLUICE_TRY(bind("the test", arguments, {}));
    return Holds(value);
}

bool is_defined(const Value& value) {
    return !value.is_undefined();
}
bool is_undefined(const Value& value) {
    return value.is_undefined();
}
bool is_none(const Value& value) {
    return value.is_none();
}
bool is_boolean(const Value& value) {
    return value.as<bool>() != nullptr;
}
bool is_the_true(const Value& value) {
    return is_boolean(value) && *value.as<bool>();
}
bool is_the_false(const Value& value) {
    return is_boolean(value) && !*value.as<bool>();
}
bool is_integer(const Value& value) {
    return value.as<std::int64_t>() != nullptr || value.as<BigInteger>() != nullptr;
}
bool is_float(const Value& value) {
    return value.as<double>() != nullptr;
}
bool is_number(const Value& value) {
    return is_integer(value) || is_float(value) || is_boolean(value);
}
bool is_string(const Value& value) {
    return value.text() != nullptr;
}
bool is_mapping(const Value& value) {
    return value.dict() != nullptr;
}
bool is_iterable(const Value& value) {
    return value.is_undefined() || is_string(value) || is_mapping(value) || value.sequence() != nullptr ||
           value.as<LoopRef>() != nullptr;
}
// What has a length and items by number or key.
bool is_sequence(const Value& value) {
    const Sequence* sequence = value.sequence();
    if (sequence != nullptr)
        return sequence->flavour == Flavour::kList || sequence->flavour == Flavour::kTuple ||
               sequence->flavour == Flavour::kRange;
    // Undefined values answer to every such question, so jinja2 takes them for sequences.
    return is_string(value) || is_mapping(value) || value.is_undefined();
}
bool is_callable(const Value& value) {
    return value.as<MacroRef>() != nullptr || value.as<Function>() != nullptr ||
           value.as<MethodRef>() != nullptr || value.as<JoinerRef>() != nullptr ||
           value.as<LoopRef>() != nullptr || value.is_undefined();
}
bool is_escaped(const Value&) {
    return false;
}

template <Operator What>
Result<bool> compared(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("the test", arguments, {"other"}));
    SLUICE_ASSIGN(other, required("the test", given[0], "other"));
    return compare(runtime, What, value, *other);
}

Result<bool> rest_is(Runtime& runtime, const Value& value, std::int64_t divisor, std::int64_t wanted) {
    SLUICE_ASSIGN(rest, arithmetic(runtime, Operator::kModulo, value, Value::integer(divisor)));
    return equals(runtime.meter, rest, Value::integer(wanted));
}

Result<bool> odd(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_TRY(bind("odd", arguments, {}));
    return rest_is(runtime, value, 2, 1);
}

Result<bool> even(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_TRY(bind("even", arguments, {}));
    return rest_is(runtime, value, 2, 0);
}

Result<bool> divisible(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("divisibleby", arguments, {"num"}));
    SLUICE_ASSIGN(divisor, required("divisibleby", given[0], "num"));
    SLUICE_ASSIGN(rest, arithmetic(runtime, Operator::kModulo, value, *divisor));
    return equals(runtime.meter, rest, Value::integer(0));
}

Result<bool> same_as(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("sameas", arguments, {"other"}));
    SLUICE_ASSIGN(other, required("sameas", given[0], "other"));
    if (value.content().index() != other->content().index()) return false;
    if (const Sequence* sequence = value.sequence()) return sequence == other->sequence();
    if (const Dict* dict = value.dict()) return dict == other->dict();
    return equals(runtime.meter, value, *other);
}

template <std::string (*Change)(std::string_view)>
Result<bool> is_cased(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_TRY(bind("lower or upper", arguments, {}));
    SLUICE_ASSIGN(text, str_of(runtime.meter, value));
    return Change(text) == text && to_upper(text) != to_lower(text);
}

template <bool Filters>
Result<bool> exists(Runtime&, const Value& value, const CallArguments& arguments) {
    SLUICE_TRY(bind("filter or test", arguments, {}));
    const std::string* name = value.text();
    if (name == nullptr) return false;
    return Filters ? find_filter(*name) != nullptr : find_test(*name) != nullptr;
}

struct Named {
    std::string_view name;
    Test test;
};

constexpr Named kTests[] = {
    {"defined", plain<is_defined>},
    {"undefined", plain<is_undefined>},
    {"none", plain<is_none>},
    {"boolean", plain<is_boolean>},
    {"true", plain<is_the_true>},
    {"false", plain<is_the_false>},
    {"integer", plain<is_integer>},
    {"float", plain<is_float>},
    {"number", plain<is_number>},
    {"string", plain<is_string>},
    {"mapping", plain<is_mapping>},
    {"iterable", plain<is_iterable>},
    {"sequence", plain<is_sequence>},
    {"callable", plain<is_callable>},
    {"escaped", plain<is_escaped>},
    {"eq", compared<Operator::kEqual>},
    {"equalto", compared<Operator::kEqual>},
    {"==", compared<Operator::kEqual>},
    {"ne", compared<Operator::kNotEqual>},
    {"!=", compared<Operator::kNotEqual>},
    {"lt", compared<Operator::kLess>},
    {"lessthan", compared<Operator::kLess>},
    {"<", compared<Operator::kLess>},
    {"le", compared<Operator::kLessEqual>},
    {"<=", compared<Operator::kLessEqual>},
    {"gt", compared<Operator::kGreater>},
    {"greaterthan", compared<Operator::kGreater>},
    {">", compared<Operator::kGreater>},
    {"ge", compared<Operator::kGreaterEqual>},
    {">=", compared<Operator::kGreaterEqual>},
    {"in", compared<Operator::kIn>},
    {"odd", odd},
    {"even", even},
    {"divisibleby", divisible},
    {"sameas", same_as},
    {"lower", is_cased<to_lower>},
    {"upper", is_cased<to_upper>},
    {"filter", exists<true>},
    {"test", exists<false>},
};

}  // namespace

Test find_test(std::string_view name) {
    const auto at = std::find_if(std::begin(kTests), std::end(kTests),
                                 [&](const Named& named) { return named.name == name; });
    return at == std::end(kTests) ? nullptr : at->test;
}

}  // namespace sluice::jinja
