// The only file that knows the sentencepiece library. It gets a model that we wrote ourselves from checked
// pieces, and text that is already normalised: so it has nothing to complain about, and neither prints nor
// ends the process. Its exceptions stop here.
#include "text/sentencepiece.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/sentence.h"
#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/sentencepiece_model.h"

#ifdef SLUICE_HAS_SENTENCEPIECE
#include <sentencepiece_processor.h>

#include <array>
#include <exception>
#include <new>
#endif

namespace sluice {

#ifdef SLUICE_HAS_SENTENCEPIECE

namespace {

constexpr std::string_view kSpaceLetter = "\xE2\x96\x81";  // U+2581 stands for a space
// Longer ones would cost the library that many steps per letter of a text; trained pieces have 16 letters.
constexpr std::size_t kMaxPieceSize = 1024;
// The library takes an unused piece apart again by recursion, one level per letter at worst.
constexpr std::size_t kMaxUnusedPieceSize = 128;

std::string spaces_for_letters(std::string_view piece) {
    std::string text;
    for (std::size_t position = 0; position < piece.size();) {
        if (piece.substr(position, kSpaceLetter.size()) == kSpaceLetter) {
            text += ' ';
            position += kSpaceLetter.size();
        } else {
            text += piece[position++];
        }
    }
    return text;
}

class SentencePieceTokenizer final : public Tokenizer {
public:
    Done load(const SentencePieceModel& model);

protected:
    Done encode_plain(std::string_view text, std::vector<TokenId>& ids) const override;

private:
    Result<std::string> library_file(const SentencePieceModel& model);
    Done encode_byte(unsigned char byte, std::vector<TokenId>& ids) const;
    Done encode_runs(std::string_view all, std::vector<TokenId>& ids) const;
    Done encode_normalised(std::string_view text, std::vector<TokenId>& ids) const;
    std::string normalise(std::string_view text) const;

    sentencepiece::SentencePieceProcessor processor_;
    std::array<TokenId, 256> byte_tokens_{};
    std::vector<std::string> user_pieces_;  // user-defined ones, spelled as normalised text
    std::vector<TokenId> user_ids_;         // of each of them
    TokenIndex user_index_;                 // of their places in user_pieces_
    TokenId library_unknown_ = kNoToken;
    bool remove_extra_whitespaces_ = false;
    CharacterReplacements replacements_;
};

Result<std::string> bytes_of(const VocabularyToken& token, std::size_t id) {
    if (token.kind == TokenKind::kControl || token.kind == TokenKind::kUnknown) return token.text;
    if (token.kind != TokenKind::kByte) return spaces_for_letters(token.text);
    const auto byte = byte_of_fallback(token.text);
    if (!byte) {
        return make_error(SLUICE_E_CORRUPT, "byte token ", id, " is spelled '", printable(token.text),
                          "', not like '<0x0A>'");
    }
    return std::string(1, static_cast<char>(*byte));
}

// The wall: what the library throws becomes an error.
template <class Body>
Done walled(Body&& body) {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return make_error(SLUICE_E_OUT_OF_MEMORY, "the SentencePiece library ran out of memory");
    } catch (const std::exception& failure) {
        return make_error(SLUICE_E_CORRUPT, "the SentencePiece library failed: ", printable(failure.what()));
    }
}

// Pieces that text never becomes get a name that no UTF-8 text has: the library wants them distinct.
std::string unspeakable_name(std::size_t id) {
    return sentence('\xFF', id);
}

// Whether the library shall find the piece in text. User-defined ones it may find in unigram models alone,
// where they take part in the weighing; in BPE they merely cut the text, which is done here.
bool is_searched_for(TokenKind kind, SentencePieceAlgorithm algorithm) {
    return kind == TokenKind::kNormal || kind == TokenKind::kUnused ||
           (kind == TokenKind::kUserDefined && algorithm == SentencePieceAlgorithm::kUnigram);
}

// The library keeps the user-defined pieces that begin at one place in an array of this size and does not look
// whether there are more.
constexpr std::size_t kMaxNesting = 64;

Done check_nesting(std::vector<std::string_view> pieces) {
    std::sort(pieces.begin(), pieces.end());
    std::vector<std::string_view> prefixes;
    for (const std::string_view piece : pieces) {
        while (!prefixes.empty() && !piece.starts_with(prefixes.back())) prefixes.pop_back();
        prefixes.push_back(piece);
        if (prefixes.size() > kMaxNesting) {
            return make_error(SLUICE_E_LIMIT, "over ", kMaxNesting, " user-defined pieces begin '",
                              printable(prefixes.front()), "', each with the one before");
        }
    }
    return Nothing{};
}

Result<std::string> SentencePieceTokenizer::library_file(const SentencePieceModel& model) {
    const auto& tokens = model.vocabulary.tokens;
    std::vector<std::string> pieces;
    std::vector<TokenId> ordinary;
    pieces.reserve(tokens.size());
    for (std::size_t id = 0; id < tokens.size(); ++id) {
        const bool has_piece = is_searched_for(tokens[id].kind, model.algorithm) && is_utf8(tokens[id].text) &&
                               tokens[id].text.find('\0') == std::string::npos;
        pieces.push_back(has_piece ? tokens[id].text : std::string());
        if (has_piece) ordinary.push_back(static_cast<TokenId>(id));
    }
    const TokenIndex index(pieces, ordinary);
    std::vector<std::string_view> user_defined;
    SentencePieceWriter writer;
    bool has_unknown = false;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const VocabularyToken& token = tokens[i];
        if (!std::isfinite(token.score)) {
            return make_error(SLUICE_E_CORRUPT, "token ", i, " has a score that is not a finite number");
        }
        const auto id = static_cast<TokenId>(i);
        LibraryPiece piece{unspeakable_name(i), token.score, TokenKind::kControl};
        if (index.find(pieces[i]) == id) {
            const std::size_t limit = token.kind == TokenKind::kUnused ? kMaxUnusedPieceSize : kMaxPieceSize;
            if (token.text.size() > limit) {
                return make_error(SLUICE_E_LIMIT, "piece ", i, " has ", token.text.size(), " bytes; at most ",
                                  limit, " are allowed");
            }
            piece.text = token.text;
            piece.kind = token.kind;
            if (token.kind == TokenKind::kUserDefined) user_defined.push_back(token.text);
        } else if (token.kind == TokenKind::kUnknown && !has_unknown) {
            piece.kind = TokenKind::kUnknown;
            has_unknown = true;
            library_unknown_ = id;
        }
        writer.add(piece);
    }
    if (!has_unknown) {
        library_unknown_ = static_cast<TokenId>(tokens.size());
        writer.add({unspeakable_name(tokens.size()), 0.0F, TokenKind::kUnknown});
    }
    SLUICE_TRY(check_nesting(std::move(user_defined)));
    return writer.finish(model.algorithm, false);
}

