// Grammars as text: what they accept, and what is refused.
#include "text/grammar/ebnf.h"

#include "text/grammar/rig.h"

namespace sluice::grammar {
namespace {

std::int32_t status_of_grammar(std::string_view grammar) {
    const auto made = compile_grammar(grammar);
    return made ? SLUICE_OK : made.error().status;
}

}  // namespace

TEST_CASE("grammar: each construct accepts what it describes and nothing else") {
    struct Case {
        std::string_view grammar;
        std::vector<std::string_view> good;
        std::vector<std::string_view> bad;
    };
    const std::vector<Case> cases{
        {"root ::= \"a\"", {"a"}, {"", "b", "aa"}},
        {"root ::= \"a\" \"b\" | \"c\"", {"ab", "c"}, {"a", "abc"}},
        {"root ::= \"a\"* \"b\"+ \"c\"?", {"b", "aabbc"}, {"a", "ac", "bcc"}},
        {"root ::= (\"a\" | \"b\"){2,3}", {"ab", "bba"}, {"a", "abab"}},
        {"root ::= \"a\"{3}", {"aaa"}, {"aa", "aaaa"}},
        {"root ::= [a-c]{2,}", {"ab", "abcabc"}, {"a", "abd"}},
        {"root ::= [^\\n\"]+", {"é x"}, {"", "a\"", "\n"}},
        {"root ::= . .", {"ab", "é\n"}, {"a", "abc"}},
        {"root ::= \"\\\"\\n\\t\\\\\\u00e9\\x41\"", {"\"\n\t\\éA"}, {"a"}},
        {"root ::= item (\",\" item)*  # list\nitem ::= [0-9]+\n", {"1", "1,22,3"}, {"", "1,", ",1"}},
        {"root ::=\n  \"a\"\n  | b\nb ::= \"b\"\n  \"c\"", {"a", "bc"}, {"b"}},
        {"root ::= \"(\" root \")\" | \"x\"", {"x", "((x))"}, {"(x", "(x))", "()"}},
        {"root ::= \"a\" root \"b\" | ", {"", "ab", "aaabbb"}, {"a", "aab", "abb"}},
        {"root ::= (a-b | \"\") \"z\"\na-b ::= \"q\"", {"z", "qz"}, {"q"}},
        {"root ::= \"\"", {""}, {"a"}},
    };
    for (const Case& one : cases) {
        CAPTURE(one.grammar);
        const Automaton automaton = built(compile_grammar(one.grammar));
        for (const std::string_view text : one.good) {
            CAPTURE(text);
            CHECK(accepts(automaton, text));
        }
        for (const std::string_view text : one.bad) {
            CAPTURE(text);
            CHECK_FALSE(accepts(automaton, text));
        }
    }
}

TEST_CASE("grammar: huge repetitions count and are not written out") {
    const Automaton automaton = built(compile_grammar("root ::= \"a\"{1,1000000} \"b\""));
    CHECK(automaton.n_states() < 100);
    CHECK(accepts(automaton, std::string(5000, 'a') + "b"));
    CHECK_FALSE(accepts(automaton, "b"));
    const Automaton exact = built(compile_grammar("root ::= [ab]{300}"));
    CHECK(accepts(exact, std::string(300, 'b')));
    CHECK_FALSE(accepts(exact, std::string(299, 'b')));
    CHECK_FALSE(accepts(exact, std::string(301, 'b')));
}

TEST_CASE("grammar: wrong grammars are refused with the reason") {
    for (const std::string_view grammar : {"",
                                           "x ::= \"a\"",
                                           "root ::= missing",
                                           "root ::= \"a\"\nroot ::= \"b\"",
                                           "root = \"a\"",
                                           "root ::= \"a",
                                           "root ::= (\"a\"",
                                           "root ::= \"a\")",
                                           "root ::= [a",
                                           "root ::= [z-a]",
                                           "root ::= *",
                                           "root ::= \"a\"{2,1}",
                                           "root ::= \"a\"{x}",
                                           "root ::= \"a\"**",
                                           "root ::= \"\xFF\"",
                                           "root ::= %",
                                           "root ::= root \"a\" | \"b\"",
                                           "root ::= a\na ::= b? root",
                                           "root ::= \"a\" root",
                                           "root ::= a*\na ::= a \"x\" | \"y\"\nb ::= \"\""}) {
        CAPTURE(grammar);
        CHECK(status_of_grammar(grammar) == SLUICE_E_INVALID_ARGUMENT);
    }
    CHECK(compile_grammar("root ::= root \"a\" | \"b\"").error().message ==
          "rule root calls itself before it takes any text (left recursion)");
    CHECK(compile_grammar("root ::= \"a\" nowhere").error().message ==
          "the grammar names the rule nowhere and does not define it (at byte 20)");
}

TEST_CASE("grammar: what would grow without bound ends at a budget") {
    std::string groups = "root ::= ";
    for (int i = 0; i < 60'000; ++i) groups += '(';
    CHECK(status_of_grammar(groups) == SLUICE_E_LIMIT);
    std::string rules = "root ::= \"a\"\n";
    for (int i = 0; i < 10'001; ++i) rules += "r" + std::to_string(i) + " ::= \"b\"\n";
    CHECK(status_of_grammar(rules) == SLUICE_E_LIMIT);
    CHECK(status_of_grammar(std::string((1u << 20) + 1, ' ')) == SLUICE_E_LIMIT);
    CHECK(status_of_grammar("root ::= (\"a\"?){1,100000}") == SLUICE_E_LIMIT);
    CHECK(status_of_grammar("root ::= (\"a\"*)*") == SLUICE_OK);
}

TEST_CASE("grammar: ambiguity ends at a budget when the text is written") {
    const Automaton automaton = built(compile_grammar("root ::= (\"a\"{1,1000}){1,1000}"));
    Configurations configurations(automaton);
    ConfigurationId at = configurations.start();
    for (int i = 0; i < 1000 && at != kDead; ++i) at = configurations.step(at, std::uint8_t{'a'});
    CHECK(at == kDead);
    CHECK(configurations.has_failed());
}

TEST_CASE("grammar: nesting ends where the budget of calls does") {
    const Automaton automaton = built(compile_grammar("root ::= \"(\" root \")\" | \"x\""));
    const auto nested = [](std::size_t n) { return std::string(n, '(') + "x" + std::string(n, ')'); };
    CHECK(accepts(automaton, nested(kMaxCallDepth)));
    CHECK_FALSE(accepts(automaton, nested(kMaxCallDepth + 1)));
    // A call at the end of a rule returns nowhere else, so it takes no depth.
    CHECK(accepts(built(compile_grammar("root ::= \"a\" root | \"x\"")), std::string(20'000, 'a') + "x"));
}

}  // namespace sluice::grammar
