// Lets a model read text and notes how large the inputs of its matrices are.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/memory.h"
#include "base/result.h"
#include "base/threads.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "model/quantise/importance.h"

namespace sluice {

struct ImportanceOptions {
    std::uint32_t window = 512;  // tokens that are read from an empty cache, at least 1
    // Told tokens read, after every window; other than 0 cancels. May be empty.
    std::function<std::int32_t(std::uint64_t done, std::uint64_t total)> progress;
};

// Reads the ids window by window, each from an empty cache and after the BOS token where the tokenizer asks for
// one; all activations in float32. Of every matrix in the layers but the routers. Errors: INVALID_ARGUMENT (no
// ids, an id outside the vocabulary, the window), CANCELLED, OUT_OF_MEMORY, those of ForwardPass::run.
Result<quantise::Importance> collect_importance(const Model& model, std::span<const TokenId> ids,
                                                const ImportanceOptions& options, const Kernels& kernels,
                                                Workers& workers, MemoryBudget& budget);

}  // namespace sluice
