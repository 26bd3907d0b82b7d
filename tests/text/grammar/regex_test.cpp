// Regular expressions: what they accept, what is refused, and that nothing takes long.
#include "text/grammar/regex.h"

#include <array>

#include "support/catch.h"

namespace sluice::grammar {
namespace {

bool matches(std::string_view expression, std::string_view text, RegexMatch match = RegexMatch::kWhole) {
    const auto made = compile_regex(expression, match);
    if (!made) FAIL(made.error().message);
    return made->accepts(text);
}

std::int32_t status_of(std::string_view expression) {
    const auto made = compile_regex(expression, RegexMatch::kWhole);
    return made ? SLUICE_OK : made.error().status;
}

std::string repeated(std::string_view text, std::size_t n) {
    std::string out;
    for (std::size_t i = 0; i < n; ++i) out += text;
    return out;
}

}  // namespace

TEST_CASE("regex: each construct accepts what it describes and nothing else") {
    struct Case {
        std::string_view expression;
        std::vector<std::string_view> good;
        std::vector<std::string_view> bad;
    };
    const std::vector<Case> cases{
        {"", {""}, {"a"}},
        {"abc", {"abc"}, {"", "ab", "abcd"}},
        {"a|b|", {"a", "b", ""}, {"ab"}},
        {"a*", {"", "a", "aaaa"}, {"b"}},
        {"a+?b", {"ab", "aab"}, {"b"}},
        {"a?b", {"b", "ab"}, {"aab"}},
        {"a{3}", {"aaa"}, {"aa", "aaaa"}},
        {"a{2,}", {"aa", "aaaaa"}, {"a"}},
        {"a{2,4}", {"aa", "aaa", "aaaa"}, {"a", "aaaaa"}},
        {"a{0}b", {"b"}, {"ab"}},
        {"(ab|c)*d", {"d", "abcd", "ccabd"}, {"abd c", "acd"}},
        {"(?:x(?<name>y))", {"xy"}, {"x"}},
        {"[a-c]", {"a", "b", "c"}, {"d", ""}},
        {"[^a-c]", {"d", "é", "\n"}, {"a", ""}},
        {"[]", {}, {"", "a"}},
        {"[a\\-z]", {"a", "-", "z"}, {"b"}},
        {"[-a]", {"-", "a"}, {"b"}},
        {"[a-]", {"-", "a"}, {"b"}},
        {"[\\d_]", {"5", "_"}, {"a"}},
        {"\\d\\D\\w\\W\\s\\S", {"1ab- x"}, {"aab- x", "1ab-xx"}},
        {".", {"a", "é", "日"}, {"\n", "\r", "", "ab"}},
        {"\\.", {"."}, {"a"}},
        {"\\x41\\u0042\\u{43}", {"ABC"}, {"abc"}},
        {"\\uD83D\\uDE00", {"😀"}, {"a"}},
        {"^a$", {"a"}, {"aa"}},
        {"(^|x)a", {"a", "xa"}, {"ya"}},
        {"a^b", {}, {"ab", "a^b"}},
        {"a$b", {}, {"ab"}},
        {"^^a$$", {"a"}, {""}},
        {"[à-ü]+", {"é", "éê"}, {"e", "è!"}},
    };
    for (const Case& one : cases) {
        CAPTURE(one.expression);
        for (const std::string_view text : one.good) {
            CAPTURE(text);
            CHECK(matches(one.expression, text));
        }
        for (const std::string_view text : one.bad) {
            CAPTURE(text);
            CHECK_FALSE(matches(one.expression, text));
        }
    }
}

TEST_CASE("regex: searching finds a part unless it is anchored") {
    using enum RegexMatch;
    CHECK(matches("b", "abc", kSearch));
    CHECK(matches("", "abc", kSearch));
    CHECK_FALSE(matches("^b", "abc", kSearch));
    CHECK_FALSE(matches("b$", "abc", kSearch));
    CHECK(matches("^a|c$", "abb", kSearch));
    CHECK(matches("^a|c$", "bbc", kSearch));
    CHECK_FALSE(matches("^a|c$", "bab", kSearch));
    CHECK(matches("b\n", "ab\nc", kSearch));
    CHECK_FALSE(matches("^b", "a\nb", kSearch));
    CHECK(matches("^$", "", kSearch));
    CHECK_FALSE(matches("^$", "a", kSearch));
}

TEST_CASE("regex: what is no regular language is refused by name") {
    for (const std::string_view expression :
         {"(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", "(a)\\1", "\\k<n>", "\\bword", "a\\B", "\\p{L}", "(?i)a",
          "(?i:a)", "a++", "a**", "\\cA", "\\q"}) {
        CAPTURE(expression);
        CHECK(status_of(expression) == SLUICE_E_UNSUPPORTED);
    }
    CHECK(compile_regex("x(?=a)", RegexMatch::kWhole).error().message ==
          "looking around in a regular expression is not supported (at byte 1)");
}

TEST_CASE("regex: wrong syntax is told with its place") {
    for (const std::string_view expression :
         {"(", ")", "a)", "(a", "[a", "*a", "+", "?", "a{2,1}", "a{", "a{x}", "[z-a]", "\\", "\\u12",
          "\\u{110000}", "\\uD800", "(?<n", "\xFF"}) {
        CAPTURE(expression);
        CHECK(status_of(expression) == SLUICE_E_INVALID_ARGUMENT);
    }
}

TEST_CASE("regex: what would grow without bound ends at a budget") {
    CHECK(status_of("x{1,1000000}") == SLUICE_E_LIMIT);
    CHECK(status_of("(((x{1,1000}){1,1000}){1,1000}){1,1000}") == SLUICE_E_LIMIT);
    CHECK(status_of("(((){1,1000}){1,1000}){1,1000}") == SLUICE_E_LIMIT);
    CHECK(status_of("(a|b)*a(a|b){20}") == SLUICE_E_LIMIT);
    CHECK(status_of(repeated("(", 100'000)) == SLUICE_E_LIMIT);
    CHECK(status_of(repeated("(", 60'000) + repeated(")", 60'000)) == SLUICE_E_LIMIT);
    CHECK(status_of("(a*)*") == SLUICE_OK);
    CHECK(matches("(a*)*b", "aaab"));
    CHECK(matches("(a+)+$", repeated("a", 5000)));
    CHECK_FALSE(matches("(a+)+$", repeated("a", 5000) + "b"));
}

}  // namespace sluice::grammar
