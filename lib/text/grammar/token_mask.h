// Which tokens of a vocabulary may come next.
#pragma once

#include <cstdint>
#include <vector>

#include "text/vocabulary.h"

namespace sluice::grammar {

// Where at most so many tokens are allowed, they are listed.
constexpr std::size_t kMaxListed = 64;

struct TokenMask {
    std::vector<std::uint64_t> words;  // token id -> bit id % 64 of word id / 64
    std::size_t n_allowed = 0;
    std::vector<TokenId> few;  // ascending, when 0 < n_allowed <= kMaxListed; empty otherwise

    bool allows(TokenId id) const {
        const auto i = static_cast<std::size_t>(id);
        return i / 64 < words.size() && (words[i / 64] >> (i % 64) & 1) != 0;
    }
};

}  // namespace sluice::grammar
