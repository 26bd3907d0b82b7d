// Building the tree: sorted texts come in the order of a walk, and each shares a beginning with the one before.
#include "text/grammar/token_trie.h"

#include <algorithm>
#include <limits>

namespace sluice::grammar {

TokenTrie TokenTrie::build(std::vector<Entry> entries) {
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return a.bytes != b.bytes ? a.bytes < b.bytes : a.id < b.id;
    });
    TokenTrie trie;
    trie.tokens_.reserve(entries.size());
    std::vector<std::uint32_t> path;  // nodes of the last text
    std::string_view last;
    for (const Entry& entry : entries) {
        // Longer than any budgeted token of a real vocabulary: never allowed, never asked for.
        if (entry.bytes.size() >= std::numeric_limits<std::uint16_t>::max()) continue;
        std::size_t shared = 0;
        const std::size_t most = std::min(last.size(), entry.bytes.size());
        while (shared < most && last[shared] == entry.bytes[shared]) ++shared;
        while (path.size() > shared) {
            trie.nodes_[path.back()].end = static_cast<std::uint32_t>(trie.nodes_.size());
            path.pop_back();
        }
        for (std::size_t i = shared; i < entry.bytes.size(); ++i) {
            Node node;
            node.byte = static_cast<std::uint8_t>(entry.bytes[i]);
            node.depth = static_cast<std::uint16_t>(i);
            node.first_token = static_cast<std::uint32_t>(trie.tokens_.size());
            path.push_back(static_cast<std::uint32_t>(trie.nodes_.size()));
            trie.nodes_.push_back(node);
        }
        Node& node = trie.nodes_[path.back()];
        if (node.n_tokens < std::numeric_limits<std::uint8_t>::max()) {
            ++node.n_tokens;
            trie.tokens_.push_back(entry.id);
        }
        trie.max_depth_ = std::max(trie.max_depth_, entry.bytes.size());
        last = entry.bytes;
    }
    for (const std::uint32_t open : path)
        trie.nodes_[open].end = static_cast<std::uint32_t>(trie.nodes_.size());
    trie.nodes_.shrink_to_fit();
    return trie;
}

}  // namespace sluice::grammar
