// The insides of [ ] and escapes, as regular expressions and grammars share them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "text/grammar/character_set.h"

namespace sluice::grammar {

// What \d, \w or \s stands for, or their capitals; nothing for another letter. ASCII for \d and \w; \s as in
// ECMA-262 without U+FEFF, about which languages differ.
std::optional<CharacterSet> class_of_letter(char letter);

// Reads an escape; `position` is after the backslash and moves behind it. Only those that stand for one
// character: \t \n \r \f \v \0 \xHH \uHHHH (also pairs) \u{H...} \UHHHHHHHH, and punctuation.
// Errors: INVALID_ARGUMENT, UNSUPPORTED.
Result<std::uint32_t> read_escaped_character(std::string_view text, std::size_t& position);

// Reads a class; `position` is after the opening bracket and moves behind the closing one.
// Errors: INVALID_ARGUMENT (also a reversed range), UNSUPPORTED.
Result<CharacterSet> read_character_class(std::string_view text, std::size_t& position);

}  // namespace sluice::grammar
