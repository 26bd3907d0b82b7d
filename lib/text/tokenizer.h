// The tokenizer: text to token ids and back. Immutable after creation; any thread. Special tokens are found
// here, whatever the vocabulary; a subclass encodes the text between them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/token_index.h"
#include "text/vocabulary.h"

namespace sluice {

namespace grammar {
class ConstraintCache;
}

struct EncodeOptions {
    bool add_bos = false;
    bool plain = false;  // text that spells a special token stays text
};

class Tokenizer {
public:
    virtual ~Tokenizer() = default;
    Tokenizer(const Tokenizer&) = delete;
    Tokenizer& operator=(const Tokenizer&) = delete;

    // Appends the ids of text. Unless options.plain, control and user-defined tokens that text spells become
    // their ids: the leftmost first, at one place the longest, of equal ones the lowest id. The user-defined
    // pieces of SentencePiece vocabularies are ordinary text that is never taken apart, in plain text too.
    // Bytes that are not UTF-8 are encoded one by one.
    // Errors: LIMIT (over kMaxEncodeSize), NOT_FOUND (a byte that the vocabulary cannot spell; with its
    // offset, but for SentencePiece), OUT_OF_MEMORY (SentencePiece only); `ids` is then as it was.
    Done encode(std::string_view text, const EncodeOptions& options, std::vector<TokenId>& ids) const;

    // The bytes a token stands for, perhaps part of a character. Empty for an id outside the vocabulary,
    // and for pieces without text.
    std::string_view bytes(TokenId id) const;

    // Appends the bytes of all ids: not yet valid UTF-8 (see detokenizer.h and utf8.h). skip_special leaves
    // out control tokens; user-defined ones are text. A space that encode put in front is taken away again.
    // Errors: INVALID_ARGUMENT, naming the id outside the vocabulary; `text` is then as it was.
    Done decode(std::span<const TokenId> ids, bool skip_special, std::string& text) const;

    std::size_t size() const { return bytes_.size(); }
    bool is_special(TokenId id) const;           // control or user-defined
    TokenId find(std::string_view token) const;  // its bytes; a special one first; kNoToken if there is none
    bool is_stop(TokenId id) const;

    VocabularyKind kind() const { return kind_; }
    TokenId bos() const { return bos_; }
    TokenId eos() const { return eos_; }
    TokenId pad() const { return pad_; }
    TokenId unknown() const { return unknown_; }
    bool adds_bos() const { return adds_bos_; }
    // SentencePiece only: encode puts a space in front of each run of text.
    bool adds_space_prefix() const { return adds_space_prefix_; }
    std::size_t n_merges() const { return n_merges_; }
    TokenKind token_kind(TokenId id) const;
    std::span<const TokenId> stop_tokens() const { return stop_tokens_; }

    // The constraints that were made for this vocabulary. Any thread.
    grammar::ConstraintCache& constraints() const { return *constraints_; }

protected:
    Tokenizer() = default;

    // Checks the vocabulary and fills the common part; bytes[id] is what each token stands for, as many as
    // the vocabulary has tokens. Called once, by what makes the subclass.
    // Errors: CORRUPT, LIMIT.
    Done initialise(const Vocabulary& vocabulary, std::vector<std::string> bytes);

    const std::vector<std::string>& token_bytes() const { return bytes_; }

    // Encodes what stands before, between and after special tokens; never empty. On failure ids may have grown.
    virtual Done encode_plain(std::string_view text, std::vector<TokenId>& ids) const = 0;

private:
    Done check(const Vocabulary& vocabulary) const;
    Done append_ids(std::string_view text, const EncodeOptions& options, std::vector<TokenId>& ids) const;
    bool contains(TokenId id) const { return id >= 0 && static_cast<std::size_t>(id) < bytes_.size(); }

    VocabularyKind kind_ = VocabularyKind::kByteLevelBpe;
    std::vector<std::string> bytes_;
    std::vector<TokenKind> kinds_;
    TokenIndex all_;
    TokenIndex special_;
    std::vector<TokenId> stop_tokens_;
    std::size_t n_merges_ = 0;
    TokenId bos_ = kNoToken;
    TokenId eos_ = kNoToken;
    TokenId pad_ = kNoToken;
    TokenId unknown_ = kNoToken;
    bool adds_bos_ = false;
    bool adds_space_prefix_ = false;
    std::shared_ptr<grammar::ConstraintCache> constraints_;
};

// Checks the vocabulary and builds its tokenizer. Errors: CORRUPT (naming the token or merge), LIMIT,
// UNSUPPORTED (an unknown pre-tokenizer; SentencePiece when built without it).
Result<std::shared_ptr<const Tokenizer>> make_tokenizer(const Vocabulary& vocabulary);

// A SentencePiece .model file, unigram or BPE. Errors: CORRUPT, LIMIT, OUT_OF_MEMORY, UNSUPPORTED (built
// without sentencepiece; another kind of model; a table of character replacements, as NFKC has).
Result<std::shared_ptr<const Tokenizer>> read_sentencepiece_model(std::string_view model);

}  // namespace sluice
