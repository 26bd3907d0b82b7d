// Masks: the fast way agrees with trying every token byte by byte, whatever the constraint and the place.
#include <random>

#include "support/slow_build.h"
#include "text/grammar/constraint.h"
#include "text/grammar/ebnf.h"
#include "text/grammar/json_schema.h"
#include "text/grammar/rig.h"

namespace sluice::grammar {
namespace {

// The definition: a token is allowed where all its bytes go on.
void check_mask(Matcher& matcher, const VocabularyIndex& vocabulary) {
    const auto mask = matcher.mask();
    if (!mask) FAIL(mask.error().message);
    std::size_t n_allowed = 0;
    std::vector<TokenId> all;
    for (TokenId id = 0; id < static_cast<TokenId>(vocabulary.n_tokens()); ++id) {
        Matcher copy = matcher;
        bool expected = copy.accept(id).ok();
        for (const TokenId stop : vocabulary.stop_tokens()) {
            if (id == stop) expected = matcher.is_complete();
        }
        if ((*mask)->allows(id) != expected) {
            CAPTURE(id, vocabulary.bytes(id));
            CHECK((*mask)->allows(id) == expected);
        }
        if (expected) {
            ++n_allowed;
            all.push_back(id);
        }
    }
    CHECK((*mask)->n_allowed == n_allowed);
    if (n_allowed <= kMaxListed) {
        CHECK((*mask)->few == all);
    } else {
        CHECK((*mask)->few.empty());
    }
}

void walk_at_random(const std::shared_ptr<const Constraint>& constraint, unsigned seed, int n_steps) {
    std::mt19937 random(seed);
    Matcher matcher = constraint->matcher();
    for (int step = 0; step < n_steps; ++step) {
        check_mask(matcher, constraint->vocabulary());
        const auto mask = matcher.mask();
        std::vector<TokenId> allowed;
        for (TokenId id = 0; id < static_cast<TokenId>(constraint->vocabulary().n_tokens()); ++id) {
            if ((*mask)->allows(id) && !constraint->vocabulary().bytes(id).empty()) allowed.push_back(id);
        }
        if (allowed.empty()) return;
        // The longer of two, so that merged tokens are walked often.
        const TokenId a = allowed[random() % allowed.size()];
        const TokenId b = allowed[random() % allowed.size()];
        const auto size = [&](TokenId id) { return constraint->vocabulary().bytes(id).size(); };
        REQUIRE(matcher.accept(size(a) > size(b) ? a : b).ok());
    }
}

}  // namespace

TEST_CASE("mask: it agrees with trying every token, in every place of random texts") {
    const auto vocabulary = mixed_vocabulary();
    std::vector<Automaton> automata;
    automata.push_back(built(compile_schema("true")));
    automata.push_back(
        built(compile_schema(R"({"type":"object","properties":{"name":{"type":"string","maxLength":6},
        "age":{"type":"integer","minimum":0,"maximum":150},"tags":{"type":"array","items":{"type":"string",
        "pattern":"^[a-z]+$"},"minItems":1,"maxItems":3}},"required":["name"]})")));
    automata.push_back(built(compile_schema(R"({"type":"string","minLength":2,"maxLength":15})")));
    automata.push_back(built(compile_schema(R"({"enum":["abc","abd","b",12,123,null,{"a":[1]}]})")));
    automata.push_back(built(compile_schema(R"({"type":"object","additionalProperties":{"type":"number"}})",
                                            {Notation::kJson, true})));
    automata.push_back(built(compile_grammar("root ::= (\"a\" | \"ab\" | \"abc\")* \"!\" | \"hello\" [^\"]*")));
    for (const Automaton& automaton : automata) {
        const auto constraint = Constraint::create(automaton, vocabulary);
        for (unsigned seed = 1; seed <= (kIsSlowBuild ? 1U : 3U); ++seed)
            walk_at_random(constraint, seed, kIsSlowBuild ? 8 : 30);
    }
}

TEST_CASE("mask: merged tokens that span several parts of the structure are allowed") {
    const auto tokenizer = mixed_tokenizer();
    const auto constraint = Constraint::create(
        built(
            compile_schema(R"({"type":"object","properties":{"name":{"type":"string"}},"required":["name"]})")),
        std::make_shared<const VocabularyIndex>(*tokenizer));
    Matcher matcher = constraint->matcher();
    auto mask = matcher.mask();
    REQUIRE(mask.ok());
    CHECK((*mask)->allows(tokenizer->find("{\"")));
    CHECK((*mask)->n_allowed == 2);
    CHECK((*mask)->few == std::vector<TokenId>{'{', tokenizer->find("{\"")});
    REQUIRE(matcher.accept(tokenizer->find("{")).ok());
    mask = matcher.mask();
    CHECK((*mask)->allows(tokenizer->find("\"name\": \"")));
    REQUIRE(matcher.accept(tokenizer->find("\"name\": \"")).ok());
    CHECK((*matcher.mask())->allows(tokenizer->find("hello\"")));
    CHECK((*matcher.mask())->allows(tokenizer->find("\"}")));
    CHECK_FALSE((*matcher.mask())->allows(tokenizer->find("\"]")));
}

TEST_CASE("mask: the end is allowed where the text is complete, and control tokens never") {
    const auto tokenizer = mixed_tokenizer();
    const auto vocabulary = std::make_shared<const VocabularyIndex>(*tokenizer);
    const auto constraint = Constraint::create(built(compile_grammar("root ::= \"a\" | \"ab\"")), vocabulary);
    const TokenId end = tokenizer->find("<|end|>");
    Matcher matcher = constraint->matcher();
    CHECK_FALSE((*matcher.mask())->allows(end));
    CHECK_FALSE(matcher.is_complete());
    REQUIRE(matcher.accept("a").ok());
    CHECK(matcher.is_complete());
    CHECK((*matcher.mask())->allows(end));
    CHECK((*matcher.mask())->allows('b'));
    CHECK_FALSE((*matcher.mask())->allows(tokenizer->find("<|other|>")));
    REQUIRE(matcher.accept("b").ok());
    CHECK((*matcher.mask())->few == std::vector<TokenId>{end});
    CHECK_FALSE(matcher.accept("c").ok());
    CHECK(matcher.is_complete());
    CHECK_FALSE(matcher.accept(end).ok());

    const auto other = Constraint::create(built(compile_grammar("root ::= \"a\"")), vocabulary, {'z'});
    Matcher its = other->matcher();
    REQUIRE(its.accept("a").ok());
    CHECK((*its.mask())->few == std::vector<TokenId>{'z'});
}

TEST_CASE("matcher: what must come next is known without choosing") {
    const auto constraint = Constraint::create(
        built(compile_schema(
            R"({"type":"object","properties":{"name":{"enum":["abc","abd"]},"b":{"const":true}},"required":["name","b"]})")),
        mixed_vocabulary());
    Matcher matcher = constraint->matcher();
    CHECK(matcher.forced() == "{\"name\":");
    CHECK(matcher.forced(3) == "{\"n");
    REQUIRE(matcher.accept("{\"name\":").ok());
    CHECK(matcher.forced().empty());
    REQUIRE(matcher.accept(" ").ok());
    CHECK(matcher.forced() == "\"ab");
    REQUIRE(matcher.accept("\"abd").ok());
    CHECK(matcher.forced() == "\",");
    REQUIRE(matcher.accept("\",\"b\":true").ok());
    CHECK(matcher.forced() == "}");
    REQUIRE(matcher.accept("}").ok());
    CHECK(matcher.forced().empty());
}

TEST_CASE("matcher: a copy is a place to come back to") {
    const auto constraint =
        Constraint::create(built(compile_grammar("root ::= \"a\"{2,3} \"b\"")), mixed_vocabulary());
    Matcher matcher = constraint->matcher();
    REQUIRE(matcher.accept("aa").ok());
    Matcher copy = matcher;
    REQUIRE(matcher.accept("ab").ok());
    CHECK(matcher.is_complete());
    CHECK_FALSE(copy.is_complete());
    REQUIRE(copy.accept("b").ok());
    CHECK(copy.is_complete());
    CHECK_FALSE(copy.accept("b").ok());
}

TEST_CASE("constraint: it goes on with small budgets of memory as with large ones") {
    const auto vocabulary = mixed_vocabulary();
    const Automaton automaton = built(compile_schema("true"));
    ConstraintLimits small;
    small.mask_memory = 1;
    small.configuration_memory = 1;
    const auto tight = Constraint::create(automaton, vocabulary, {}, small);
    const auto wide = Constraint::create(automaton, vocabulary);
    Matcher a = tight->matcher();
    Matcher b = wide->matcher();
    for (const std::string_view text :
         {"{\"", "abc", "\": ", "[[", "12", ", ", "{\"", "é", "\":", "null", "}", "]", "]"}) {
        REQUIRE(a.accept(text).ok());
        REQUIRE(b.accept(text).ok());
        const auto first = a.mask();
        const auto second = b.mask();
        REQUIRE((first.ok() && second.ok()));
        CHECK((*first)->words == (*second)->words);
    }
    CHECK_FALSE(a.is_complete());
    REQUIRE(a.accept("}").ok());
    CHECK(a.is_complete());
}

TEST_CASE("constraint: a place met again needs no new mask") {
    const auto constraint = Constraint::create(built(compile_grammar("root ::= [a-z]+")), mixed_vocabulary());
    Matcher matcher = constraint->matcher();
    REQUIRE(matcher.accept("a").ok());
    REQUIRE(matcher.mask().ok());
    REQUIRE(matcher.accept("bc").ok());
    REQUIRE(matcher.mask().ok());
    CHECK(constraint->statistics().masks_computed == 1);
    CHECK(constraint->statistics().masks_found == 1);
    CHECK(constraint->statistics().memory > 0);
}

TEST_CASE("vocabulary: tokens are parted by the plain characters they have") {
    CHECK(count_plain_characters("abc") == 3);
    CHECK(count_plain_characters("日本 é") == 4);
    CHECK(count_plain_characters("a\"") == 0);
    CHECK(count_plain_characters("a\\n") == 0);
    CHECK(count_plain_characters("a\n") == 0);
    CHECK(count_plain_characters("\xE6\x97") == 0);
    const auto vocabulary = mixed_vocabulary();
    std::size_t n_tokens = 0;
    for (const auto& slice : vocabulary->slices()) n_tokens += slice.n_tokens;
    CHECK(n_tokens == vocabulary->n_tokens() - 2);
}

}  // namespace sluice::grammar
