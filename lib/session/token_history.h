// The tokens so far, and how often each occurs in the window that the penalties see. O(1) per token.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "text/vocabulary.h"

namespace sluice {

// One thread at a time. Does not allocate after construction while at most `capacity` tokens are held.
class TokenHistory {
public:
    // Ids outside [0, n_tokens) are remembered but not counted.
    TokenHistory(std::size_t n_tokens, std::size_t capacity);

    void append(TokenId id);
    // Keeps the first n tokens; nothing happens when there are no more than n. O(tokens removed).
    void truncate(std::size_t n);
    // Counts over the last `window` tokens from now on; 0: over all. O(tokens held).
    void set_window(std::size_t window);

    std::span<const TokenId> ids() const { return ids_; }
    // Each token that occurs in the window, once, in no particular order.
    std::span<const TokenId> distinct() const { return distinct_; }
    // Occurrences in the window. Requires id in [0, n_tokens).
    std::uint32_t count(TokenId id) const { return places_[static_cast<std::size_t>(id)].count; }

    std::size_t memory() const;

private:
    struct Place {
        std::uint32_t count = 0;
        std::uint32_t index = 0;  // in distinct_, while count > 0
    };

    bool is_counted(TokenId id) const { return id >= 0 && static_cast<std::size_t>(id) < places_.size(); }
    void enter(TokenId id);
    void leave(TokenId id);

    std::vector<TokenId> ids_;
    std::vector<TokenId> distinct_;
    std::vector<Place> places_;  // by token id
    std::size_t window_ = 0;
};

}  // namespace sluice
