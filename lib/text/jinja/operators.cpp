// Numbers as Python computes them, but integers of 64 bits: a larger result is an error, never a wrong number.
#include "text/jinja/operators.h"

#include <cmath>
#include <limits>

#include "text/jinja/text_search.h"

namespace sluice::jinja {
namespace {

std::string_view sign_of(Operator what) {
    constexpr std::string_view kSigns[] = {
        "+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "in", "not in"};
    return kSigns[static_cast<std::size_t>(what)];
}

Error no_operator(Operator what, const Value& a, const Value& b) {
    return wrong_value("'", sign_of(what), "' does not work between ", type_name(a), " and ", type_name(b));
}

Error too_large(Operator what) {
    return make_error(SLUICE_E_LIMIT, "the result of '", sign_of(what), "' does not fit in 64 bits");
}

Error division_by_zero() {
    return wrong_value("division by zero");
}

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

Result<Value> whole_power(std::int64_t base, std::int64_t exponent) {
    if (exponent < 0) {
        if (base == 0) return division_by_zero();
        return Value::real(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
    }
    std::int64_t result = 1;
    std::int64_t square = base;
    while (exponent > 0) {
        if ((exponent & 1) != 0 && __builtin_mul_overflow(result, square, &result))
            return too_large(Operator::kPower);
        exponent >>= 1;
        if (exponent > 0 && __builtin_mul_overflow(square, square, &square)) return too_large(Operator::kPower);
    }
    return Value::integer(result);
}

Result<Value> whole_arithmetic(Operator what, std::int64_t a, std::int64_t b) {
    std::int64_t result = 0;
    switch (what) {
        case Operator::kAdd:
            if (__builtin_add_overflow(a, b, &result)) return too_large(what);
            return Value::integer(result);
        case Operator::kSubtract:
            if (__builtin_sub_overflow(a, b, &result)) return too_large(what);
            return Value::integer(result);
        case Operator::kMultiply:
            if (__builtin_mul_overflow(a, b, &result)) return too_large(what);
            return Value::integer(result);
        case Operator::kPower:
            return whole_power(a, b);
        default:
            break;
    }
    if (b == 0) return division_by_zero();
    if (what == Operator::kDivide) return Value::real(static_cast<double>(a) / static_cast<double>(b));
    if (b == -1) {
        if (what == Operator::kModulo) return Value::integer(0);
        if (a == kLeast) return too_large(what);
        return Value::integer(-a);
    }
    // Rounded down, so that the rest has the sign of the divisor.
    const bool rounds = a % b != 0 && (a % b < 0) != (b < 0);
    return Value::integer(what == Operator::kModulo ? a % b + (rounds ? b : 0) : a / b - (rounds ? 1 : 0));
}

// As float_divmod of CPython rounds.
void divide_down(double a, double b, double& quotient, double& rest) {
    rest = std::fmod(a, b);
    double whole = (a - rest) / b;
    if (rest != 0) {
        if ((b < 0) != (rest < 0)) {
            rest += b;
            whole -= 1;
        }
    } else {
        rest = std::copysign(0.0, b);
    }
    if (whole != 0) {
        quotient = std::floor(whole);
        if (whole - quotient > 0.5) quotient += 1;
    } else {
        quotient = std::copysign(0.0, a / b);
    }
}

Result<Value> real_arithmetic(Operator what, double a, double b) {
    switch (what) {
        case Operator::kAdd:
            return Value::real(a + b);
        case Operator::kSubtract:
            return Value::real(a - b);
        case Operator::kMultiply:
            return Value::real(a * b);
        case Operator::kPower: {
            if (a == 0 && b < 0) return division_by_zero();
            const double result = std::pow(a, b);
            if (std::isfinite(a) && std::isfinite(b) && !std::isfinite(result))
                return wrong_value("the result of '**' is no real number in range");
            return Value::real(result);
        }
        default:
            break;
    }
    if (b == 0) return division_by_zero();
    if (what == Operator::kDivide) return Value::real(a / b);
    double quotient = 0;
    double rest = 0;
    divide_down(a, b, quotient, rest);
    return Value::real(what == Operator::kModulo ? rest : quotient);
}

Result<Value> joined(Runtime& runtime, const Sequence& a, const Sequence& b) {
    SLUICE_TRY(runtime.meter.spend_items(a.items.size() + b.items.size()));
    std::vector<Value> items;
    items.reserve(a.items.size() + b.items.size());
    items.insert(items.end(), a.items.begin(), a.items.end());
    items.insert(items.end(), b.items.begin(), b.items.end());
    return make_sequence(runtime.meter, a.flavour, std::move(items));
}

bool is_list_or_tuple(const Sequence* sequence) {
    return sequence != nullptr && (sequence->flavour == Flavour::kList || sequence->flavour == Flavour::kTuple);
}

Result<Value> repeated(Runtime& runtime, const Value& what, std::int64_t count) {
    const auto times = static_cast<std::uint64_t>(count < 0 ? 0 : count);
    if (const std::string* text = what.text()) {
        // The limits are far below 2^32, so the product of what passes the first check fits.
        if (!text->empty()) SLUICE_TRY(runtime.meter.spend_text(times));
        SLUICE_TRY(runtime.meter.spend_text(text->empty() ? 0 : times * text->size()));
        std::string out;
        if (text->empty()) return make_text(runtime, std::move(out));
        out.reserve(times * text->size());
        for (std::uint64_t i = 0; i < times; ++i) out += *text;
        return make_text(runtime, std::move(out));
    }
    const Sequence& sequence = *what.sequence();
    std::vector<Value> items;
    for (std::uint64_t i = 0; i < times && !sequence.items.empty(); ++i) {
        SLUICE_TRY(runtime.meter.spend_items(sequence.items.size()));
        items.insert(items.end(), sequence.items.begin(), sequence.items.end());
    }
    return make_sequence(runtime.meter, sequence.flavour, std::move(items));
}

bool is_text_or_list(const Value& value) {
    return value.text() != nullptr || is_list_or_tuple(value.sequence());
}

bool is_big(const Value& value) {
    return value.as<BigInteger>() != nullptr;
}

}  // namespace

Result<Value> arithmetic(Runtime& runtime, Operator what, const Value& a, const Value& b) {
    if (a.whole() && b.whole()) return whole_arithmetic(what, *a.whole(), *b.whole());
    if (a.number() && b.number()) return real_arithmetic(what, *a.number(), *b.number());
    if (what == Operator::kModulo && a.text() != nullptr) return format_percent(runtime, *a.text(), b);
    if (a.is_undefined()) return undefined_error(a);
    if (b.is_undefined()) return undefined_error(b);
    if (what == Operator::kAdd && a.text() != nullptr && b.text() != nullptr) {
        SLUICE_TRY(runtime.meter.spend_text(a.text()->size() + b.text()->size()));
        std::string out;
        out.reserve(a.text()->size() + b.text()->size());
        out += *a.text();
        out += *b.text();
        return make_text(runtime, std::move(out));
    }
    if (what == Operator::kAdd && is_list_or_tuple(a.sequence()) && is_list_or_tuple(b.sequence()) &&
        a.sequence()->flavour == b.sequence()->flavour)
        return joined(runtime, *a.sequence(), *b.sequence());
    if (what == Operator::kMultiply && is_text_or_list(a) && b.whole()) return repeated(runtime, a, *b.whole());
    if (what == Operator::kMultiply && is_text_or_list(b) && a.whole()) return repeated(runtime, b, *a.whole());
    if ((is_big(a) || is_big(b)) && (is_big(a) || a.number()) && (is_big(b) || b.number()))
        return too_large(what);
    return no_operator(what, a, b);
}

Result<bool> contains(Runtime& runtime, const Value& container, const Value& item) {
    if (const std::string* text = container.text()) {
        const std::string* wanted = item.text();
        if (wanted == nullptr)
            return item.is_undefined() ? undefined_error(item) : no_operator(Operator::kIn, item, container);
        SLUICE_TRY(runtime.meter.spend((text->size() + wanted->size()) / 64));
        return find_text(*text, *wanted) != std::string::npos;
    }
    if (const Dict* dict = container.dict()) {
        if (!is_hashable(item)) return wrong_value("a ", type_name(item), " cannot be a key of a dict");
        return dict->find(item) != nullptr;
    }
    if (container.sequence() == nullptr && !container.is_undefined())
        return no_operator(Operator::kIn, item, container);
    SLUICE_ASSIGN(items, items_of(runtime.meter, container));
    for (const Value& one : items->items) {
        SLUICE_ASSIGN(same, equals(runtime.meter, one, item));
        if (same) return true;
    }
    return false;
}

Result<bool> compare(Runtime& runtime, Operator what, const Value& a, const Value& b) {
    switch (what) {
        case Operator::kEqual:
            return equals(runtime.meter, a, b);
        case Operator::kNotEqual: {
            SLUICE_ASSIGN(same, equals(runtime.meter, a, b));
            return !same;
        }
        case Operator::kIn:
            return contains(runtime, b, a);
        case Operator::kNotIn: {
            SLUICE_ASSIGN(inside, contains(runtime, b, a));
            return !inside;
        }
        default:
            break;
    }
    SLUICE_ASSIGN(sign, order(runtime.meter, a, b, sign_of(what)));
    if (sign == 2) return false;
    switch (what) {
        case Operator::kLess:
            return sign < 0;
        case Operator::kLessEqual:
            return sign <= 0;
        case Operator::kGreater:
            return sign > 0;
        default:
            return sign >= 0;
    }
}

Result<Value> negate(const Value& value) {
    if (const auto whole = value.whole()) {
        if (*whole == kLeast) return too_large(Operator::kSubtract);
        return Value::integer(-*whole);
    }
    if (const auto number = value.number()) return Value::real(-*number);
    if (value.is_undefined()) return undefined_error(value);
    return wrong_value("'-' does not work on a ", type_name(value));
}

Result<Value> posit(const Value& value) {
    if (const auto whole = value.whole()) return Value::integer(*whole);
    if (value.number()) return value;
    if (value.is_undefined()) return undefined_error(value);
    return wrong_value("'+' does not work on a ", type_name(value));
}

}  // namespace sluice::jinja
