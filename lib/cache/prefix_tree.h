// Beginnings that many conversations share: a system prompt, the tools. Kept as caches in a radix tree over
// their tokens, within a budget of bytes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cache/kv_cache.h"

namespace sluice {

// Any thread. All caches given to one tree are of one model.
class PrefixTree {
public:
    explicit PrefixTree(std::uint64_t most_bytes) : most_bytes_(most_bytes) {}
    PrefixTree(const PrefixTree&) = delete;
    PrefixTree& operator=(const PrefixTree&) = delete;

    struct Found {
        KvCache cache;
        std::uint64_t n_common = 0;  // first tokens that are those asked for
    };
    // A copy of a cache, of this kind, that has more than `at_least` first tokens in common with `ids`, and of
    // all of them the most; nothing if there is none. Errors: OUT_OF_MEMORY.
    Result<std::optional<Found>> find(std::span<const TokenId> ids, const KvCacheOptions& kind,
                                      std::uint64_t at_least);

    // Keeps a copy. Only prompts are kept: in some models the tokens of answers have other bits
    // (TokenRole). Those used longest ago go when there are more bytes than the budget, or more than 1,024.
    // Errors: OUT_OF_MEMORY; then nothing has changed.
    Done keep(const KvCache& cache);

    std::uint64_t most_bytes() const { return most_bytes_; }
    std::uint64_t size() const;  // bytes; a page that several share counts once
    std::uint64_t n_prefixes() const;

private:
    // The tokens between the parent and this node, and the cache after them, if one is kept.
    struct Node {
        std::vector<TokenId> edge;
        std::optional<KvCache> cache;
        std::uint64_t last_used = 0;
        std::map<TokenId, std::unique_ptr<Node>> children;
    };
    using Kind = std::pair<KvType, KvType>;

    static Node* any_cache_below(Node& node);
    Node& insert(Node& root, std::span<const TokenId> ids);
    void evict();
    Node* oldest(Node& node) const;
    static bool prune(Node& node);
    template <class Visit>
    static void for_each_cache(const Node& node, const Visit& visit);
    std::uint64_t size_locked() const;
    std::uint64_t n_locked() const;

    const std::uint64_t most_bytes_;
    mutable std::mutex mutex_;
    std::map<Kind, Node> roots_;
    std::uint64_t clock_ = 0;
};

}  // namespace sluice
