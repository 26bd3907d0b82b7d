// What a tokenizer file says, whichever format it had: the input of make_tokenizer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace sluice {

using TokenId = std::int32_t;
constexpr TokenId kNoToken = -1;

// Numbered as tokenizer.ggml.token_type in GGUF.
enum class TokenKind : std::int32_t {
    kNormal = 1,
    kUnknown = 2,
    kControl = 3,      // special: never part of plain text
    kUserDefined = 4,  // added: matched in text before anything else, shown like normal text
    kUnused = 5,
    kByte = 6,  // "<0x0A>": a byte fallback
};

enum class VocabularyKind {
    kByteLevelBpe,   // GGUF "gpt2", tokenizer.json "BPE" with ByteLevel
    kSentencePiece,  // GGUF "llama": pieces with scores
};

struct VocabularyToken {
    std::string text;  // as the file spells it: byte-level letters, or a SentencePiece piece
    TokenKind kind = TokenKind::kNormal;
    float score = 0.0F;  // SentencePiece only
};

struct Vocabulary {
    VocabularyKind kind = VocabularyKind::kByteLevelBpe;
    std::vector<VocabularyToken> tokens;  // index = id
    // "left right" pairs, best first. Byte-level BPE only.
    std::vector<std::pair<std::string, std::string>> merges;
    std::string pre_tokenizer = "lfm2";  // GGUF tokenizer.ggml.pre; the family's rule is "lfm2"
    bool ignore_merges = true;  // a piece that is a token as a whole is that token, whatever the merges say
    bool byte_fallback = false;
    bool add_bos = false;
    bool add_space_prefix = false;  // SentencePiece only
    TokenId bos = kNoToken;
    TokenId eos = kNoToken;
    TokenId pad = kNoToken;
    TokenId unknown = kNoToken;
    std::vector<TokenId> stop_tokens;  // eos and those the family ends a message with, by spelling
};

// The budgets of reference/reliability.md 3.3.
constexpr std::uint64_t kMaxVocabulary = 1u << 20;
constexpr std::uint64_t kMaxMerges = 2u << 20;
constexpr std::uint64_t kMaxTokenSize = 64u << 10;
constexpr std::uint64_t kMaxEncodeSize = 64u << 20;  // bytes of one text
constexpr std::uint64_t kMaxSpecialSize = 256;       // bytes of a control or user-defined token

// Adds eos and the tokens the family ends a message or a text with, "<|im_end|>" and "<|endoftext|>", to
// stop_tokens, where they are not yet there.
void add_family_stop_tokens(Vocabulary& vocabulary);

// Reads a Hugging Face tokenizer.json; tokenizer_config (may be empty) names bos, eos, pad and add_bos_token.
// Errors: CORRUPT, UNSUPPORTED (a model, normaliser or pre-tokenizer that is not the family's), LIMIT.
// Ids that the file leaves out become kUnused tokens without text.
Result<Vocabulary> read_tokenizer_json(std::string_view tokenizer_json, std::string_view tokenizer_config);

}  // namespace sluice
