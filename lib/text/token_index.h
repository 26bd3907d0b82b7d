// Finds tokens by their bytes: a sorted list read like a trie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace sluice {

// Chosen over a hash table because no vocabulary, however hostile, makes it slow or large: 16 bytes per
// token, and a look-up compares with the logarithm of the number of tokens. Immutable; any thread.
class TokenIndex {
public:
    struct Match {
        TokenId id = kNoToken;
        std::size_t size = 0;
    };

    TokenIndex() = default;
    // ids names elements of bytes, which must outlive this and not move. Empty ones are left out; of equal
    // ones the lowest id stays.
    TokenIndex(const std::vector<std::string>& bytes, const std::vector<TokenId>& ids);

    // The token with exactly these bytes, or kNoToken.
    TokenId find(std::string_view token) const;

    // The longest token that text has at position, if any. Requires position < text.size().
    Match longest(std::string_view text, std::size_t position) const;

    bool empty() const { return entries_.empty(); }
    std::size_t max_size() const { return max_size_; }

private:
    struct Entry {
        const char* data;
        std::uint32_t size;
        TokenId id;
        std::string_view text() const { return {data, size}; }
    };

    std::vector<Entry> entries_;         // by text, ascending
    std::vector<std::uint32_t> starts_;  // first entry whose first two bytes are at least the index
    std::size_t max_size_ = 0;
};

}  // namespace sluice
