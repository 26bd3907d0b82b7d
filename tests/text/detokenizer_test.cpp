// Decoding: ids to bytes, and bytes to characters as they arrive.
#include "text/detokenizer.h"

#include "base/utf8.h"
#include "text/small_vocabulary.h"

namespace sluice {
namespace {

const std::string kReplacement = "\uFFFD";

TEST_CASE("detokenizer: a character split between tokens arrives whole") {
    const auto tokenizer = made(byte_vocabulary());
    Detokenizer detokenizer(*tokenizer);
    std::string text;
    for (const int byte : {0xF0, 0x9F, 0x99}) {
        detokenizer.push(byte, text);
        CHECK(text.empty());
    }
    detokenizer.push(0x82, text);
    CHECK(text == "\U0001F642");
    detokenizer.push('!', text);
    CHECK(text == "\U0001F642!");
}

TEST_CASE("detokenizer: bytes that can no longer be a character are replaced at once") {
    const auto tokenizer = made(byte_vocabulary());
    Detokenizer detokenizer(*tokenizer);
    std::string text;
    detokenizer.push(0x80, text);
    CHECK(text == kReplacement);
    detokenizer.push(0xE4, text);
    CHECK(text == kReplacement);
    detokenizer.push('a', text);
    CHECK(text == kReplacement + kReplacement + "a");
}

TEST_CASE("detokenizer: what never becomes whole comes as one replacement at the end") {
    const auto tokenizer = made(byte_vocabulary());
    Detokenizer detokenizer(*tokenizer);
    std::string text;
    detokenizer.push(0xF0, text);
    detokenizer.push(0x9F, text);
    detokenizer.finish(text);
    CHECK(text == kReplacement);
    detokenizer.finish(text);
    CHECK(text == kReplacement);
    detokenizer.push(0x9F, text);
    CHECK(text == kReplacement + kReplacement);
}

TEST_CASE("detokenizer: reset forgets what was held back") {
    const auto tokenizer = made(byte_vocabulary());
    Detokenizer detokenizer(*tokenizer);
    std::string text;
    detokenizer.push(0xF0, text);
    detokenizer.reset();
    detokenizer.push('a', text);
    detokenizer.finish(text);
    CHECK(text == "a");
}

TEST_CASE("detokenizer: any bytes pushed one by one give what decoding the whole gives") {
    const auto tokenizer = made(byte_vocabulary());
    std::uint32_t random = 11;
    for (int round = 0; round < 400; ++round) {
        std::vector<TokenId> ids;
        for (int i = 0; i < 40; ++i) {
            random = random * 1664525u + 1013904223u;
            // Mostly bytes that begin or continue characters.
            const std::uint32_t choice = random >> 24;
            ids.push_back(static_cast<TokenId>(i % 3 == 0 ? 0xC0 + choice % 64 : 0x80 + choice % 72));
        }
        std::string streamed;
        Detokenizer detokenizer(*tokenizer);
        for (const TokenId id : ids) detokenizer.push(id, streamed);
        detokenizer.finish(streamed);
        CHECK(is_utf8(streamed));
        CHECK(streamed == replace_invalid_utf8(text_of(*tokenizer, ids)));
    }
}

TEST_CASE("detokenizer: control tokens are spelled or left out, user-defined ones are text") {
    Vocabulary vocabulary = byte_vocabulary();
    const TokenId control = add_token(vocabulary, "<|end|>", TokenKind::kControl);
    const TokenId added = add_token(vocabulary, "<added>", TokenKind::kUserDefined);
    const auto tokenizer = made(vocabulary);
    const std::vector<TokenId> ids = {'a', control, added, 'b'};
    CHECK(text_of(*tokenizer, ids) == "a<|end|><added>b");
    CHECK(text_of(*tokenizer, ids, true) == "a<added>b");
    std::string streamed;
    Detokenizer detokenizer(*tokenizer, true);
    for (const TokenId id : ids) detokenizer.push(id, streamed);
    CHECK(streamed == "a<added>b");
}

TEST_CASE("tokenizer: ids outside the vocabulary have no bytes and are refused in decoding") {
    const auto tokenizer = made(byte_vocabulary());
    for (const TokenId id : {TokenId{-1}, TokenId{256}, TokenId{0x7FFFFFFF}, TokenId{-0x7FFFFFFF}}) {
        CHECK(tokenizer->bytes(id).empty());
        CHECK(!tokenizer->is_special(id));
        std::string text = "kept";
        const std::vector<TokenId> ids = {'a', id};
        const Done done = tokenizer->decode(ids, false, text);
        REQUIRE(!done);
        CHECK(done.error().status == SLUICE_E_INVALID_ARGUMENT);
        CHECK(done.error().message.find(std::to_string(id)) != std::string::npos);
        CHECK(text == "kept");
        Detokenizer detokenizer(*tokenizer);
        detokenizer.push(id, text);
        CHECK(text == "kept");
    }
}

TEST_CASE("tokenizer: a token is found by its bytes, special ones before others") {
    Vocabulary vocabulary = byte_vocabulary();
    add_token(vocabulary, "<x>");
    const TokenId special = add_token(vocabulary, "<x>", TokenKind::kControl);
    const TokenId word = add_token(vocabulary, "\u0120the");
    const auto tokenizer = made(vocabulary);
    CHECK(tokenizer->find("<x>") == special);
    CHECK(tokenizer->find(" the") == word);
    CHECK(tokenizer->find("nothing") == kNoToken);
    CHECK(tokenizer->find("") == kNoToken);
    CHECK(tokenizer->bytes(word) == " the");
}

TEST_CASE("tokenizer: a token outside the byte-level alphabet is its own text") {
    Vocabulary vocabulary = byte_vocabulary();
    const TokenId outside = add_token(vocabulary, "\u4E2D \u6587");
    CHECK(made(vocabulary)->bytes(outside) == "\u4E2D \u6587");
}

}  // namespace
}  // namespace sluice
