// Regular expressions: the part of ECMA-262 that JSON Schema's `pattern` is used with and that describes a
// regular language. No backtracking: an expression becomes a deterministic automaton within a budget.
#pragma once

#include <string_view>

#include "base/result.h"
#include "text/grammar/character_automaton.h"

namespace sluice::grammar {

constexpr std::size_t kMaxRegexSize = 64u << 10;  // bytes
constexpr std::size_t kMaxRegexDepth = 100;       // groups in groups
constexpr std::size_t kMaxRegexStates = 100'000;  // after {m,n} are written out

enum class RegexMatch {
    kWhole,   // the whole text, as if between ^ and $
    kSearch,  // some part of the text, as `pattern` wants it
};

// Known: literals, `.`, [classes] with ranges and negation, \d \w \s and their complements, \t \n \r \f \v \0
// \xHH \uHHHH \u{H...} and escaped punctuation; groups ( ), (?: ), (?<name> ); | * + ? {m} {m,} {m,n}, each
// also lazy (which changes no language); ^ and $ anywhere. As in ECMA-262, \d and \w are ASCII, `.` takes no
// line end, and there is no multi-line mode. Errors: UNSUPPORTED (look-around, back references, \b, \p, flags,
// possessive quantifiers; naming what and where), INVALID_ARGUMENT (syntax, invalid UTF-8), LIMIT.
Result<CharacterAutomaton> compile_regex(std::string_view expression, RegexMatch match);

}  // namespace sluice::grammar
