#include "base/utf8.h"

#include "support/catch.h"

using namespace sluice;

TEST_CASE("utf8: every code point survives being written and read") {
    for (std::uint32_t code = 0; code <= 0x10FFFF; code += code < 0x3000 ? 1 : 97) {
        if (code >= 0xD800 && code <= 0xDFFF) continue;
        std::string text;
        append_utf8(text, code);
        const CodePoint point = code_point_at(text, 0);
        REQUIRE(point.valid);
        REQUIRE(point.code == code);
        REQUIRE(point.size == text.size());
        REQUIRE(is_utf8(text));
    }
}

TEST_CASE("utf8: overlong, surrogate, too large and cut-short sequences are no characters") {
    for (const std::string_view bad :
         {"\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
          "\xF5\x80\x80\x80", "\x80", "\xFF", "\xE2\x82", "\xF0\x9F\x99"}) {
        CHECK_FALSE(is_utf8(bad));
        CHECK_FALSE(code_point_at(bad, 0).valid);
        CHECK(code_point_at(bad, 0).size == 1);
    }
}

TEST_CASE("utf8: each maximal ill-formed part becomes one replacement character") {
    // The example of the Unicode standard, table 3-8, and its neighbours.
    const std::string replacement = "\xEF\xBF\xBD";
    CHECK(replace_invalid_utf8("a\xF1\x80\x80\xE1\x80\xC2"
                               "b\x80"
                               "c\x80\xBF"
                               "d") == "a" + replacement + replacement + replacement + "b" + replacement + "c" +
                                           replacement + replacement + "d");
    CHECK(replace_invalid_utf8("plain \xC3\xA9") == "plain \xC3\xA9");
    CHECK(replace_invalid_utf8("") == "");
}

TEST_CASE("utf8: only a beginning that can still become a character is held back") {
    CHECK(complete_utf8_size("abc") == 3);
    CHECK(complete_utf8_size("ab\xC3") == 2);
    CHECK(complete_utf8_size("ab\xE2\x82") == 2);
    CHECK(complete_utf8_size("ab\xF0\x9F\x99") == 2);
    CHECK(complete_utf8_size("ab\xF0\x9F\x99\x82") == 6);
    CHECK(complete_utf8_size("ab\x82") == 3);      // no lead byte: nothing to wait for
    CHECK(complete_utf8_size("ab\xE0\x80") == 4);  // can never become valid
    CHECK(complete_utf8_size("\xF0") == 0);
    CHECK(complete_utf8_size("") == 0);
}

TEST_CASE("utf8: a hostile name cannot move the cursor of a terminal") {
    CHECK(printable("a\x1B[2J\nb\x7F") == "a\\x1b[2J\\x0ab\\x7f");
    CHECK(printable("\xC2\x9B"
                    "x") == "\\xc2\\x9bx");
    CHECK(printable("\xFF") == "\\xff");
    CHECK(printable("0123456789", 4) == "0123...");
    CHECK(printable("d\xC3\xA9j\xC3\xA0") == "d\xC3\xA9j\xC3\xA0");
}
