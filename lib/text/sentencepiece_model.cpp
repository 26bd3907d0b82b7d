// The wire format of protobuf, as far as SentencePiece models use it. Messages are nested two deep and read
// by two loops; every field takes at least two bytes, so the work is bounded by the file's size.
#include "text/sentencepiece_model.h"

#include <bit>
#include <optional>

#include "base/checked.h"
#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice {
namespace {

enum class Wire : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct Field {
    std::uint64_t number = 0;
    Wire wire = Wire::kVarint;
    std::uint64_t value = 0;  // of a number
    std::string_view bytes;   // of kBytes
    std::size_t offset = 0;   // in the file
};

// Reads the fields of one message one by one.
class Cursor {
public:
    Cursor(std::string_view message, std::size_t offset) : message_(message), offset_(offset) {}

    bool at_end() const { return position_ == message_.size(); }
    Result<Field> next();

private:
    Result<std::uint64_t> varint();
    Result<std::uint64_t> fixed(std::size_t size);
    Error truncated() const {
        return error_at(offset_ + position_, SLUICE_E_CORRUPT, "the SentencePiece model is cut short");
    }

    std::string_view message_;
    std::size_t offset_;  // of the message in the file
    std::size_t position_ = 0;
};

Result<std::uint64_t> Cursor::varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (at_end()) return truncated();
        const auto byte = static_cast<unsigned char>(message_[position_++]);
        value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
        if (byte < 0x80) return value;
    }
    return error_at(offset_ + position_, SLUICE_E_CORRUPT, "the SentencePiece model has a number over 64 bits");
}

Result<std::uint64_t> Cursor::fixed(std::size_t size) {
    if (message_.size() - position_ < size) return truncated();
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
        value |= static_cast<std::uint64_t>(static_cast<unsigned char>(message_[position_ + i])) << (8 * i);
    }
    position_ += size;
    return value;
}

Result<Field> Cursor::next() {
    Field field;
    field.offset = offset_ + position_;
    SLUICE_ASSIGN(key, varint());
    field.number = key >> 3;
    field.wire = static_cast<Wire>(key & 7);
    if (field.number == 0 || field.number >> 29 != 0) {
        return error_at(field.offset, SLUICE_E_CORRUPT, "the SentencePiece model has a field number ",
                        field.number);
    }
    switch (field.wire) {
        case Wire::kVarint: {
            SLUICE_ASSIGN(value, varint());
            field.value = value;
            return field;
        }
        case Wire::kFixed32:
        case Wire::kFixed64: {
            SLUICE_ASSIGN(value, fixed(field.wire == Wire::kFixed32 ? 4 : 8));
            field.value = value;
            return field;
        }
        case Wire::kBytes: {
            SLUICE_ASSIGN(size, varint());
            if (size > message_.size() - position_) return truncated();
            field.bytes = message_.substr(position_, static_cast<std::size_t>(size));
            field.offset = offset_ + position_;
            position_ += static_cast<std::size_t>(size);
            return field;
        }
    }
    return error_at(field.offset, SLUICE_E_CORRUPT, "the SentencePiece model has a field of wire type ",
                    key & 7);
}

// The fields of the trainer's and the normaliser's specification that change what encoding does.
struct Specification {
    SentencePieceModel* model;
    std::string_view bos = "<s>";
    std::string_view eos = "</s>";
    std::string_view pad = "<pad>";
};

Error wrong_wire(const Field& field) {
    return error_at(field.offset, SLUICE_E_CORRUPT, "field ", field.number,
                    " of the SentencePiece model has wire type ", static_cast<std::uint32_t>(field.wire));
}

bool is(const Field& field, std::uint64_t number) {
    return field.number == number;
}

Error unsupported(std::string_view what) {
    return make_error(SLUICE_E_UNSUPPORTED, "SentencePiece models with ", what, " are not supported");
}

Result<VocabularyToken> read_piece(const Field& message) {
    VocabularyToken token;
    Cursor cursor(message.bytes, message.offset);
    while (!cursor.at_end()) {
        SLUICE_ASSIGN(field, cursor.next());
        if (is(field, 1)) {
            if (field.wire != Wire::kBytes) return wrong_wire(field);
            token.text = field.bytes;
        } else if (is(field, 2)) {
            if (field.wire != Wire::kFixed32) return wrong_wire(field);
            token.score = std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
        } else if (is(field, 3)) {
            if (field.wire != Wire::kVarint) return wrong_wire(field);
            if (field.value < 1 || field.value > 6) {
                return error_at(field.offset, SLUICE_E_CORRUPT, "a SentencePiece piece has the unknown type ",
                                field.value);
            }
            token.kind = static_cast<TokenKind>(field.value);
        }
    }
    return token;
}

Done read_trainer(const Field& message, Specification& specification) {
    Cursor cursor(message.bytes, message.offset);
    while (!cursor.at_end()) {
        SLUICE_ASSIGN(field, cursor.next());
        const bool is_number = is(field, 3) || is(field, 24) || is(field, 35);
        const bool is_text = is(field, 46) || is(field, 47) || is(field, 48);
        if (is_number && field.wire != Wire::kVarint) return wrong_wire(field);
        if (is_text && field.wire != Wire::kBytes) return wrong_wire(field);
        if (is(field, 3)) {
            if (field.value != 1 && field.value != 2) {
                return unsupported(sentence("algorithm ", field.value, ", other than unigram and BPE,"));
            }
            specification.model->algorithm = static_cast<SentencePieceAlgorithm>(field.value);
        }
        if (is(field, 24) && field.value != 0) return unsupported("white space as a suffix");
        if (is(field, 35)) specification.model->vocabulary.byte_fallback = field.value != 0;
        if (is(field, 46)) specification.bos = field.bytes;
        if (is(field, 47)) specification.eos = field.bytes;
        if (is(field, 48)) specification.pad = field.bytes;
    }
    return Nothing{};
}

