#include "forward/prompt_room.h"

#include <algorithm>
#include <vector>

namespace sluice {
namespace {

// Of the matrices that all tokens meet, ascending and each number once.
std::vector<std::size_t> columns_of(const Config& config) {
    std::vector<std::size_t> columns{config.hidden_size, std::size_t{config.n_heads} * config.head_size};
    if (config.feed_forward_size > 0) columns.push_back(config.feed_forward_size);
    std::sort(columns.begin(), columns.end());
    columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
    return columns;
}

std::size_t tiles_size(const Config& config, std::size_t max_tokens) {
    return (max_tokens + kPromptVectors - 1) / kPromptVectors * prompt_tile_size(columns_of(config).back());
}

}  // namespace

Result<std::unique_ptr<PromptRoom>> PromptRoom::create(const Config& config, const Kernels& kernels,
                                                       std::size_t max_tokens, std::uint32_t n_threads,
                                                       MemoryBudget& budget) {
    auto room = std::make_unique<PromptRoom>();
    if (!kernels.prefers_onednn) return std::unique_ptr<PromptRoom>();
    SLUICE_ASSIGN(products, PromptProducts::create(kernels, columns_of(config), n_threads, budget));
    if (products == nullptr) return std::unique_ptr<PromptRoom>();
    room->products = std::move(products);
    const std::size_t size = tiles_size(config, max_tokens);
    SLUICE_ASSIGN(block, Block::allocate(budget, size * sizeof(float), "a prompt's turned vectors"));
    room->block = std::move(block);
    room->tiles = {reinterpret_cast<float*>(room->block.data()), size};
    return room;
}

std::uint64_t PromptRoom::planned_size(const Config& config, std::size_t max_tokens, std::uint32_t n_threads) {
    const std::uint64_t rooms = PromptProducts::planned_size(columns_of(config), n_threads);
    return rooms == 0 ? 0 : rooms + tiles_size(config, max_tokens) * sizeof(float);
}

}  // namespace sluice
