// Vocabularies small enough to reason about by hand.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/catch.h"
#include "text/byte_level.h"
#include "text/tokenizer.h"

namespace sluice {

// Tokens 0 to 255 are the bytes in order.
inline Vocabulary byte_vocabulary() {
    Vocabulary vocabulary;
    for (int byte = 0; byte < 256; ++byte) {
        vocabulary.tokens.push_back({letters_of_bytes(std::string(1, static_cast<char>(byte)))});
    }
    return vocabulary;
}

inline TokenId add_token(Vocabulary& vocabulary, std::string text, TokenKind kind = TokenKind::kNormal) {
    vocabulary.tokens.push_back({std::move(text), kind, 0.0F});
    return static_cast<TokenId>(vocabulary.tokens.size() - 1);
}

// The merge and its result.
inline TokenId add_merge(Vocabulary& vocabulary, const std::string& left, const std::string& right) {
    vocabulary.merges.emplace_back(left, right);
    return add_token(vocabulary, left + right);
}

inline std::shared_ptr<const Tokenizer> made(const Vocabulary& vocabulary) {
    auto tokenizer = make_tokenizer(vocabulary);
    if (!tokenizer) FAIL(tokenizer.error().message);
    return *tokenizer;
}

inline std::vector<TokenId> ids_of(const Tokenizer& tokenizer, std::string_view text,
                                   const EncodeOptions& options = {}) {
    std::vector<TokenId> ids;
    const Done done = tokenizer.encode(text, options, ids);
    if (!done) FAIL(done.error().message);
    return ids;
}

inline std::string text_of(const Tokenizer& tokenizer, const std::vector<TokenId>& ids,
                           bool skip_special = false) {
    std::string text;
    const Done done = tokenizer.decode(ids, skip_special, text);
    if (!done) FAIL(done.error().message);
    return text;
}

inline std::int32_t status_of(const Vocabulary& vocabulary) {
    const auto tokenizer = make_tokenizer(vocabulary);
    return tokenizer ? SLUICE_OK : tokenizer.error().status;
}

inline std::string message_of(const Vocabulary& vocabulary) {
    const auto tokenizer = make_tokenizer(vocabulary);
    return tokenizer ? std::string() : tokenizer.error().message;
}

}  // namespace sluice
