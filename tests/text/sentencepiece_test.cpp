// SentencePiece vocabularies, from pieces as GGUF has them and from .model files that are written here.
#include "text/sentencepiece.h"

#include <limits>

#include "text/detokenizer.h"
#include "text/sentencepiece_model.h"
#include "text/small_vocabulary.h"

namespace sluice {
namespace {

using Ids = std::vector<TokenId>;
const std::string kSpace = "\u2581";

// 0 <unk>, 1 <s>, 2 </s>, 3 to 258 the bytes, then pieces; the earlier, the better its score.
Vocabulary piece_vocabulary(const std::vector<std::string>& pieces) {
    Vocabulary vocabulary;
    vocabulary.kind = VocabularyKind::kSentencePiece;
    vocabulary.unknown = add_token(vocabulary, "<unk>", TokenKind::kUnknown);
    vocabulary.bos = add_token(vocabulary, "<s>", TokenKind::kControl);
    vocabulary.eos = add_token(vocabulary, "</s>", TokenKind::kControl);
    const std::string digits = "0123456789ABCDEF";
    for (std::size_t byte = 0; byte < 256; ++byte) {
        add_token(vocabulary, std::string("<0x") + digits[byte / 16] + digits[byte % 16] + ">",
                  TokenKind::kByte);
    }
    float score = 0.0F;
    for (const std::string& piece : pieces) {
        vocabulary.tokens.push_back({piece, TokenKind::kNormal, score});
        score -= 1.0F;
    }
    return vocabulary;
}

constexpr TokenId kFirstByte = 3;
constexpr TokenId kFirstPiece = 259;

bool is_built_in() {
    const auto tokenizer = make_tokenizer(piece_vocabulary({"a"}));
    if (tokenizer) return true;
    CHECK(tokenizer.error().status == SLUICE_E_UNSUPPORTED);
    WARN("skipped: built without sentencepiece");
    return false;
}

// The .model file of a vocabulary, as the trainer would write its pieces, normalising nothing.
std::string file_of(const Vocabulary& vocabulary, SentencePieceAlgorithm algorithm) {
    SentencePieceWriter writer;
    for (const VocabularyToken& token : vocabulary.tokens) writer.add({token.text, token.score, token.kind});
    return writer.finish(algorithm, true);
}

std::int32_t status_of_file(std::string_view file) {
    const auto model = read_sentencepiece_file(file);
    return model ? SLUICE_OK : model.error().status;
}

TEST_CASE("sentencepiece: pieces merge by score, the leftmost of equals first") {
    if (!is_built_in()) return;
    const auto tokenizer = made(piece_vocabulary({"bc", "ab", "aa", "bcd", "a", "b", "c", "d"}));
    const TokenId bc = kFirstPiece, ab = bc + 1, aa = bc + 2, bcd = bc + 3, a = bc + 4, d = bc + 7;
    CHECK(ids_of(*tokenizer, "abc") == Ids{a, bc});
    CHECK(ids_of(*tokenizer, "abd") == Ids{ab, d});
    CHECK(ids_of(*tokenizer, "aaa") == Ids{aa, a});
    CHECK(ids_of(*tokenizer, "abcd") == Ids{a, bcd});
    CHECK(tokenizer->kind() == VocabularyKind::kSentencePiece);
}

TEST_CASE("sentencepiece: spaces are a letter of the pieces and come back as spaces") {
    if (!is_built_in()) return;
    Vocabulary vocabulary = piece_vocabulary({kSpace + "a", kSpace + kSpace, kSpace, "a"});
    CHECK(ids_of(*made(vocabulary), "a a") == Ids{kFirstPiece + 3, kFirstPiece});
    vocabulary.add_space_prefix = true;
    const auto tokenizer = made(vocabulary);
    CHECK(ids_of(*tokenizer, "a a") == Ids{kFirstPiece, kFirstPiece});
    CHECK(ids_of(*tokenizer, "").empty());
    CHECK(tokenizer->bytes(kFirstPiece) == " a");
    for (const char* text : {"a", " a", "  a  a ", "   ", "a<s>a", " <s> a"}) {
        CHECK(text_of(*tokenizer, ids_of(*tokenizer, text)) == text);
        std::string streamed;
        Detokenizer detokenizer(*tokenizer);
        for (const TokenId id : ids_of(*tokenizer, text)) detokenizer.push(id, streamed);
        CHECK(streamed == text);
    }
}

TEST_CASE("sentencepiece: what has no piece is spelled in bytes, also what is not UTF-8") {
    if (!is_built_in()) return;
    const auto tokenizer = made(piece_vocabulary({"a"}));
    CHECK(ids_of(*tokenizer, "a\u00E9") == Ids{kFirstPiece, kFirstByte + 0xC3, kFirstByte + 0xA9});
    CHECK(ids_of(*tokenizer,
                 "\xFF"
                 "a\x80") == Ids{kFirstByte + 0xFF, kFirstPiece, kFirstByte + 0x80});
    const std::string all = "\u4E2D\xC3(\xF0\x9F\x99\n" + std::string(1, '\0') + "\uFFFDa\xED\xA0\x80";
    CHECK(text_of(*tokenizer, ids_of(*tokenizer, all)) == all);
}

TEST_CASE("sentencepiece: without byte tokens the unknown token stands in, without that the text is refused") {
    if (!is_built_in()) return;
    Vocabulary vocabulary = piece_vocabulary({"a"});
    vocabulary.tokens.erase(vocabulary.tokens.begin() + kFirstByte, vocabulary.tokens.begin() + kFirstPiece);
    CHECK(ids_of(*made(vocabulary), "a!\xFF") == Ids{3, 0, 0});
    vocabulary.tokens[0].kind = TokenKind::kUnused;
    vocabulary.unknown = kNoToken;
    const auto tokenizer = made(vocabulary);
    for (const char* text : {"a!", "a\xFF"}) {
        Ids ids = {5};
        const Done done = tokenizer->encode(text, {}, ids);
        REQUIRE(!done);
        CHECK(done.error().status == SLUICE_E_NOT_FOUND);
        CHECK(ids == Ids{5});
    }
}

TEST_CASE("sentencepiece: text that spells a control token becomes it unless it is plain") {
    if (!is_built_in()) return;
    const auto tokenizer = made(piece_vocabulary({"s", "a"}));
    CHECK(ids_of(*tokenizer, "a</s>") == Ids{kFirstPiece + 1, 2});
    EncodeOptions plain;
    plain.plain = true;
    const Ids ids = ids_of(*tokenizer, "a</s>", plain);
    CHECK(ids == Ids{kFirstPiece + 1, kFirstByte + '<', kFirstByte + '/', kFirstPiece, kFirstByte + '>'});
    CHECK(text_of(*tokenizer, ids) == "a</s>");
}

TEST_CASE("sentencepiece: user-defined pieces are never taken apart, the longest is taken") {
    if (!is_built_in()) return;
    Vocabulary vocabulary = piece_vocabulary({"ab", "a", "b", kSpace});
    const TokenId two = add_token(vocabulary, kSpace + kSpace, TokenKind::kUserDefined);
    const TokenId ba = add_token(vocabulary, "ba", TokenKind::kUserDefined);
    const auto tokenizer = made(vocabulary);
    const TokenId a = kFirstPiece + 1, b = kFirstPiece + 2, space = kFirstPiece + 3;
    CHECK(ids_of(*tokenizer, "aba") == Ids{a, ba});
    CHECK(ids_of(*tokenizer, "b   b") == Ids{b, two, space, b});
}

TEST_CASE("sentencepiece: of tokens with the same piece the lowest id counts") {
    if (!is_built_in()) return;
    const auto tokenizer = made(piece_vocabulary({"a", "a", "ab", "b", "ab"}));
    CHECK(ids_of(*tokenizer, "aab") == Ids{kFirstPiece, kFirstPiece + 2});
    CHECK(tokenizer->bytes(kFirstPiece + 4) == "ab");
}

TEST_CASE("sentencepiece: names that the library keeps for itself are pieces like others") {
    if (!is_built_in()) return;
    Vocabulary vocabulary = piece_vocabulary({"<", ">", "x"});
    add_token(vocabulary,
              "\xFF"
              "1",
              TokenKind::kNormal);
    const auto tokenizer = made(vocabulary);
    CHECK(ids_of(*tokenizer, "<0x41>").front() == kFirstPiece);
    CHECK(ids_of(*tokenizer, "<0x41>").size() == 6);
    CHECK(text_of(*tokenizer, ids_of(*tokenizer,
                                     "\xFF"
                                     "1")) ==
          "\xFF"
          "1");
}

TEST_CASE("sentencepiece: a unigram model takes the likeliest cut of the whole text") {
    if (!is_built_in()) return;
    Vocabulary vocabulary = piece_vocabulary({"a", "b", "ab", "abab"});
    const std::vector<float> scores = {-1.0F, -1.5F, -3.0F, -4.5F};
    for (std::size_t i = 0; i < scores.size(); ++i) vocabulary.tokens[kFirstPiece + i].score = scores[i];
    auto tokenizer = read_sentencepiece_model(file_of(vocabulary, SentencePieceAlgorithm::kUnigram));
    REQUIRE(tokenizer);
    CHECK(ids_of(**tokenizer, "ab") == Ids{kFirstPiece, kFirstPiece + 1});
    CHECK(ids_of(**tokenizer, "abab") == Ids{kFirstPiece + 3});
    CHECK((*tokenizer)->bos() == 1);
    CHECK((*tokenizer)->eos() == 2);
    CHECK((*tokenizer)->unknown() == 0);
    CHECK((*tokenizer)->is_stop(2));
}

TEST_CASE("sentencepiece: a million equal letters are encoded whole") {
    if (!is_built_in()) return;
    const auto tokenizer = made(piece_vocabulary({"aaaa", "aa", "a"}));
    CHECK(ids_of(*tokenizer, std::string(1u << 20, 'a')).size() == 1u << 18);
}

TEST_CASE("sentencepiece: a vocabulary that would harm the library is refused") {
    if (!is_built_in()) return;
    Vocabulary bad = piece_vocabulary({"a"});
    for (const float score :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        bad.tokens.back().score = score;
        CHECK(status_of(bad) == SLUICE_E_CORRUPT);
    }
    bad = piece_vocabulary({"a"});
    bad.tokens[kFirstByte + 9].kind = TokenKind::kUnused;
    CHECK(message_of(bad).find("255 bytes") != std::string::npos);
    bad.tokens[kFirstByte + 9] = {"<0x-9>", TokenKind::kByte, 0.0F};
    CHECK(message_of(bad).find("<0x-9>") != std::string::npos);

    CHECK(status_of(piece_vocabulary({std::string(1025, 'a')})) == SLUICE_E_LIMIT);
    bad = piece_vocabulary({"a"});
    add_token(bad, std::string(129, 'a'), TokenKind::kUnused);
    CHECK(status_of(bad) == SLUICE_E_LIMIT);

    bad = piece_vocabulary({"b"});
    for (std::size_t size = 1; size <= 65; ++size)
        add_token(bad, std::string(size, 'a'), TokenKind::kUserDefined);
    const auto nested = read_sentencepiece_model(file_of(bad, SentencePieceAlgorithm::kUnigram));
    REQUIRE(!nested);
    CHECK(nested.error().status == SLUICE_E_LIMIT);
    CHECK(status_of(bad) == SLUICE_OK);
}

TEST_CASE("sentencepiece: what we write is what we read") {
    const Vocabulary vocabulary = piece_vocabulary({"ab", "a", "b"});
    const auto model = read_sentencepiece_file(file_of(vocabulary, SentencePieceAlgorithm::kBpe));
    REQUIRE(model);
    CHECK(model->algorithm == SentencePieceAlgorithm::kBpe);
    CHECK(model->vocabulary.byte_fallback);
    CHECK(!model->vocabulary.add_space_prefix);
    CHECK(!model->remove_extra_whitespaces);
    REQUIRE(model->vocabulary.tokens.size() == vocabulary.tokens.size());
    for (std::size_t i = 0; i < vocabulary.tokens.size(); ++i) {
        CHECK(model->vocabulary.tokens[i].text == vocabulary.tokens[i].text);
        CHECK(model->vocabulary.tokens[i].kind == vocabulary.tokens[i].kind);
        CHECK(model->vocabulary.tokens[i].score == vocabulary.tokens[i].score);
    }
}

TEST_CASE("sentencepiece: a file cut short anywhere is refused or a smaller vocabulary, never worse") {
    Vocabulary small;
    small.kind = VocabularyKind::kSentencePiece;
    add_token(small, "<unk>", TokenKind::kUnknown);
    add_token(small, "ab");
    const std::string file = file_of(small, SentencePieceAlgorithm::kBpe);
    std::size_t n_refused = 0;
    for (std::size_t size = 0; size <= file.size(); ++size) {
        const auto model = read_sentencepiece_file(std::string_view(file).substr(0, size));
        if (!model) {
            ++n_refused;
            CHECK(model.error().status == SLUICE_E_CORRUPT);
            CHECK(model.error().file_offset >= 0);
            CHECK(model.error().file_offset <= static_cast<std::int64_t>(size));
        }
    }
    CHECK(n_refused >= file.size() - 4);
}

TEST_CASE("sentencepiece: no flipped bit of a file makes worse than an error") {
    Vocabulary small = piece_vocabulary({"ab", "a", "b"});
    small.tokens.erase(small.tokens.begin() + kFirstByte, small.tokens.begin() + kFirstPiece);
    const std::string good = file_of(small, SentencePieceAlgorithm::kBpe);
    std::size_t n_read = 0;
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        std::string file = good;
        file[bit / 8] = static_cast<char>(file[bit / 8] ^ (1 << (bit % 8)));
        const auto tokenizer = read_sentencepiece_model(file);
        if (!tokenizer) {
            CHECK(!tokenizer.error().message.empty());
            continue;
        }
        ++n_read;
        Ids ids;
        if ((*tokenizer)->encode("abba b\xFF<s>", {}, ids)) CHECK(!ids.empty());
    }
    if (is_built_in()) CHECK(n_read > 0);
}

TEST_CASE("sentencepiece: malformed and unsupported files are told apart") {
    CHECK(status_of_file("\x0B") == SLUICE_E_CORRUPT);                           // a group
    CHECK(status_of_file(std::string_view("\x00\x00", 2)) == SLUICE_E_CORRUPT);  // field number 0
    CHECK(status_of_file("\x08\x01") == SLUICE_E_CORRUPT);                       // a piece that is a number
    CHECK(status_of_file("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01") == SLUICE_E_CORRUPT);
    CHECK(status_of_file("\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F") == SLUICE_E_CORRUPT);
    CHECK(status_of_file("\x0A\x02\x18\x07") == SLUICE_E_CORRUPT);          // a piece of type 7
    CHECK(status_of_file("\x12\x02\x18\x03") == SLUICE_E_UNSUPPORTED);      // a model of words
    CHECK(status_of_file("\x12\x03\xC0\x01\x01") == SLUICE_E_UNSUPPORTED);  // spaces as suffixes
    CHECK(status_of_file("\x1A\x03\x12\x01x") == SLUICE_E_CORRUPT);         // a cut table of replacements
    CHECK(status_of_file("\x1A\x02\x28") == SLUICE_E_CORRUPT);
    CHECK(status_of_file("\x22\x02\x0A\x00") == SLUICE_E_CORRUPT);
    CHECK(status_of_file("") == SLUICE_OK);  // no pieces: refused as a vocabulary
    CHECK(!read_sentencepiece_model(""));
}

}  // namespace
}  // namespace sluice
