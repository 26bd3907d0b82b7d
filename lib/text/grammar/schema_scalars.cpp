// Numbers and strings of a schema.
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/sentence.h"
#include "base/utf8.h"
#include "text/grammar/number_automaton.h"
#include "text/grammar/regex.h"
#include "text/grammar/schema_compiler.h"
#include "text/grammar/string_formats.h"

namespace sluice::grammar {
namespace {

struct Lengths {
    std::uint64_t min = 0;
    std::uint64_t max = kUnbounded;
};

Result<Lengths> lengths_of(const SchemaDocument& document, const Conjunction& schemas) {
    Lengths lengths;
    for (const SchemaPart& part : schemas.parts) {
        SLUICE_ASSIGN(min, document.count_of(*part.schema, "minLength"));
        SLUICE_ASSIGN(max, document.count_of(*part.schema, "maxLength"));
        if (min) lengths.min = std::max(lengths.min, *min);
        if (max) lengths.max = std::min(lengths.max, *max);
        if (min && *min >= kUnbounded)
            return document.error(SLUICE_E_LIMIT, *part.schema, "minLength", "is too large");
    }
    return lengths;
}

std::uint64_t count_characters(std::string_view text) {
    std::uint64_t n = 0;
    for (std::size_t position = 0; position < text.size(); ++n) position += code_point_at(text, position).size;
    return n;
}

double value_of(const Json& number) {
    return number.number().value_or(0.0);
}

void raise(std::optional<NumberBound>& bound, const Json& number, bool is_inclusive, double& known) {
    const double value = value_of(number);
    if (bound && (value < known || (value == known && !bound->is_inclusive))) return;
    bound = NumberBound{decimal_of(number), is_inclusive};
    known = value;
}

void lower(std::optional<NumberBound>& bound, const Json& number, bool is_inclusive, double& known) {
    const double value = value_of(number);
    if (bound && (value > known || (value == known && !bound->is_inclusive))) return;
    bound = NumberBound{decimal_of(number), is_inclusive};
    known = value;
}

// Errors: UNSUPPORTED for what is no whole number.
Result<std::optional<std::uint64_t>> divisor_of(const SchemaDocument& document, const Json& schema) {
    SLUICE_ASSIGN(divisor, document.number_of(schema, "multipleOf"));
    if (divisor == nullptr) return std::optional<std::uint64_t>();
    if (value_of(*divisor) <= 0)
        return document.error(SLUICE_E_INVALID_ARGUMENT, schema, "multipleOf", "is not above 0");
    const auto whole = divisor->natural();
    if (!whole)
        return document.error(SLUICE_E_UNSUPPORTED, schema, "multipleOf", "is supported for whole numbers");
    if (*whole > kMaxDivisor)
        return document.error(SLUICE_E_LIMIT, schema, "multipleOf", sentence("is above ", kMaxDivisor));
    return std::optional<std::uint64_t>(*whole);
}

}  // namespace

Result<const CharacterAutomaton*> SchemaCompiler::compiled(const Json& schema, std::string_view keyword,
                                                           std::string_view expression, bool is_whole) const {
    std::string key(is_whole ? "^" : "~");
    key += expression;
    const auto known = expressions_.find(key);
    if (known != expressions_.end()) return &known->second;
    auto made = compile_regex(expression, is_whole ? RegexMatch::kWhole : RegexMatch::kSearch);
    if (!made) return document_.error(made.error().status, schema, keyword, "fails: " + made.error().message);
    return &expressions_.emplace(std::move(key), std::move(*made)).first->second;
}

Result<std::vector<CharacterAutomaton>> SchemaCompiler::patterns_of(const Conjunction& schemas) const {
    std::vector<CharacterAutomaton> all;
    for (const SchemaPart& part : schemas.parts) {
        SLUICE_ASSIGN(pattern, document_.string_of(*part.schema, "pattern"));
        if (pattern != nullptr) {
            SLUICE_ASSIGN(automaton, compiled(*part.schema, "pattern", *pattern->string(), false));
            all.push_back(*automaton);
        }
        SLUICE_ASSIGN(format, document_.string_of(*part.schema, "format"));
        if (format == nullptr) continue;
        const auto expression = expression_of_format(*format->string());
        if (!expression) {
            return document_.error(
                SLUICE_E_UNSUPPORTED, *part.schema, "format",
                sentence("is ", printable(*format->string(), 40), ", which is not supported"));
        }
        SLUICE_ASSIGN(automaton, compiled(*part.schema, "format", *expression, true));
        all.push_back(*automaton);
    }
    return all;
}

Result<bool> SchemaCompiler::admits_string(const Conjunction& schemas, const std::string& text) const {
    SLUICE_ASSIGN(lengths, lengths_of(document_, schemas));
    const std::uint64_t n = count_characters(text);
    if (n < lengths.min || n > lengths.max) return false;
    SLUICE_ASSIGN(patterns, patterns_of(schemas));
    return std::all_of(patterns.begin(), patterns.end(),
                       [&](const CharacterAutomaton& pattern) { return pattern.accepts(text); });
}

Result<bool> SchemaCompiler::admits_number(const Conjunction& schemas, const Json& value) const {
    const double number = value_of(value);
    for (const SchemaPart& part : schemas.parts) {
        SLUICE_ASSIGN(minimum, document_.number_of(*part.schema, "minimum"));
        SLUICE_ASSIGN(above, document_.number_of(*part.schema, "exclusiveMinimum"));
        SLUICE_ASSIGN(maximum, document_.number_of(*part.schema, "maximum"));
        SLUICE_ASSIGN(below, document_.number_of(*part.schema, "exclusiveMaximum"));
        SLUICE_ASSIGN(divisor, divisor_of(document_, *part.schema));
        if (minimum != nullptr && number < value_of(*minimum)) return false;
        if (above != nullptr && number <= value_of(*above)) return false;
        if (maximum != nullptr && number > value_of(*maximum)) return false;
        if (below != nullptr && number >= value_of(*below)) return false;
        if (divisor && std::fmod(number, static_cast<double>(*divisor)) != 0.0) return false;
    }
    return true;
}

Result<bool> SchemaCompiler::admits(const Conjunction& schemas, unsigned types, const Json& value) const {
    if (value.is_null()) return (types & kNull) != 0;
    if (value.boolean() != nullptr) return (types & kBoolean) != 0;
    if (const auto* text = value.string()) {
        if ((types & kString) == 0) return false;
        return admits_string(schemas, *text);
    }
    if (const auto number = value.number()) {
        const unsigned wanted = *number == std::trunc(*number) ? kInteger : kNumber;
        if ((types & wanted) == 0) return false;
        return admits_number(schemas, value);
    }
    if ((types & (value.array() != nullptr ? kArray : kObject)) == 0) return false;
    constexpr std::array<std::string_view, 11> kOfContainers{
        "properties",    "required",      "additionalProperties", "patternProperties",
        "minProperties", "maxProperties", "prefixItems",          "items",
        "minItems",      "maxItems",      "uniqueItems"};
    for (const SchemaPart& part : schemas.parts) {
        for (const std::string_view keyword : kOfContainers) {
            if (part.schema->find(keyword) != nullptr) {
                return document_.error(SLUICE_E_UNSUPPORTED, *part.schema, keyword,
                                       "is not supported beside enum or const with arrays or objects");
            }
        }
    }
    return true;
}

Done SchemaCompiler::add_number(StateId from, const Conjunction& schemas, bool is_integer, StateId to) {
    NumberRule rule;
    rule.is_integer = is_integer;
    double least = 0;
    double most = 0;
    for (const SchemaPart& part : schemas.parts) {
        SLUICE_ASSIGN(minimum, document_.number_of(*part.schema, "minimum"));
        SLUICE_ASSIGN(above, document_.number_of(*part.schema, "exclusiveMinimum"));
        SLUICE_ASSIGN(maximum, document_.number_of(*part.schema, "maximum"));
        SLUICE_ASSIGN(below, document_.number_of(*part.schema, "exclusiveMaximum"));
        if (minimum != nullptr) raise(rule.lower, *minimum, true, least);
        if (above != nullptr) raise(rule.lower, *above, false, least);
        if (maximum != nullptr) lower(rule.upper, *maximum, true, most);
        if (below != nullptr) lower(rule.upper, *below, false, most);
        SLUICE_ASSIGN(divisor, divisor_of(document_, *part.schema));
        if (!divisor) continue;
        // Multiples of both: of their least common multiple, which both divide.
        const std::uint64_t both = *divisor / std::gcd(*divisor, rule.divisor) * rule.divisor;
        if (both > kMaxDivisor)
            return fail(SLUICE_E_LIMIT, *part.schema, "multipleOf",
                        "has too large a common multiple with another");
        rule.divisor = both;
        rule.is_integer = true;
    }
    SLUICE_ASSIGN(automaton, number_automaton(rule));
    Speller(builder_, Spelling::kPlain).add(from, automaton, to);
    return Nothing{};
}

Done SchemaCompiler::add_string(StateId from, const Conjunction& schemas, StateId to) {
    SLUICE_ASSIGN(lengths, lengths_of(document_, schemas));
    SLUICE_ASSIGN(patterns, patterns_of(schemas));
    if (lengths.min > lengths.max) return Nothing{};
    if (!patterns.empty()) {
        if (lengths.min > 0 || lengths.max != kUnbounded) {
            SLUICE_ASSIGN(length, CharacterAutomaton::of_length(lengths.min, lengths.max));
            patterns.push_back(std::move(length));
        }
        SLUICE_ASSIGN(automaton, intersection(patterns));
        add_in_quotes(from, automaton, to);
        return Nothing{};
    }
    if (lengths.min == 0 && lengths.max == kUnbounded) {
        builder_.add_call(from, free_string(), to);
        return Nothing{};
    }
    const auto min = static_cast<std::uint32_t>(lengths.min);
    const auto max = static_cast<std::uint32_t>(std::min<std::uint64_t>(lengths.max, kUnbounded));
    if (options_.notation == Notation::kPython) {
        const StateId single = builder_.add_state();
        builder_.add_call(builder_.add_text(from, "'"), free_character(Spelling::kPythonSingle), single, min,
                          max);
        builder_.add_text(single, "'", to);
    }
    const Spelling spelling =
        options_.notation == Notation::kPython ? Spelling::kPythonDouble : Spelling::kJson;
    const StateId end = builder_.add_state();
    builder_.add_call(builder_.add_text(from, "\""), free_character(spelling), end, min, max);
    builder_.add_text(end, "\"", to);
    return Nothing{};
}

void SchemaCompiler::add_in_quotes(StateId from, const CharacterAutomaton& automaton, StateId to) {
    const auto add = [&](std::string_view quote, Spelling spelling) {
        const StateId end = builder_.add_state();
        Speller(builder_, spelling).add(builder_.add_text(from, quote), automaton, end);
        builder_.add_text(end, quote, to);
    };
    if (options_.notation == Notation::kPython) {
        add("\"", Spelling::kPythonDouble);
        add("'", Spelling::kPythonSingle);
    } else {
        add("\"", Spelling::kJson);
    }
}

RuleId SchemaCompiler::free_string() {
    if (!free_string_) {
        free_string_ = builder_.add_rule("a string");
        const Rule rule = builder_.rule(*free_string_);
        add_in_quotes(rule.start, CharacterAutomaton::of_all(), rule.end);
    }
    return *free_string_;
}

RuleId SchemaCompiler::free_character(Spelling spelling) {
    const auto [place, is_new] = free_character_.try_emplace(spelling, RuleId{0});
    if (is_new) {
        place->second = builder_.add_rule("a character");
        const Rule rule = builder_.rule(place->second);
        Speller(builder_, spelling).add(rule.start, CharacterSet::all(), rule.end);
    }
    return place->second;
}

}  // namespace sluice::grammar
