// The states of an answer under a constraint.
#include "session/answer_constraint.h"

#include <algorithm>

#include "base/sentence.h"

namespace sluice {

void AnswerConstraint::begin() {
    place_ = begin_after_ == kNoToken ? Place::kAtStart : Place::kBefore;
    matcher_.reset();
}

void AnswerConstraint::follow(std::span<const TokenId> answer) {
    begin();
    if (constraint_ == nullptr) return;
    for (const TokenId id : answer) {
        if (place_ == Place::kAtStart) enter();
        if (!accept(id)) {
            place_ = Place::kLost;
            return;
        }
    }
}

void AnswerConstraint::enter() {
    matcher_.emplace(constraint_->matcher());
    place_ = Place::kInside;
}

Result<std::shared_ptr<const grammar::TokenMask>> AnswerConstraint::mask() {
    if (constraint_ == nullptr || place_ == Place::kBefore || place_ == Place::kBehind)
        return std::shared_ptr<const grammar::TokenMask>();
    if (place_ == Place::kLost)
        return make_error(SLUICE_E_STATE, "what was written of this answer does not fit the constraint");
    if (place_ == Place::kAtStart) enter();
    return matcher_->mask();
}

Done AnswerConstraint::accept(TokenId id) {
    if (constraint_ == nullptr || place_ == Place::kBehind) return Nothing{};
    if (place_ == Place::kBefore) {
        if (id == begin_after_) place_ = Place::kAtStart;
        return Nothing{};
    }
    if (place_ != Place::kInside) return Nothing{};
    const auto ends = constraint_->end_tokens();
    if (matcher_->is_complete() && std::find(ends.begin(), ends.end(), id) != ends.end()) {
        place_ = Place::kBehind;
        return Nothing{};
    }
    return matcher_->accept(id);
}

}  // namespace sluice
