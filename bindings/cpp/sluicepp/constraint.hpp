// Constraints on what a model may write.
#pragma once

#include <sluice/sluice.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "base.hpp"
#include "session.hpp"
#include "tokenizer.hpp"

namespace sluicepp {

// A JSON schema, regular expression, grammar or list of tools, made ready for a tokenizer. Any thread.
class Constraint : public detail::Owner<sluice_constraint, sluice_constraint_destroy> {
public:
    // kind: SLUICE_CONSTRAINT_JSON_SCHEMA, ...; flags: SLUICE_CONSTRAINT_FREE_WHITESPACE, ...
    // Throws as sluice_constraint_create.
    Constraint(const Tokenizer& tokenizer, std::int32_t kind, std::string_view text, std::uint32_t flags = 0,
               const std::vector<TokenId>& end_tokens = {}, std::string_view tool = {})
        : Owner(create(tokenizer, kind, text, flags, end_tokens, tool)) {}

    sluice_constraint_info describe() const {
        return filled<sluice_constraint_info>(sluice_constraint_describe, get());
    }

    // SLUICE_CONSTRAINT_REFUSED, _BEGUN or _COMPLETE.
    std::int32_t judge(std::string_view text) const {
        std::int32_t verdict = 0;
        check(sluice_constraint_judge, get(), text.data(), text.size(), &verdict);
        return verdict;
    }

    // Holds the session's answers to it, from after that token on, or from the beginning.
    // Throws as sluice_session_constrain.
    void hold(const Session& session, TokenId after_token = -1) const {
        check(sluice_session_constrain, session.get(), get(), after_token);
    }

private:
    static sluice_constraint* create(const Tokenizer& tokenizer, std::int32_t kind, std::string_view text,
                                     std::uint32_t flags, const std::vector<TokenId>& end_tokens,
                                     std::string_view tool) {
        auto options = sized<sluice_constraint_options>();
        options.kind = kind;
        options.flags = flags;
        options.text.data = text.data();
        options.text.size = text.size();
        options.tool.data = tool.data();
        options.tool.size = tool.size();
        options.end_tokens = end_tokens.data();
        options.n_end_tokens = static_cast<std::uint32_t>(end_tokens.size());
        sluice_constraint* constraint = nullptr;
        check(sluice_constraint_create, tokenizer.get(), &options, &constraint);
        return constraint;
    }
};

// A session's answers are free again. Throws as sluice_session_constrain.
inline void release(const Session& session) {
    check(sluice_session_constrain, session.get(), nullptr, TokenId{-1});
}

}  // namespace sluicepp
