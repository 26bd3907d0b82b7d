// Depth is bounded by the number of kept prefixes: every node has a cache or two children, and each cache costs
// some hundred KiB of the budget, so the recursions below are shallow.
#include "cache/prefix_tree.h"

#include <algorithm>
#include <set>

namespace sluice {
namespace {

constexpr std::uint64_t kMostPrefixes = 1024;

std::size_t common_beginning(std::span<const TokenId> a, std::span<const TokenId> b) {
    return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

}  // namespace

template <class Visit>
void PrefixTree::for_each_cache(const Node& node, const Visit& visit) {
    if (node.cache) visit(*node.cache);
    for (const auto& [token, child] : node.children) for_each_cache(*child, visit);
}

PrefixTree::Node* PrefixTree::any_cache_below(Node& node) {
    if (node.cache) return &node;
    for (const auto& [token, child] : node.children) {
        if (Node* found = any_cache_below(*child)) return found;
    }
    return nullptr;
}

Result<std::optional<PrefixTree::Found>> PrefixTree::find(std::span<const TokenId> ids,
                                                          const KvCacheOptions& kind, std::uint64_t at_least) {
    const std::lock_guard lock(mutex_);
    const auto root = roots_.find({kind.key_type, kind.value_type});
    if (root == roots_.end()) return std::optional<Found>();
    Node* node = &root->second;
    std::size_t n_common = 0;
    for (;;) {
        const auto rest = ids.subspan(n_common);
        const auto child = rest.empty() ? node->children.end() : node->children.find(rest.front());
        if (child == node->children.end()) break;
        node = child->second.get();
        const std::size_t n_more = common_beginning(rest, node->edge);
        n_common += n_more;
        if (n_more < node->edge.size()) break;
    }
    Node* const kept = any_cache_below(*node);
    if (kept == nullptr || n_common <= at_least) return std::optional<Found>();
    kept->last_used = ++clock_;
    SLUICE_ASSIGN(copy, kept->cache->fork());
    return std::optional<Found>(Found{std::move(copy), n_common});
}

Done PrefixTree::keep(const KvCache& cache) {
    const auto& roles = cache.log().roles;
    if (cache.position() == 0 || std::find(roles.begin(), roles.end(), TokenRole::kGenerated) != roles.end()) {
        return Nothing{};
    }
    const std::lock_guard lock(mutex_);
    SLUICE_ASSIGN(copy, cache.fork());
    Node& root = roots_[{cache.options().key_type, cache.options().value_type}];
    Node& node = insert(root, cache.tokens());
    if (!node.cache) node.cache = std::move(copy);
    node.last_used = ++clock_;
    evict();
    return Nothing{};
}

// The node that ends with ids; an edge is cut in two where they part from it.
PrefixTree::Node& PrefixTree::insert(Node& root, std::span<const TokenId> ids) {
    Node* node = &root;
    while (!ids.empty()) {
        std::unique_ptr<Node>& place = node->children[ids.front()];
        if (place == nullptr) {
            place = std::make_unique<Node>();
            place->edge.assign(ids.begin(), ids.end());
            return *place;
        }
        const std::size_t n_common = common_beginning(ids, place->edge);
        if (n_common < place->edge.size()) {
            auto upper = std::make_unique<Node>();
            const auto cut = place->edge.begin() + static_cast<std::ptrdiff_t>(n_common);
            upper->edge.assign(place->edge.begin(), cut);
            place->edge.erase(place->edge.begin(), cut);
            const TokenId next = place->edge.front();
            upper->children.emplace(next, std::move(place));
            place = std::move(upper);
        }
        node = place.get();
        ids = ids.subspan(n_common);
    }
    return *node;
}

std::uint64_t PrefixTree::size_locked() const {
    std::set<const void*> pages;
    std::uint64_t sum = 0;
    for (const auto& [kind, root] : roots_) {
        for_each_cache(root, [&](const KvCache& cache) {
            std::uint64_t shared = 0;
            for (std::size_t i = 0; i < cache.n_pages(); ++i) {
                if (!pages.insert(cache.page_identity(i)).second) shared += cache.page_size();
            }
            sum += cache.size() - shared;
        });
    }
    return sum;
}

std::uint64_t PrefixTree::size() const {
    const std::lock_guard lock(mutex_);
    return size_locked();
}

std::uint64_t PrefixTree::n_locked() const {
    std::uint64_t n = 0;
    for (const auto& [kind, root] : roots_) {
        for_each_cache(root, [&](const KvCache&) { ++n; });
    }
    return n;
}

std::uint64_t PrefixTree::n_prefixes() const {
    const std::lock_guard lock(mutex_);
    return n_locked();
}

PrefixTree::Node* PrefixTree::oldest(Node& node) const {
    Node* found = node.cache ? &node : nullptr;
    for (const auto& [token, child] : node.children) {
        Node* below = oldest(*child);
        if (below != nullptr && (found == nullptr || below->last_used < found->last_used)) found = below;
    }
    return found;
}

// Takes away nodes that lead to no cache. True if this one leads to none.
bool PrefixTree::prune(Node& node) {
    std::erase_if(node.children, [](const auto& child) { return prune(*child.second); });
    return !node.cache && node.children.empty();
}

void PrefixTree::evict() {
    while (size_locked() > most_bytes_ || n_locked() > kMostPrefixes) {
        Node* first = nullptr;
        for (auto& [kind, root] : roots_) {
            Node* found = oldest(root);
            if (found != nullptr && (first == nullptr || found->last_used < first->last_used)) first = found;
        }
        if (first == nullptr) return;
        first->cache.reset();
        for (auto& [kind, root] : roots_) prune(root);
    }
}

}  // namespace sluice
