// Relaxed counters: each is exact by itself, and nothing is decided by comparing two of them.
#include "moe/expert_counts.h"

namespace sluice {

ExpertCounts::ExpertCounts(std::uint32_t n_layers, std::uint32_t n_experts)
    : n_layers_(n_layers), n_experts_(n_experts), entries_(std::size_t{n_layers} * n_experts) {}

void ExpertCounts::add(std::uint32_t layer, std::span<const std::int32_t> ids, std::span<const float> weights) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
        Entry& entry = entries_[std::size_t{layer} * n_experts_ + static_cast<std::size_t>(ids[i])];
        entry.count.fetch_add(1, std::memory_order_relaxed);
        entry.weight.fetch_add(weights[i], std::memory_order_relaxed);
    }
}

void ExpertCounts::reset() {
    for (Entry& entry : entries_) {
        entry.count.store(0, std::memory_order_relaxed);
        entry.weight.store(0.0, std::memory_order_relaxed);
    }
    n_tokens_.store(0, std::memory_order_relaxed);
}

std::uint64_t ExpertCounts::count(std::uint32_t layer, std::uint32_t expert) const {
    return entries_[std::size_t{layer} * n_experts_ + expert].count.load(std::memory_order_relaxed);
}

double ExpertCounts::weight(std::uint32_t layer, std::uint32_t expert) const {
    return entries_[std::size_t{layer} * n_experts_ + expert].weight.load(std::memory_order_relaxed);
}

}  // namespace sluice