Done SentencePieceTokenizer::load(const SentencePieceModel& model) {
    const Vocabulary& vocabulary = model.vocabulary;
    std::vector<std::string> bytes;
    bytes.reserve(vocabulary.tokens.size());
    for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
        SLUICE_ASSIGN(spelled, bytes_of(vocabulary.tokens[id], id));
        bytes.push_back(std::move(spelled));
    }
    SLUICE_TRY(initialise(vocabulary, std::move(bytes)));
    remove_extra_whitespaces_ = model.remove_extra_whitespaces;
    replacements_ = model.replacements;
    std::vector<TokenId> places;
    for (std::size_t i = 0; i < size(); ++i) {
        if (vocabulary.tokens[i].kind != TokenKind::kUserDefined) continue;
        if (model.algorithm == SentencePieceAlgorithm::kUnigram) continue;
        places.push_back(static_cast<TokenId>(places.size()));
        user_pieces_.push_back(vocabulary.tokens[i].text);
        user_ids_.push_back(static_cast<TokenId>(i));
    }
    user_index_ = TokenIndex(user_pieces_, places);
    byte_tokens_.fill(kNoToken);
    std::size_t n_bytes = 0;
    for (std::size_t i = 0; i < size(); ++i) {
        if (vocabulary.tokens[i].kind != TokenKind::kByte) continue;
        TokenId& byte_token = byte_tokens_[static_cast<unsigned char>(token_bytes()[i][0])];
        if (byte_token == kNoToken) ++n_bytes;
        if (byte_token == kNoToken) byte_token = static_cast<TokenId>(i);
    }
    if (n_bytes != 0 && n_bytes != 256) {
        return make_error(SLUICE_E_CORRUPT, "the vocabulary has tokens for ", n_bytes,
                          " bytes; 256 or none are needed");
    }
    SLUICE_ASSIGN(file, library_file(model));
    return walled([&]() -> Done {
        const auto status = processor_.LoadFromSerializedProto(file);
        if (status.ok()) return Nothing{};
        return make_error(SLUICE_E_CORRUPT, "the SentencePiece library refuses the vocabulary: ",
                          printable(status.error_message()));
    });
}

