// Turns "which experts does each token wake" into "which tokens does each expert see", so that an
// expert's weights are read once for all of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sluice {

// A pair is one (token, expert). Pairs are numbered by expert, then by token. Allocates at creation only.
class ExpertGroups {
public:
    ExpertGroups(std::uint32_t n_experts, std::uint32_t n_used, std::size_t max_tokens);

    // ids: n_used experts for each token, ascending. Requires at most max_tokens tokens and valid ids.
    void group(std::span<const std::int32_t> ids);

    std::size_t n_pairs() const { return n_pairs_; }
    // The pairs of an expert are [first_pair(e), first_pair(e + 1)).
    std::size_t first_pair(std::uint32_t expert) const { return first_[expert]; }
    // The tokens of the pairs from `pair` on.
    const std::uint32_t* tokens_from(std::size_t pair) const { return token_.data() + pair; }
    // The pair of a token's i-th expert.
    std::size_t pair_of(std::size_t token, std::size_t i) const { return pair_[token * n_used_ + i]; }

private:
    std::uint32_t n_used_;
    std::size_t n_pairs_ = 0;
    std::vector<std::size_t> first_;  // n_experts + 1
    std::vector<std::uint32_t> token_;
    std::vector<std::size_t> pair_;
};

}  // namespace sluice
