// A vocabulary prepared for masks, once for all constraints. Tokens that may stand inside any JSON string,
// whole characters that need no escape, are kept apart in slices by their length: where a constraint takes that
// many such characters whatever they are, a slice is allowed as a whole and nobody walks its tree.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/grammar/token_trie.h"
#include "text/tokenizer.h"

namespace sluice::grammar {

// Whole UTF-8 characters from U+0020 on, none of them a double quote or a backslash: how many; 0 for other
// text.
std::size_t count_plain_characters(std::string_view text);

// Immutable; any thread.
class VocabularyIndex {
public:
    struct Slice {
        std::size_t max_characters = 0;  // 0: the rest, tokens that are in no other slice
        std::vector<std::uint64_t> words;
        std::size_t n_tokens = 0;
        TokenTrie trie;
    };

    // Left out are control tokens, unused ones and, where the vocabulary is byte-level, user-defined ones; and
    // tokens without bytes.
    explicit VocabularyIndex(const Tokenizer& tokenizer);

    std::size_t n_tokens() const { return n_tokens_; }
    std::size_t n_words() const { return (n_tokens_ + 63) / 64; }
    std::span<const Slice> slices() const { return slices_; }
    std::span<const TokenId> stop_tokens() const { return stop_tokens_; }
    std::string_view bytes(TokenId id) const;  // empty for tokens that are left out
    std::size_t max_depth() const { return max_depth_; }
    std::size_t memory() const;

private:
    std::size_t n_tokens_ = 0;
    std::size_t max_depth_ = 0;
    std::vector<std::string> bytes_;
    std::vector<TokenId> stop_tokens_;
    std::vector<Slice> slices_;
};

}  // namespace sluice::grammar
