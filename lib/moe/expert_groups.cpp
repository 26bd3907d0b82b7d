// A counting sort by expert: stable, so tokens keep their order within an expert.
#include "moe/expert_groups.h"

#include <algorithm>

namespace sluice {

ExpertGroups::ExpertGroups(std::uint32_t n_experts, std::uint32_t n_used, std::size_t max_tokens)
    : n_used_(n_used), first_(n_experts + 1), token_(max_tokens * n_used), pair_(max_tokens * n_used) {}

void ExpertGroups::group(std::span<const std::int32_t> ids) {
    n_pairs_ = ids.size();
    std::fill(first_.begin(), first_.end(), std::size_t{0});
    for (const std::int32_t id : ids) ++first_[static_cast<std::size_t>(id) + 1];
    for (std::size_t expert = 1; expert < first_.size(); ++expert) first_[expert] += first_[expert - 1];
    // first_ serves as the next free place of each expert and is shifted back afterwards.
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const std::size_t pair = first_[static_cast<std::size_t>(ids[i])]++;
        token_[pair] = static_cast<std::uint32_t>(i / n_used_);
        pair_[i] = pair;
    }
    for (std::size_t expert = first_.size() - 1; expert > 0; --expert) first_[expert] = first_[expert - 1];
    first_[0] = 0;
}

}  // namespace sluice
