// What the targets of constraints share: the text is compiled, and if that succeeds a text is written under it.
#pragma once

#include "fuzz/fuzz_target.h"
#include "text/byte_level.h"
#include "text/grammar/constraint_cache.h"

namespace sluice_fuzz {

// Bytes, and a few tokens of several bytes.
inline const sluice::Tokenizer& small_tokenizer() {
    static const auto tokenizer = [] {
        sluice::Vocabulary vocabulary;
        for (int byte = 0; byte < 256; ++byte)
            vocabulary.tokens.push_back({sluice::letters_of_bytes(std::string(1, static_cast<char>(byte)))});
        for (const std::string_view text :
             {"{\"", "\":", "\", \"", "abc", "  ", "12", "\"}", "true", "\xE6\x97"})
            vocabulary.tokens.push_back({sluice::letters_of_bytes(text)});
        vocabulary.tokens.push_back({"<|end|>", sluice::TokenKind::kControl, 0.0F});
        vocabulary.stop_tokens = {static_cast<sluice::TokenId>(vocabulary.tokens.size() - 1)};
        auto made = sluice::make_tokenizer(vocabulary);
        require(made.ok());
        return *made;
    }();
    return *tokenizer;
}

// Writes up to 64 tokens, each the first allowed one at or after what a byte of `choices` says. The mask must
// say of every choice what trying says.
inline void write_under(const sluice::grammar::Constraint& constraint, std::string_view choices) {
    sluice::grammar::Matcher matcher = constraint.matcher();
    const auto n_tokens = static_cast<sluice::TokenId>(constraint.vocabulary().n_tokens());
    for (const char choice : choices.substr(0, 64)) {
        const auto mask = matcher.mask();
        if (!mask) {
            require(mask.error().status == SLUICE_E_LIMIT);
            return;
        }
        const std::string forced = matcher.forced(16);
        if (!forced.empty()) {
            sluice::grammar::Matcher copy = matcher;
            require(!matcher.is_complete() && copy.accept(forced).ok());
        }
        const auto first = static_cast<sluice::TokenId>(static_cast<unsigned char>(choice)) % n_tokens;
        for (sluice::TokenId i = 0; i < n_tokens; ++i) {
            const sluice::TokenId id = (first + i) % n_tokens;
            if (constraint.vocabulary().bytes(id).empty()) continue;
            sluice::grammar::Matcher copy = matcher;
            const bool is_taken = copy.accept(id).ok();
            require((*mask)->allows(id) == is_taken);
            if (!is_taken) continue;
            matcher = copy;
            break;
        }
    }
}

inline void try_constraint(const sluice::grammar::ConstraintSource& source, std::string_view choices) {
    auto automaton = sluice::grammar::compile(source);
    if (!automaton) {
        const auto& error = automaton.error();
        require(error.status < 0 && error.status != SLUICE_E_INTERNAL && !error.message.empty());
        require(sluice::replace_invalid_utf8(error.message) == error.message);
        return;
    }
    const auto& tokenizer = small_tokenizer();
    const auto constraint = sluice::grammar::Constraint::create(std::move(*automaton),
                                                                tokenizer.constraints().vocabulary(tokenizer));
    write_under(*constraint, choices);
}

}  // namespace sluice_fuzz
