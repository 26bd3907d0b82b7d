// The window slides by one token entering and one leaving; a cut undoes both.
#include "session/token_history.h"

#include <algorithm>

namespace sluice {

TokenHistory::TokenHistory(std::size_t n_tokens, std::size_t capacity) : places_(n_tokens) {
    ids_.reserve(capacity);
    distinct_.reserve(std::min(n_tokens, capacity));
}

void TokenHistory::append(TokenId id) {
    ids_.push_back(id);
    enter(id);
    if (window_ > 0 && ids_.size() > window_) leave(ids_[ids_.size() - 1 - window_]);
}

void TokenHistory::truncate(std::size_t n) {
    while (ids_.size() > n) {
        if (window_ > 0 && ids_.size() > window_) enter(ids_[ids_.size() - 1 - window_]);
        leave(ids_.back());
        ids_.pop_back();
    }
}

void TokenHistory::set_window(std::size_t window) {
    if (window == window_) return;
    for (const TokenId id : distinct_) places_[static_cast<std::size_t>(id)].count = 0;
    distinct_.clear();
    window_ = window;
    const std::size_t n_seen = window == 0 ? ids_.size() : std::min(window, ids_.size());
    for (std::size_t i = ids_.size() - n_seen; i < ids_.size(); ++i) enter(ids_[i]);
}

std::size_t TokenHistory::memory() const {
    return (ids_.capacity() + distinct_.capacity()) * sizeof(TokenId) + places_.capacity() * sizeof(Place);
}

void TokenHistory::enter(TokenId id) {
    if (!is_counted(id)) return;
    Place& place = places_[static_cast<std::size_t>(id)];
    if (place.count++ > 0) return;
    place.index = static_cast<std::uint32_t>(distinct_.size());
    distinct_.push_back(id);
}

void TokenHistory::leave(TokenId id) {
    if (!is_counted(id)) return;
    Place& place = places_[static_cast<std::size_t>(id)];
    if (--place.count > 0) return;
    const TokenId moved = distinct_.back();
    distinct_[place.index] = moved;
    places_[static_cast<std::size_t>(moved)].index = place.index;
    distinct_.pop_back();
}

}  // namespace sluice
