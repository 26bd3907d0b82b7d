// The .model file of SentencePiece: a protobuf message, read under budgets and written anew, so that the
// library parses only bytes that we made.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "text/character_replacements.h"
#include "text/vocabulary.h"

namespace sluice {

enum class SentencePieceAlgorithm : std::uint64_t { kUnigram = 1, kBpe = 2 };  // numbered as in the file

struct SentencePieceModel {
    Vocabulary vocabulary;
    SentencePieceAlgorithm algorithm = SentencePieceAlgorithm::kBpe;
    bool remove_extra_whitespaces = false;
    CharacterReplacements replacements;
};

constexpr std::uint64_t kMaxSentencePieceFile = 256u << 20;

// Field numbers and defaults: sentencepiece_model.proto of google/sentencepiece.
// Errors: CORRUPT with the byte offset, LIMIT, UNSUPPORTED (word or character models, character
// replacements on decoding, white space as a suffix or not escaped).
Result<SentencePieceModel> read_sentencepiece_file(std::string_view file);

// One piece as the library shall see it.
struct LibraryPiece {
    std::string text;
    float score = 0.0F;
    TokenKind kind = TokenKind::kNormal;
};

// Writes a .model file that normalises nothing but spaces, which text given to the library has none of.
class SentencePieceWriter {
public:
    void add(const LibraryPiece& piece);
    // The whole file. Nothing may be added afterwards.
    std::string finish(SentencePieceAlgorithm algorithm, bool byte_fallback);

private:
    std::string file_;
};

}  // namespace sluice
