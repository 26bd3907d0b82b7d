// Numbers in decimal notation, within bounds, as automata.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "text/grammar/character_automaton.h"

namespace sluice::grammar {

// The largest multipleOf: each remainder is a state.
constexpr std::uint64_t kMaxDivisor = 5000;

// A number as it is written without an exponent, without needless zeros.
struct Decimal {
    bool is_negative = false;
    std::string integer;   // at least one digit
    std::string fraction;  // may be empty
};

// The shortest decimal that reads back as the number. Requires a number that is finite.
Decimal decimal_of(const Json& number);

struct NumberBound {
    Decimal value;
    bool is_inclusive = true;
};

struct NumberRule {
    bool is_integer = false;
    std::optional<NumberBound> lower;
    std::optional<NumberBound> upper;
    std::uint64_t divisor = 1;  // integers only
};

// JSON numbers of at most 18 digits before the point and 16 behind, and where there are no bounds an exponent
// up to 289, so that every number is finite in double precision. With a bound that is exclusive, fewer digits,
// so that no number rounds to the bound. Integers have neither a fraction nor an exponent. Errors: LIMIT.
Result<CharacterAutomaton> number_automaton(const NumberRule& rule);

}  // namespace sluice::grammar
