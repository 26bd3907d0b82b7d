// The tokens of a vocabulary as a tree of their bytes, laid out in the order in which a walk visits it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace sluice::grammar {

class TokenTrie {
public:
    struct Node {
        std::uint32_t end = 0;    // the node after this one's descendants
        std::uint16_t depth = 0;  // bytes before this one
        std::uint8_t byte = 0;
        std::uint8_t n_tokens =
            0;  // that end here: several ids may be spelled alike; 255 of them at most count
        std::uint32_t first_token = 0;
    };

    struct Entry {
        std::string_view bytes;  // not empty
        TokenId id = 0;
    };
    static TokenTrie build(std::vector<Entry> entries);

    std::span<const Node> nodes() const { return nodes_; }
    std::span<const TokenId> tokens(const Node& node) const {
        return {tokens_.data() + node.first_token, node.n_tokens};
    }
    std::size_t max_depth() const { return max_depth_; }
    std::size_t memory() const {
        return nodes_.capacity() * sizeof(Node) + tokens_.capacity() * sizeof(TokenId);
    }

private:
    std::vector<Node> nodes_;
    std::vector<TokenId> tokens_;
    std::size_t max_depth_ = 0;
};

}  // namespace sluice::grammar
