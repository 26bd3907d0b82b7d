// The experts of a model.
#pragma once

#include <sluice/sluice.h>

#include <cstdint>
#include <vector>

#include "base.hpp"
#include "model.hpp"

namespace sluicepp {

struct ExpertCounts {
    std::vector<std::uint64_t> counts;  // how often each expert of a layer was woken
    std::vector<double> weights;        // sum of the mixing weights it was given
};

// Which experts of a model were woken. Any thread.
class Router : public detail::Owner<sluice_router, sluice_router_destroy> {
public:
    // Throws SLUICE_E_NOT_FOUND for a dense model.
    explicit Router(const Model& model) : Owner(made<sluice_router>(sluice_router_of_model, model.get())) {}

    sluice_router_info describe() const { return filled<sluice_router_info>(sluice_router_describe, get()); }

    // One number per expert; zeros for a layer without experts.
    ExpertCounts counts(std::uint32_t layer) const {
        const std::uint64_t n_experts = describe().n_experts;
        ExpertCounts result{std::vector<std::uint64_t>(n_experts), std::vector<double>(n_experts)};
        std::uint64_t needed = 0;
        check(sluice_router_counts, get(), layer, result.counts.data(), result.weights.data(), n_experts,
              &needed);
        return result;
    }

    void reset() { check(sluice_router_reset, get()); }
};

}  // namespace sluicepp
