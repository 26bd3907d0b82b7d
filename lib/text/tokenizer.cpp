// What all tokenizers share: the checks of a vocabulary, special tokens in text, decoding.
#include "text/tokenizer.h"

#include <algorithm>

#include "base/sentence.h"
#include "base/utf8.h"
#include "text/byte_level_bpe.h"
#include "text/decode_step.h"
#include "text/grammar/constraint_cache.h"
#include "text/sentencepiece.h"

namespace sluice {
namespace {

constexpr std::size_t kMaxStopTokens = 64;  // each token that is generated is compared with all

bool is_matched_in_text(TokenKind kind) {
    return kind == TokenKind::kControl || kind == TokenKind::kUserDefined;
}

Done check_token(const VocabularyToken& token, std::size_t id) {
    if (token.kind < TokenKind::kNormal || token.kind > TokenKind::kByte) {
        return make_error(SLUICE_E_CORRUPT, "token ", id, " has the unknown type ",
                          static_cast<std::int32_t>(token.kind));
    }
    if (token.text.empty() && token.kind != TokenKind::kUnused) {
        return make_error(SLUICE_E_CORRUPT, "token ", id, " is the empty text");
    }
    const std::uint64_t limit = is_matched_in_text(token.kind) ? kMaxSpecialSize : kMaxTokenSize;
    if (token.text.size() > limit) {
        return make_error(SLUICE_E_LIMIT, "token ", id, " has ", token.text.size(), " bytes; at most ", limit,
                          " are allowed");
    }
    return Nothing{};
}

Done check_reference(std::string_view name, TokenId id, std::size_t n_tokens) {
    if (id == kNoToken || (id >= 0 && static_cast<std::size_t>(id) < n_tokens)) return Nothing{};
    return make_error(SLUICE_E_CORRUPT, "the ", name, " token has id ", id, ", but the vocabulary has ",
                      n_tokens, " tokens");
}

}  // namespace

Done Tokenizer::check(const Vocabulary& vocabulary) const {
    const std::size_t n_tokens = vocabulary.tokens.size();
    if (n_tokens == 0) return make_error(SLUICE_E_CORRUPT, "the vocabulary has no tokens");
    if (n_tokens > kMaxVocabulary) {
        return make_error(SLUICE_E_LIMIT, "the vocabulary has ", n_tokens, " tokens; at most ", kMaxVocabulary,
                          " are allowed");
    }
    if (vocabulary.merges.size() > kMaxMerges) {
        return make_error(SLUICE_E_LIMIT, "the vocabulary has ", vocabulary.merges.size(), " merges; at most ",
                          kMaxMerges, " are allowed");
    }
    if (vocabulary.stop_tokens.size() > kMaxStopTokens) {
        return make_error(SLUICE_E_LIMIT, "the vocabulary has ", vocabulary.stop_tokens.size(),
                          " stop tokens; at most ", kMaxStopTokens, " are allowed");
    }
    for (std::size_t id = 0; id < n_tokens; ++id) SLUICE_TRY(check_token(vocabulary.tokens[id], id));
    SLUICE_TRY(check_reference("begin-of-sequence", vocabulary.bos, n_tokens));
    SLUICE_TRY(check_reference("end-of-sequence", vocabulary.eos, n_tokens));
    SLUICE_TRY(check_reference("padding", vocabulary.pad, n_tokens));
    SLUICE_TRY(check_reference("unknown", vocabulary.unknown, n_tokens));
    for (const TokenId id : vocabulary.stop_tokens) SLUICE_TRY(check_reference("stop", id, n_tokens));
    if (vocabulary.add_bos && vocabulary.bos == kNoToken) {
        return make_error(SLUICE_E_CORRUPT, "the vocabulary asks for a begin-of-sequence token and names none");
    }
    return Nothing{};
}

Done Tokenizer::initialise(const Vocabulary& vocabulary, std::vector<std::string> bytes) {
    SLUICE_TRY(check(vocabulary));
    kind_ = vocabulary.kind;
    bytes_ = std::move(bytes);
    std::vector<TokenId> all;
    std::vector<TokenId> special;
    all.reserve(bytes_.size());
    kinds_.reserve(bytes_.size());
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
        const auto id = static_cast<TokenId>(i);
        kinds_.push_back(vocabulary.tokens[i].kind);
        all.push_back(id);
        // SentencePiece finds its user-defined pieces in normalised text, so that is not done here.
        const bool is_text =
            kind_ == VocabularyKind::kSentencePiece && kinds_.back() == TokenKind::kUserDefined;
        if (is_matched_in_text(kinds_.back()) && !is_text) special.push_back(id);
    }
    all_ = TokenIndex(bytes_, all);
    special_ = TokenIndex(bytes_, special);
    for (const TokenId id : vocabulary.stop_tokens) {
        if (id != kNoToken && !is_stop(id)) stop_tokens_.push_back(id);
    }
    n_merges_ = vocabulary.merges.size();
    bos_ = vocabulary.bos;
    eos_ = vocabulary.eos;
    pad_ = vocabulary.pad;
    unknown_ = vocabulary.unknown;
    adds_bos_ = vocabulary.add_bos;
    adds_space_prefix_ = vocabulary.kind == VocabularyKind::kSentencePiece && vocabulary.add_space_prefix;
    constraints_ = std::make_shared<grammar::ConstraintCache>();
    return Nothing{};
}