Done read_normaliser(const Field& message, SentencePieceModel& model) {
    Cursor cursor(message.bytes, message.offset);
    while (!cursor.at_end()) {
        SLUICE_ASSIGN(field, cursor.next());
        if (field.number >= 3 && field.number <= 5 && field.wire != Wire::kVarint) return wrong_wire(field);
        if (is(field, 2)) {
            if (field.wire != Wire::kBytes) return wrong_wire(field);
            SLUICE_ASSIGN(replacements, CharacterReplacements::read(field.bytes));
            model.replacements = std::move(replacements);
        }
        if (is(field, 3)) model.vocabulary.add_space_prefix = field.value != 0;
        if (is(field, 4)) model.remove_extra_whitespaces = field.value != 0;
        if (is(field, 5) && field.value == 0) return unsupported("white space that is not escaped");
    }
    return Nothing{};
}

Done read_denormaliser(const Field& message) {
    Cursor cursor(message.bytes, message.offset);
    while (!cursor.at_end()) {
        SLUICE_ASSIGN(field, cursor.next());
        if (is(field, 2) && !field.bytes.empty()) return unsupported("character replacements on decoding");
    }
    return Nothing{};
}

// The library's rule: these are tokens by name, and only if they are control tokens.
void name_tokens(const Specification& specification, Vocabulary& vocabulary) {
    for (std::size_t i = vocabulary.tokens.size(); i-- > 0;) {
        const VocabularyToken& token = vocabulary.tokens[i];
        const auto id = static_cast<TokenId>(i);
        if (token.kind == TokenKind::kUnknown) vocabulary.unknown = id;
        if (token.kind != TokenKind::kControl) continue;
        if (token.text == specification.bos) vocabulary.bos = id;
        if (token.text == specification.eos) vocabulary.eos = id;
        if (token.text == specification.pad) vocabulary.pad = id;
    }
}

void append_varint(std::string& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
    out += static_cast<char>(value);
}

void append_number(std::string& out, std::uint32_t number, std::uint64_t value) {
    append_varint(out, number << 3 | static_cast<std::uint32_t>(Wire::kVarint));
    append_varint(out, value);
}

void append_bytes(std::string& out, std::uint32_t number, std::string_view bytes) {
    append_varint(out, number << 3 | static_cast<std::uint32_t>(Wire::kBytes));
    append_varint(out, bytes.size());
    out += bytes;
}

void append_float(std::string& out, std::uint32_t number, float value) {
    append_varint(out, number << 3 | static_cast<std::uint32_t>(Wire::kFixed32));
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (unsigned shift = 0; shift < 32; shift += 8) out += static_cast<char>(bits >> shift & 0xFF);
}

}  // namespace

Result<SentencePieceModel> read_sentencepiece_file(std::string_view file) {
    if (file.size() > kMaxSentencePieceFile) {
        return make_error(SLUICE_E_LIMIT, "the SentencePiece model has ", file.size(), " bytes; at most ",
                          kMaxSentencePieceFile, " are allowed");
    }
    SentencePieceModel model;
    model.vocabulary.kind = VocabularyKind::kSentencePiece;
    // What the format says when a field is absent.
    model.algorithm = SentencePieceAlgorithm::kUnigram;
    model.vocabulary.add_space_prefix = true;
    model.remove_extra_whitespaces = true;
    Specification specification{&model};
    Cursor cursor(file, 0);
    while (!cursor.at_end()) {
        SLUICE_ASSIGN(field, cursor.next());
        if (field.number <= 5 && field.wire != Wire::kBytes) return wrong_wire(field);
        if (is(field, 1)) {
            if (model.vocabulary.tokens.size() == kMaxVocabulary) {
                return make_error(SLUICE_E_LIMIT, "the SentencePiece model has over ", kMaxVocabulary,
                                  " pieces");
            }
            SLUICE_ASSIGN(token, read_piece(field));
            model.vocabulary.tokens.push_back(std::move(token));
        }
        if (is(field, 2)) SLUICE_TRY(read_trainer(field, specification));
        if (is(field, 3)) SLUICE_TRY(read_normaliser(field, model));
        if (is(field, 5)) SLUICE_TRY(read_denormaliser(field));
    }
    name_tokens(specification, model.vocabulary);
    add_family_stop_tokens(model.vocabulary);
    return model;
}

void SentencePieceWriter::add(const LibraryPiece& piece) {
    std::string message;
    append_bytes(message, 1, piece.text);
    append_float(message, 2, piece.score);
    append_number(message, 3, static_cast<std::uint64_t>(piece.kind));
    append_bytes(file_, 1, message);
}

std::string SentencePieceWriter::finish(SentencePieceAlgorithm algorithm, bool byte_fallback) {
    std::string trainer;
    append_number(trainer, 3, static_cast<std::uint64_t>(algorithm));
    append_number(trainer, 35, byte_fallback ? 1 : 0);
    append_bytes(file_, 2, trainer);
    std::string normaliser;
    for (const std::uint32_t field : {3u, 4u}) append_number(normaliser, field, 0);
    append_bytes(file_, 3, normaliser);
    return std::move(file_);
}

}  // namespace sluice
