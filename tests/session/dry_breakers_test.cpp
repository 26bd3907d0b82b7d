// Where DRY stops by default, for a vocabulary as files spell it.
#include "session/sampler.h"
#include "support/catch.h"
#include "text/byte_level.h"
#include "text/tokenizer.h"

TEST_CASE("dry breakers: by default the tokens that hold a line end, a colon, a quotation mark or a star") {
    sluice::Vocabulary vocabulary;
    const auto add = [&](const char* text) {
        const sluice::VocabularyToken token{sluice::letters_of_bytes(text), sluice::TokenKind::kNormal};
        vocabulary.tokens.push_back(token);
    };
    for (const char* text : {"a", "\n", "a:", "\"b", "**", "\r", "b ", "'", ";", " \n\n"}) add(text);
    auto tokenizer = sluice::make_tokenizer(std::move(vocabulary));
    REQUIRE(tokenizer.ok());
    CHECK(sluice::default_dry_breakers(**tokenizer) == std::vector<sluice::TokenId>{1, 2, 3, 4, 5, 9});
}