Done Tokenizer::encode(std::string_view text, const EncodeOptions& options, std::vector<TokenId>& ids) const {
    if (text.size() > kMaxEncodeSize) {
        return make_error(SLUICE_E_LIMIT, "the text has ", text.size(), " bytes; at most ", kMaxEncodeSize,
                          " are encoded at once");
    }
    const std::size_t size_before = ids.size();
    Done done = append_ids(text, options, ids);
    if (!done) ids.resize(size_before);
    return done;
}

Done Tokenizer::append_ids(std::string_view text, const EncodeOptions& options,
                           std::vector<TokenId>& ids) const {
    if (options.add_bos && bos_ != kNoToken) ids.push_back(bos_);
    // An offset inside a run becomes one inside the text.
    const auto encode_run = [&](std::size_t begin, std::size_t end) -> Done {
        if (begin == end) return Nothing{};
        Done done = encode_plain(text.substr(begin, end - begin), ids);
        if (!done && done.error().file_offset >= 0) {
            done.error().file_offset += static_cast<std::int64_t>(begin);
        }
        return done;
    };
    std::size_t run = 0;
    for (std::size_t position = 0; !options.plain && position < text.size();) {
        const TokenIndex::Match match = special_.longest(text, position);
        if (match.id == kNoToken) {
            ++position;
            continue;
        }
        SLUICE_TRY(encode_run(run, position));
        ids.push_back(match.id);
        position += match.size;
        run = position;
    }
    return encode_run(run, text.size());
}

std::string_view Tokenizer::bytes(TokenId id) const {
    return contains(id) ? std::string_view(bytes_[static_cast<std::size_t>(id)]) : std::string_view();
}

Done Tokenizer::decode(std::span<const TokenId> ids, bool skip_special, std::string& text) const {
    for (const TokenId id : ids) {
        if (!contains(id)) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "token id ", id, " is outside the vocabulary of ",
                              bytes_.size(), " tokens");
        }
    }
    bool at_start = true;
    for (const TokenId id : ids) text += decode_step(*this, id, skip_special, at_start);
    return Nothing{};
}

bool Tokenizer::is_special(TokenId id) const {
    return contains(id) && is_matched_in_text(token_kind(id));
}

TokenId Tokenizer::find(std::string_view token) const {
    const TokenId special = special_.find(token);
    return special != kNoToken ? special : all_.find(token);
}

bool Tokenizer::is_stop(TokenId id) const {
    return std::find(stop_tokens_.begin(), stop_tokens_.end(), id) != stop_tokens_.end();
}

TokenKind Tokenizer::token_kind(TokenId id) const {
    return contains(id) ? kinds_[static_cast<std::size_t>(id)] : TokenKind::kUnused;
}

void add_family_stop_tokens(Vocabulary& vocabulary) {
    const auto add = [&vocabulary](TokenId id) {
        auto& stops = vocabulary.stop_tokens;
        if (std::find(stops.begin(), stops.end(), id) == stops.end()) stops.push_back(id);
    };
    if (vocabulary.eos != kNoToken) add(vocabulary.eos);
    const std::size_t n_tokens = std::min<std::size_t>(vocabulary.tokens.size(), kMaxVocabulary);
    for (std::string_view name : {"<|im_end|>", "<|endoftext|>"}) {
        for (std::size_t i = 0; i < n_tokens; ++i) {
            const VocabularyToken& token = vocabulary.tokens[i];
            if (token.kind == TokenKind::kUnused || token.text != name) continue;
            add(static_cast<TokenId>(i));
            break;
        }
    }
}

Result<std::shared_ptr<const Tokenizer>> make_tokenizer(const Vocabulary& vocabulary) {
    return vocabulary.kind == VocabularyKind::kSentencePiece ? make_sentencepiece(vocabulary)
                                                             : make_byte_level_bpe(vocabulary);
}

}  // namespace sluice