// What the library's normaliser does; its own walks the foreign table unchecked.
std::string SentencePieceTokenizer::normalise(std::string_view text) const {
    std::string normalised;
    if (adds_space_prefix()) normalised += kSpaceLetter;
    const std::size_t prefix_size = normalised.size();
    bool after_space = remove_extra_whitespaces_;
    for (const char byte : text) {
        const bool is_space = byte == ' ';
        if (is_space && after_space) continue;
        if (is_space) {
            normalised += kSpaceLetter;
        } else {
            normalised += byte;
        }
        after_space = is_space && remove_extra_whitespaces_;
    }
    if (!remove_extra_whitespaces_) return normalised;
    if (normalised.size() == prefix_size) return {};  // nothing but spaces
    while (normalised.size() > prefix_size && normalised.ends_with(kSpaceLetter)) {
        normalised.resize(normalised.size() - kSpaceLetter.size());
    }
    return normalised;
}

Done SentencePieceTokenizer::encode_normalised(std::string_view text, std::vector<TokenId>& ids) const {
    if (text.empty()) return Nothing{};
    sentencepiece::ImmutableSentencePieceText result;
    const auto status = processor_.Encode(text, result.mutable_proto());
    if (!status.ok()) {
        return make_error(SLUICE_E_INTERNAL, "the SentencePiece library cannot encode a text of ", text.size(),
                          " bytes: ", printable(status.error_message()));
    }
    const bool has_bytes = byte_tokens_[0] != kNoToken;
    for (std::size_t i = 0; i < result.pieces_size(); ++i) {
        const auto piece = result.pieces(static_cast<int>(i));
        const auto id = static_cast<TokenId>(piece.id());
        if (id == library_unknown_ && has_bytes) {
            for (const char byte : piece.piece()) {
                ids.push_back(byte_tokens_[static_cast<unsigned char>(byte)]);
            }
        } else if (id == library_unknown_ && static_cast<std::size_t>(id) == size()) {
            return make_error(SLUICE_E_NOT_FOUND, "the vocabulary has no token for '", printable(piece.piece()),
                              "' and no unknown token");
        } else {
            ids.push_back(id);
        }
    }
    return Nothing{};
}

Done SentencePieceTokenizer::encode_plain(std::string_view text, std::vector<TokenId>& ids) const {
    const std::string normalised = normalise(replacements_.apply(text));
    return walled([&] { return encode_runs(normalised, ids); });
}

// The library sees the UTF-8 between user-defined pieces and bytes that are no UTF-8.
Done SentencePieceTokenizer::encode_runs(std::string_view all, std::vector<TokenId>& ids) const {
    std::size_t run = 0;
    for (std::size_t position = 0; position < all.size();) {
        const CodePoint point = code_point_at(all, position);
        const TokenIndex::Match match = user_index_.longest(all, position);
        if (point.valid && match.id == kNoToken) {
            position += point.size;
            continue;
        }
        SLUICE_TRY(encode_normalised(all.substr(run, position - run), ids));
        if (match.id != kNoToken) {
            ids.push_back(user_ids_[static_cast<std::size_t>(match.id)]);
            position += match.size;
        } else {
            SLUICE_TRY(encode_byte(static_cast<unsigned char>(all[position]), ids));
            ++position;
        }
        run = position;
    }
    return encode_normalised(all.substr(run), ids);
}

Done SentencePieceTokenizer::encode_byte(unsigned char byte, std::vector<TokenId>& ids) const {
    const TokenId id = byte_tokens_[byte] != kNoToken ? byte_tokens_[byte] : library_unknown_;
    if (static_cast<std::size_t>(id) == size()) {
        return make_error(SLUICE_E_NOT_FOUND, "the vocabulary has no token for byte ", static_cast<int>(byte));
    }
    ids.push_back(id);
    return Nothing{};
}

Result<std::shared_ptr<const Tokenizer>> make(const SentencePieceModel& model) {
    auto tokenizer = std::make_shared<SentencePieceTokenizer>();
    SLUICE_TRY(tokenizer->load(model));
    return std::shared_ptr<const Tokenizer>(std::move(tokenizer));
}

}  // namespace

#else

namespace {

Error make(const SentencePieceModel&) {
    return make_error(SLUICE_E_UNSUPPORTED, "this build reads no SentencePiece vocabularies");
}

}  // namespace

#endif

Result<std::shared_ptr<const Tokenizer>> make_sentencepiece(const Vocabulary& vocabulary) {
    SentencePieceModel model;
    model.vocabulary = vocabulary;
    return make(model);
}

Result<std::shared_ptr<const Tokenizer>> read_sentencepiece_model(std::string_view file) {
    SLUICE_ASSIGN(model, read_sentencepiece_file(file));
    return make(model);
}

}  // namespace sluice
