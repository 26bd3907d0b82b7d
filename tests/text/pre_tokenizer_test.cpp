// The family's cutting rule, alternative by alternative. What Hugging Face does with it is in oracle_test.cpp.
#include "text/pre_tokenizer.h"

#include <string>
#include <vector>

#include "support/catch.h"

namespace sluice {
namespace {

using Pieces = std::vector<std::string>;

Pieces pieces_of(std::string_view text) {
    Pieces pieces;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = piece_end(text, begin);
        REQUIRE(end > begin);
        REQUIRE(end <= text.size());
        pieces.emplace_back(text.substr(begin, end - begin));
        begin = end;
    }
    return pieces;
}

TEST_CASE("pre_tokenizer: contractions stand alone in either case, also with the long s") {
    CHECK(pieces_of("I'll") == Pieces{"I", "'ll"});
    CHECK(pieces_of("we'VE'Re'D'm't") == Pieces{"we", "'VE", "'Re", "'D", "'m", "'t"});
    CHECK(pieces_of("it'\u017F") == Pieces{"it", "'\u017F"});
    CHECK(pieces_of("'start") == Pieces{"'s", "tart"});
    CHECK(pieces_of("'lx'v'r") == Pieces{"'lx", "'v", "'r"});
}

TEST_CASE("pre_tokenizer: letters take one character in front that is no line end and no digit") {
    CHECK(pieces_of("a bc") == Pieces{"a", " bc"});
    CHECK(pieces_of("\tabc_def") == Pieces{"\tabc", "_def"});
    CHECK(pieces_of("\nabc") == Pieces{"\n", "abc"});
    CHECK(pieces_of("1abc") == Pieces{"1", "abc"});
    CHECK(pieces_of("\u3000\u4E2D\u6587") == Pieces{"\u3000\u4E2D\u6587"});
}

TEST_CASE("pre_tokenizer: numbers come in threes, whatever their script") {
    CHECK(pieces_of("1234567") == Pieces{"123", "456", "7"});
    CHECK(pieces_of("\u0663\u0664\u00BD\u2167") == Pieces{"\u0663\u0664\u00BD", "\u2167"});
    CHECK(pieces_of(" 12") == Pieces{" ", "12"});
}

TEST_CASE("pre_tokenizer: symbols take a space before and line ends after") {
    CHECK(pieces_of("a !?\r\n\nb") == Pieces{"a", " !?\r\n\n", "b"});
    CHECK(pieces_of("\t!") == Pieces{"\t", "!"});
    CHECK(pieces_of("!!a") == Pieces{"!!", "a"});
    CHECK(pieces_of("e\u0301") == Pieces{"e", "\u0301"});  // a combining mark is no letter
}

TEST_CASE("pre_tokenizer: white space goes to the last line end, then leaves one character behind") {
    CHECK(pieces_of("  \n \n  a") == Pieces{"  \n \n", " ", " a"});
    CHECK(pieces_of("a   b") == Pieces{"a", "  ", " b"});
    CHECK(pieces_of("a   ") == Pieces{"a", "   "});
    CHECK(pieces_of("a\t1") == Pieces{"a", "\t", "1"});
    CHECK(pieces_of("\n\n\n") == Pieces{"\n\n\n"});
}

TEST_CASE("pre_tokenizer: white space is Unicode's, neither more nor less") {
    for (const char* space : {"\u0085", "\u00A0", "\u1680", "\u2000", "\u200A", "\u2028", "\u2029", "\u202F",
                              "\u205F", "\u3000", "\v", "\f"}) {
        CHECK(pieces_of(std::string(space) + space + "1") == Pieces{space, space, "1"});
    }
    for (const char* symbol : {"\x1C", "\x1F", "\u200B", "\uFEFF", "\u180E"}) {
        CHECK(pieces_of(std::string(symbol) + symbol + "1") == Pieces{std::string(symbol) + symbol, "1"});
    }
}

TEST_CASE("pre_tokenizer: bytes that are not UTF-8 count as symbols") {
    CHECK(pieces_of("a\x80\xFFz") == Pieces{"a", "\x80\xFF", "z"});
    CHECK(pieces_of("a \xC0\x80\n") == Pieces{"a", " \xC0\x80\n"});
    CHECK(pieces_of("\xED\xA0\x80") == Pieces{"\xED\xA0\x80"});
    CHECK(pieces_of("\xC3") == Pieces{"\xC3"});
    CHECK(pieces_of(std::string("\0\0a", 3)) == Pieces{std::string("\0\0", 2), "a"});
}

}  // namespace
}  // namespace sluice
