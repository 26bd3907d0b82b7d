// What holds an answer to a constraint: the mask for each choice, and the place in the text as it is chosen.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "base/result.h"
#include "text/grammar/constraint.h"
#include "text/vocabulary.h"

namespace sluice {

// One thread at a time.
class AnswerConstraint {
public:
    AnswerConstraint() = default;  // none: everything is allowed
    // With begin_after, everything is allowed until that token was chosen, and the constrained text begins
    // behind it.
    explicit AnswerConstraint(std::shared_ptr<const grammar::Constraint> constraint,
                              TokenId begin_after = kNoToken)
        : constraint_(std::move(constraint)), begin_after_(begin_after) {}

    // Another answer begins. Cannot fail.
    void begin();

    // An answer that was begun elsewhere goes on. Where it does not fit the constraint, mask tells.
    void follow(std::span<const TokenId> answer);

    // The tokens that may be chosen; null: all. Errors: LIMIT (the constraint is too ambiguous), STATE (follow
    // was given what the constraint does not allow).
    Result<std::shared_ptr<const grammar::TokenMask>> mask();

    // A token was chosen that the mask allowed. After one of the constraint's end tokens everything is allowed.
    Done accept(TokenId id);

private:
    enum class Place { kBefore, kAtStart, kInside, kBehind, kLost };

    void enter();

    std::shared_ptr<const grammar::Constraint> constraint_;
    TokenId begin_after_ = kNoToken;
    Place place_ = Place::kAtStart;
    std::optional<grammar::Matcher> matcher_;
};

}  // namespace sluice
