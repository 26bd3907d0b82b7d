// What every part of the forward pass is given for one chunk of tokens, and the matrix products they share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "base/threads.h"
#include "cache/kv_cache.h"
#include "forward/forward.h"
#include "forward/workspace.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "moe/expert_groups.h"

namespace sluice {

// One output = W x for all vectors; out has one row of out_stride floats for each vector.
struct Product {
    const Matrix* matrix = nullptr;
    Vectors input;
    float* output = nullptr;
    std::size_t output_stride = 0;
};

struct Step {
    const Config& config;
    const Kernels& kernels;
    Workers& workers;
    const CancelFlag& cancel;
    Workspace& work;
    KvCache& cache;
    ExpertGroups& groups;
    std::span<Product> products;  // room for the products of one phase
    ExpertCounts* counts;         // may be null
    Trace* trace;                 // may be null
    std::size_t n_tokens;

    // work.normed as the input of a product.
    Vectors normed() const { return {work.normed.data(), n_tokens, config.hidden_size, config.hidden_size}; }
    std::span<float> row_of(std::span<float> rows, std::size_t token) const {
        return rows.subspan(token * config.hidden_size, config.hidden_size);
    }

    // Computes products that do not depend on each other in one parallel loop over all their rows.
    Done multiply(std::span<const Product> independent) const;

    // work.normed = RMSNorm(work.hidden; weight), row by row.
    Done normalise(const Floats& weight) const;

    // work.hidden += work.mixed.
    void add_mixed() const;
};

}  // namespace sluice
