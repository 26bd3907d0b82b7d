// A template's source as tokens, with the white space already taken away that the environment of transformers
// takes: trim_blocks, lstrip_blocks, the signs - and + at tags, one newline at the end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/jinja/meter.h"

namespace sluice::jinja {

enum class TokenKind : std::uint8_t {
    kText,
    kVariableBegin,
    kVariableEnd,
    kBlockBegin,
    kBlockEnd,
    kName,
    kString,
    kInteger,
    kFloat,
    kSign,
    kEnd,
};

struct Token {
    TokenKind kind = TokenKind::kEnd;
    std::uint32_t line = 0;
    std::string text;  // of a kString: what it stands for; of numbers: without underscores
};

// The last token is a kEnd.
// Errors: LIMIT (source over the budget), CORRUPT (not UTF-8; a tag without an end, a character that no
// expression has, brackets that do not match), naming the line.
Result<std::vector<Token>> tokenize(std::string_view source, const Limits& limits);

// "template line 7: ..." as an error.
template <class... Pieces>
Error error_in_line(std::uint32_t line, std::int32_t status, const Pieces&... pieces) {
    return make_error(status, "template line ", line, ": ", pieces...);
}

}  // namespace sluice::jinja
