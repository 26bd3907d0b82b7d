// What the products of a prompt's tokens with float matrices need beside the workspace, where oneDNN computes
// them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/memory.h"
#include "base/result.h"
#include "kernels/prompt_products.h"
#include "model/config.h"

namespace sluice {

struct PromptRoom {
    std::unique_ptr<PromptProducts> products;
    std::span<float> tiles;  // turned vectors of the products that run: a tile for each kPromptVectors of them
    Block block;

    // Null where the kernels do not prefer oneDNN or PromptProducts has nothing. Errors: OUT_OF_MEMORY.
    static Result<std::unique_ptr<PromptRoom>> create(const Config& config, const Kernels& kernels,
                                                      std::size_t max_tokens, std::uint32_t n_threads,
                                                      MemoryBudget& budget);
    // Bytes that create would take, if the kernels prefer oneDNN.
    static std::uint64_t planned_size(const Config& config, std::size_t max_tokens, std::uint32_t n_threads);
};

}  // namespace sluice
