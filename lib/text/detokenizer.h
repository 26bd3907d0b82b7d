// Turns a stream of tokens into text that never splits a character.
#pragma once

#include <string>
#include <string_view>

#include "text/tokenizer.h"

namespace sluice {

// All the text it gives is that of Tokenizer::decode, with ill-formed parts replaced (base/utf8.h).
// Holds back the bytes of a character until it is whole; ill-formed bytes become U+FFFD as soon as it is
// certain that they are. One thread at a time.
class Detokenizer {
public:
    explicit Detokenizer(const Tokenizer& tokenizer, bool skip_special = false);

    // Adds a token and appends to `text` what is certain since. An id outside the vocabulary adds nothing.
    void push(TokenId id, std::string& text);
    // Appends what is still held back, as U+FFFD, and starts anew.
    void finish(std::string& text);
    void reset();
    // From the next token on; what is held back stays.
    void set_skip_special(bool skip_special) { skip_special_ = skip_special; }

private:
    const Tokenizer& tokenizer_;  // outlives this
    bool skip_special_;
    bool at_start_ = true;
    std::string held_;  // an incomplete character, at most 3 bytes
};

}  // namespace sluice
