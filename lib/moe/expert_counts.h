// How often the experts of a model were woken, and with what weight. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice {

class ExpertCounts {
public:
    ExpertCounts(std::uint32_t n_layers, std::uint32_t n_experts);

    std::uint32_t n_layers() const { return n_layers_; }
    std::uint32_t n_experts() const { return n_experts_; }
    std::uint64_t n_tokens() const { return n_tokens_.load(std::memory_order_relaxed); }

    // Adds the experts of some tokens in a layer; ids and weights run in parallel.
    void add(std::uint32_t layer, std::span<const std::int32_t> ids, std::span<const float> weights);
    // Adds n to the tokens routed: once for a token, not once for a layer.
    void add_tokens(std::uint64_t n) { n_tokens_.fetch_add(n, std::memory_order_relaxed); }
    void reset();

    std::uint64_t count(std::uint32_t layer, std::uint32_t expert) const;
    double weight(std::uint32_t layer, std::uint32_t expert) const;

private:
    struct Entry {
        std::atomic<std::uint64_t> count = 0;
        std::atomic<double> weight = 0.0;
    };

    std::uint32_t n_layers_;
    std::uint32_t n_experts_;
    std::vector<Entry> entries_;  // [layer][expert]
    std::atomic<std::uint64_t> n_tokens_ = 0;
};

}  // namespace sluice
