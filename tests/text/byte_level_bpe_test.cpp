// Byte-level BPE on vocabularies made by hand: merging, special tokens, what is refused and what is not.
#include "text/byte_level_bpe.h"

#include "text/small_vocabulary.h"

namespace sluice {
namespace {

using Ids = std::vector<TokenId>;

TEST_CASE("bpe: the better-ranked merge goes first, the leftmost of equals") {
    Vocabulary vocabulary = byte_vocabulary();
    vocabulary.ignore_merges = false;
    const TokenId bc = add_merge(vocabulary, "b", "c");
    const TokenId ab = add_merge(vocabulary, "a", "b");
    const TokenId aa = add_merge(vocabulary, "a", "a");
    const TokenId bcd = add_merge(vocabulary, "bc", "d");
    const auto tokenizer = made(vocabulary);
    CHECK(ids_of(*tokenizer, "abc") == Ids{'a', bc});
    CHECK(ids_of(*tokenizer, "abd") == Ids{ab, 'd'});
    CHECK(ids_of(*tokenizer, "aaa") == Ids{aa, 'a'});
    CHECK(ids_of(*tokenizer, "abcd") == Ids{'a', bcd});
}

TEST_CASE("bpe: a piece that is a token needs no merges only where the vocabulary says so") {
    Vocabulary vocabulary = byte_vocabulary();
    const TokenId word = add_token(vocabulary, "word");
    CHECK(ids_of(*made(vocabulary), "word") == Ids{word});
    vocabulary.ignore_merges = false;
    CHECK(ids_of(*made(vocabulary), "word") == Ids{'w', 'o', 'r', 'd'});
}

TEST_CASE("bpe: of tokens with the same bytes the lowest id is the one that counts") {
    Vocabulary vocabulary = byte_vocabulary();
    const TokenId first = add_merge(vocabulary, "a", "b");
    add_token(vocabulary, "ab");
    add_token(vocabulary, "a");
    const auto tokenizer = made(vocabulary);
    CHECK(ids_of(*tokenizer, "ab a") == Ids{first, ' ', 'a'});
    CHECK(tokenizer->find("ab") == first);
    CHECK(tokenizer->bytes(first + 1) == "ab");
}

TEST_CASE("bpe: of repeated merges the first counts") {
    Vocabulary vocabulary = byte_vocabulary();
    vocabulary.ignore_merges = false;
    const TokenId ab = add_merge(vocabulary, "a", "b");
    add_merge(vocabulary, "b", "c");
    vocabulary.merges.emplace_back("a", "b");
    CHECK(ids_of(*made(vocabulary), "abc") == Ids{ab, 'c'});
}

TEST_CASE("bpe: merges whose parts or result are no tokens count for nothing") {
    Vocabulary vocabulary = byte_vocabulary();
    vocabulary.ignore_merges = false;
    vocabulary.merges = {{"a", "b"}, {"xyz", "b"}, {"b", "\u4E2D"}};
    const TokenId bc = add_merge(vocabulary, "b", "c");
    CHECK(ids_of(*made(vocabulary), "abc") == Ids{'a', bc});
}

TEST_CASE("bpe: every byte string is encoded and comes back as it was") {
    Vocabulary vocabulary = byte_vocabulary();
    add_merge(vocabulary, "\u0120", "a");
    add_merge(vocabulary, "\u00C3", "\u00A9");
    const auto tokenizer = made(vocabulary);
    std::uint32_t random = 7;
    for (int round = 0; round < 300; ++round) {
        std::string text;
        for (int i = 0; i < round; ++i) {
            random = random * 1664525u + 1013904223u;
            text += static_cast<char>(random >> 24);
        }
        CHECK(text_of(*tokenizer, ids_of(*tokenizer, text)) == text);
    }
    CHECK(ids_of(*tokenizer, "\xC3\xA9").size() == 1);
}

TEST_CASE("bpe: a byte without a token is refused with its place, and nothing is added") {
    Vocabulary vocabulary = byte_vocabulary();
    vocabulary.tokens['z'] = {"", TokenKind::kUnused, 0.0F};
    const TokenId special = add_token(vocabulary, "<|s|>", TokenKind::kControl);
    const auto tokenizer = made(vocabulary);
    Ids ids = {1, 2};
    const Done done = tokenizer->encode("ab<|s|>cd z!", {}, ids);
    REQUIRE(!done);
    CHECK(done.error().status == SLUICE_E_NOT_FOUND);
    CHECK(done.error().file_offset == 10);
    CHECK(ids == Ids{1, 2});
    CHECK(ids_of(*tokenizer, "<|s|>") == Ids{special});
}

TEST_CASE("bpe: byte tokens stand in where the vocabulary asks for them") {
    Vocabulary vocabulary = byte_vocabulary();
    vocabulary.tokens['z'] = {"", TokenKind::kUnused, 0.0F};
    const TokenId fallback = add_token(vocabulary, "<0x7A>", TokenKind::kByte);
    vocabulary.byte_fallback = true;
    const auto tokenizer = made(vocabulary);
    CHECK(ids_of(*tokenizer, "az") == Ids{'a', fallback});
    CHECK(tokenizer->bytes(fallback) == "z");
}

TEST_CASE("bpe: special tokens in text become their ids, the longest at a place") {
    Vocabulary vocabulary = byte_vocabulary();
    const TokenId shorter = add_token(vocabulary, "<|a", TokenKind::kControl);
    const TokenId longer = add_token(vocabulary, "<|a|>", TokenKind::kControl);
    const TokenId added = add_token(vocabulary, "b c", TokenKind::kUserDefined);
    const auto tokenizer = made(vocabulary);
    CHECK(ids_of(*tokenizer, "<|a|><|a|x") == Ids{longer, shorter, '|', 'x'});
    CHECK(ids_of(*tokenizer, "ab cd") == Ids{'a', added, 'd'});
    CHECK(ids_of(*tokenizer, "<|") == Ids{'<', '|'});
    CHECK(tokenizer->is_special(longer));
    CHECK(tokenizer->is_special(added));
    CHECK(!tokenizer->is_special('a'));
    CHECK(tokenizer->find("<|a|>") == longer);
}

TEST_CASE("bpe: plain text cannot forge a special token, not even by merges") {
    Vocabulary vocabulary = byte_vocabulary();
    vocabulary.merges = {{"s", "y"}, {"sy", "s"}};
    const TokenId sy = add_token(vocabulary, "sy");
    const TokenId sys = add_token(vocabulary, "sys", TokenKind::kControl);
    const TokenId user = add_token(vocabulary, "user", TokenKind::kUserDefined);
    const auto tokenizer = made(vocabulary);
    EncodeOptions plain;
    plain.plain = true;
    CHECK(ids_of(*tokenizer, "sys") == Ids{sys});
    CHECK(ids_of(*tokenizer, "user") == Ids{user});
    CHECK(ids_of(*tokenizer, "sys", plain) == Ids{sy, 's'});
    CHECK(ids_of(*tokenizer, "user", plain) == Ids{'u', 's', 'e', 'r'});
}

TEST_CASE("bpe: text around a special token is cut as if it stood alone") {
    Vocabulary vocabulary = byte_vocabulary();
    add_token(vocabulary, "<|s|>", TokenKind::kControl);
    const TokenId spaces = add_token(vocabulary, "\u0120\u0120\u0120");
    CHECK(ids_of(*made(vocabulary), "a   <|s|>").size() == 3);
    CHECK(ids_of(*made(vocabulary), "a   <|s|>")[1] == spaces);
}

TEST_CASE("bpe: the begin-of-sequence token comes only when asked for") {
    Vocabulary vocabulary = byte_vocabulary();
    vocabulary.bos = add_token(vocabulary, "<s>", TokenKind::kControl);
    vocabulary.add_bos = true;
    const auto tokenizer = made(vocabulary);
    EncodeOptions with_bos;
    with_bos.add_bos = true;
    CHECK(ids_of(*tokenizer, "a", with_bos) == Ids{vocabulary.bos, 'a'});
    CHECK(ids_of(*tokenizer, "", with_bos) == Ids{vocabulary.bos});
    CHECK(ids_of(*tokenizer, "a") == Ids{'a'});
    CHECK(tokenizer->adds_bos());
}

TEST_CASE("bpe: a million equal letters, spaces or symbols are encoded whole") {
    Vocabulary vocabulary = byte_vocabulary();
    std::string piece = "a";
    for (int i = 0; i < 6; ++i) {
        add_merge(vocabulary, piece, piece);
        piece += piece;
    }
    const auto tokenizer = made(vocabulary);
    const std::size_t size = 1u << 20;
    CHECK(ids_of(*tokenizer, std::string(size, 'a')).size() == size / 64);
    for (const char letter : {' ', '\n', '!', '\x80', '7', '\''}) {
        CHECK(ids_of(*tokenizer, std::string(size, letter)).size() == size);
    }
}

TEST_CASE("bpe: ten thousand special tokens that begin alike are told apart") {
    Vocabulary vocabulary = byte_vocabulary();
    for (int i = 0; i < 10000; ++i) {
        add_token(vocabulary, "<|reserved_" + std::to_string(i) + "|>", TokenKind::kControl);
    }
    const auto tokenizer = made(vocabulary);
    CHECK(ids_of(*tokenizer, "<|reserved_9999|><|reserved_1|>x") == Ids{256 + 9999, 256 + 1, 'x'});
    CHECK(ids_of(*tokenizer, std::string(1u << 20, '<')).size() == 1u << 20);
}

TEST_CASE("bpe: a text over the limit is refused and adds nothing") {
    const auto tokenizer = made(byte_vocabulary());
    Ids ids;
    const Done done = tokenizer->encode(std::string(kMaxEncodeSize + 1, '1'), {}, ids);
    REQUIRE(!done);
    CHECK(done.error().status == SLUICE_E_LIMIT);
    CHECK(ids.empty());
}

TEST_CASE("vocabulary: what contradicts itself is refused by name") {
    CHECK(status_of(Vocabulary{}) == SLUICE_E_CORRUPT);
    const Vocabulary good = byte_vocabulary();

    Vocabulary bad = good;
    bad.tokens[17].text.clear();
    CHECK(status_of(bad) == SLUICE_E_CORRUPT);
    CHECK(message_of(bad).find("token 17 ") != std::string::npos);

    bad = good;
    bad.tokens[3].kind = static_cast<TokenKind>(7);
    CHECK(message_of(bad).find("type 7") != std::string::npos);

    for (const char* byte : {"<0xGG>", "<0x-1>", "<0x100>", "<0x1>", "0x41"}) {
        bad = good;
        add_token(bad, byte, TokenKind::kByte);
        CHECK(status_of(bad) == SLUICE_E_CORRUPT);
    }
    for (const TokenId id : {TokenId{256}, TokenId{-2}, TokenId{0x7FFFFFFF}}) {
        for (TokenId Vocabulary::*member :
             {&Vocabulary::bos, &Vocabulary::eos, &Vocabulary::pad, &Vocabulary::unknown}) {
            bad = good;
            bad.*member = id;
            CHECK(status_of(bad) == SLUICE_E_CORRUPT);
        }
        bad = good;
        bad.stop_tokens = {id};
        CHECK(status_of(bad) == SLUICE_E_CORRUPT);
    }
    bad = good;
    bad.add_bos = true;
    CHECK(status_of(bad) == SLUICE_E_CORRUPT);

    bad = good;
    bad.merges = {{"a", "b"}, {"", "b"}};
    CHECK(status_of(bad) == SLUICE_E_CORRUPT);
    CHECK(message_of(bad).find("merge 1 ") != std::string::npos);

    bad = good;
    bad.pre_tokenizer = "gpt-2";
    CHECK(status_of(bad) == SLUICE_E_UNSUPPORTED);
    CHECK(message_of(bad).find("gpt-2") != std::string::npos);
}

TEST_CASE("vocabulary: what is over its budget is refused") {
    Vocabulary bad = byte_vocabulary();
    add_token(bad, std::string(kMaxTokenSize + 1, 'a'));
    CHECK(status_of(bad) == SLUICE_E_LIMIT);
    bad.tokens.back().text.pop_back();
    CHECK(status_of(bad) == SLUICE_OK);

    bad = byte_vocabulary();
    add_token(bad, std::string(kMaxSpecialSize + 1, 'a'), TokenKind::kControl);
    CHECK(status_of(bad) == SLUICE_E_LIMIT);

    bad = byte_vocabulary();
    bad.tokens.resize(kMaxVocabulary + 1, {"a"});
    CHECK(status_of(bad) == SLUICE_E_LIMIT);

    bad = byte_vocabulary();
    bad.merges.resize(kMaxMerges + 1);
    CHECK(status_of(bad) == SLUICE_E_LIMIT);
}

TEST_CASE("vocabulary: the family's stop tokens are found by spelling, once each") {
    Vocabulary vocabulary = byte_vocabulary();
    const TokenId text_end = add_token(vocabulary, "<|endoftext|>", TokenKind::kControl);
    const TokenId message_end = add_token(vocabulary, "<|im_end|>", TokenKind::kControl);
    vocabulary.eos = message_end;
    add_family_stop_tokens(vocabulary);
    add_family_stop_tokens(vocabulary);
    CHECK(vocabulary.stop_tokens == Ids{message_end, text_end});
    const auto tokenizer = made(vocabulary);
    CHECK(tokenizer->is_stop(text_end));
    CHECK(!tokenizer->is_stop('a'));
    CHECK(!tokenizer->is_stop(kNoToken));
}

}  // namespace
}  // namespace sluice
