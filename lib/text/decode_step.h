// The one rule of decoding that looks at more than one token, shared by whole and streamed decoding.
#pragma once

#include <string_view>

#include "text/tokenizer.h"

namespace sluice {

// What the token adds to a text. at_start is true before the first token; it remembers whether a space that
// encode put in front may come next. Requires an id of the vocabulary.
inline std::string_view decode_step(const Tokenizer& tokenizer, TokenId id, bool skip_special, bool& at_start) {
    std::string_view bytes = tokenizer.bytes(id);
    if (tokenizer.token_kind(id) == TokenKind::kControl) {
        at_start = true;
        return skip_special ? std::string_view() : bytes;
    }
    if (at_start && tokenizer.adds_space_prefix() && !bytes.empty() && bytes.front() == ' ') {
        bytes.remove_prefix(1);
    }
    at_start = false;
    return bytes;
}

}  // namespace sluice
