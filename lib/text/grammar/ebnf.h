// Grammars as text, in the notation that llama.cpp's GBNF made common.
#pragma once

#include <string_view>

#include "base/result.h"
#include "text/grammar/automaton.h"

namespace sluice::grammar {

constexpr std::size_t kMaxGrammarSize = 1u << 20;  // bytes
constexpr std::size_t kMaxGrammarRules = 10'000;
constexpr std::size_t kMaxGrammarDepth = 100;  // groups in groups

// Rules, `name ::= expression`, in any order and over any number of lines; the text begins with the rule
// `root`. An expression is one of: "text" with the escapes of character_class.h; a class [a-z] or [^a-z]; `.`,
// any character, line ends too; the name of a rule (letters, digits, '-' and '_'); (group); each perhaps with *
// + ? {m} {m,} {m,n} behind; written one after the other, and with | between alternatives. # begins a comment.
// Errors: INVALID_ARGUMENT (syntax with its place, a rule that is missing or there twice, left recursion, no
// text at all is possible), LIMIT, UNSUPPORTED.
Result<Automaton> compile_grammar(std::string_view grammar);

}  // namespace sluice::grammar
