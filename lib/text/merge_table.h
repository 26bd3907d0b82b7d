// Which two neighbouring tokens become one, and in which order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "text/vocabulary.h"

namespace sluice {

// Rows of merges by their left token, each sorted by the right one: no hash that a hostile file could make
// collide. Immutable after finish; any thread.
class MergeTable {
public:
    static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

    struct Merge {
        std::uint32_t rank = kNone;  // lower is earlier
        TokenId result = kNoToken;
    };

    // All ids are valid. Of the same pair the lowest rank counts.
    void add(TokenId left, TokenId right, std::uint32_t rank, TokenId result) {
        merges_.push_back({left, right, {rank, result}});
    }
    // To be called once, after the last add.
    void finish(std::size_t n_tokens);

    // rank is kNone where the two do not merge. Requires ids of the vocabulary.
    Merge find(TokenId left, TokenId right) const;

private:
    struct Entry {
        TokenId left;
        TokenId right;
        Merge merge;
    };

    std::vector<Entry> merges_;          // by left, right, rank
    std::vector<std::uint32_t> starts_;  // first merge of each left token
};

}  // namespace sluice
