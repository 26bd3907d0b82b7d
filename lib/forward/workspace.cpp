#include "forward/workspace.h"

#include <algorithm>

#include "forward/attend_history.h"
#include "kernels/kernels.h"

namespace sluice {

void Workspace::carve(const Config& config, std::size_t max_tokens, std::uint32_t n_threads, Carver& carver) {
    const std::size_t hidden_size = config.hidden_size;
    const std::size_t query_size = std::size_t{config.n_heads} * config.head_size;
    const std::size_t kv_size = std::size_t{config.n_kv_heads} * config.head_size;
    const std::size_t width =
        std::max({6 * hidden_size, 2 * query_size + 2 * kv_size, 4 * std::size_t{config.feed_forward_size}});
    const std::size_t n_pairs = max_tokens * config.n_experts_used;

    hidden = carver.take<float>(max_tokens * hidden_size);
    normed = carver.take<float>(max_tokens * hidden_size);
    mixed = carver.take<float>(2 * max_tokens * hidden_size);
    wide = carver.take<float>(max_tokens * width);
    cosines = carver.take<float>(max_tokens * config.head_size / 2);
    sines = carver.take<float>(max_tokens * config.head_size / 2);
    router_logits = carver.take<float>(max_tokens * config.n_experts);
    experts = carver.take<std::int32_t>(n_pairs);
    expert_weights = carver.take<float>(n_pairs);
    pair_gates = carver.take<float>(n_pairs * config.expert_feed_forward_size);
    pair_ups = carver.take<float>(n_pairs * config.expert_feed_forward_size);
    pair_outputs = carver.take<float>(n_pairs * hidden_size);

    const std::size_t quantised_size =
        std::max({max_tokens * std::max({2 * hidden_size, query_size, std::size_t{config.feed_forward_size}}),
                  n_pairs * config.expert_feed_forward_size});
    quantised = carver.take<std::int8_t>(quantised_size);
    quantised_scales = carver.take<float>(quantised_size / kQuantisedBlock);
    quantised_sums = carver.take<std::int32_t>(quantised_size / kQuantisedBlock * 2);

    const std::size_t row = std::max({hidden_size, query_size, std::size_t{config.feed_forward_size},
                                      std::size_t{config.expert_feed_forward_size}});
    const std::size_t attention = attention_scratch_size(config);
    // Rounded up to cache lines: two workers never write to the same one.
    scratch_size = (std::max({row, attention, kTileScratchSize / sizeof(float)}) + 15) / 16 * 16;
    scratches = carver.take<float>(scratch_size * n_threads);
}

std::uint64_t Workspace::planned_size(const Config& config, std::size_t max_tokens, std::uint32_t n_threads) {
    Workspace counted;
    Carver carver;
    counted.carve(config, max_tokens, n_threads, carver);
    return carver.used();
}

Result<Workspace> Workspace::create(const Config& config, std::size_t max_tokens, std::uint32_t n_threads,
                                    MemoryBudget& budget) {
    Workspace workspace;
    SLUICE_ASSIGN(block,
                  Block::allocate(budget, planned_size(config, max_tokens, n_threads), "the working memory"));
    workspace.block = std::move(block);
    Carver carver(&workspace.block);
    workspace.carve(config, max_tokens, n_threads, carver);
    return workspace;
}

}  // namespace sluice
