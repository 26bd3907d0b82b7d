// From names to weights: every tensor that the configuration asks for, its shape checked, its place known.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "base/source.h"
#include "model/config.h"
#include "model/model.h"
#include "model/tensor_names.h"

namespace sluice {

// A matrix of the model, and where its bytes begin in its tensor.
struct MatrixSlot {
    Matrix* target = nullptr;  // type, rows and columns are set, data is not
    std::size_t tensor = 0;    // index in the table
    std::uint64_t offset = 0;  // bytes from the tensor's first
};

// A vector of floats, to be decoded from a whole tensor.
struct FloatsSlot {
    Floats* target = nullptr;
    std::size_t tensor = 0;
};

// Which bytes make which weight. The targets lie in *weights.
struct WeightsPlan {
    std::unique_ptr<Weights> weights;
    std::vector<MatrixSlot> matrices;
    std::vector<FloatsSlot> floats;
    std::vector<bool> is_used;  // one per tensor of the table
    bool has_own_head = false;
    std::vector<std::string> warnings;
};

// Whether the output matrix is the embedding where the file could mean either; empty: tied exactly when the
// file has no matrix of its own.
using Tie = std::optional<bool>;

// Errors: CORRUPT (a tensor missing, of the wrong shape, or of the wrong kind for its layer), UNSUPPORTED (a
// type that no kernel reads, or a tensor that would change the computation), naming the tensor.
Result<WeightsPlan> plan_weights(const TensorNames& names, const Config& config, Tie tie);

// Bytes and parameters of a plan. `access_maps` tells whether matrices stay where they are.
ModelSizes sizes_of(const WeightsPlan& plan, const TensorTable& table, const Config& config, bool access_maps);

// What keeps the bytes of matrices alive that were read.
using WeightBlocks = std::vector<Block>;

// Fills the plan's weights: matrices are mapped or read, vectors decoded.
// Errors: those of Source::read, OUT_OF_MEMORY, CANCELLED, NUMERIC (with options.scan: tensor and element).
Result<WeightBlocks> load_weights(WeightsPlan& plan, const TensorTable& table,
                                  std::span<const std::shared_ptr<const Source>> files,
                                  const ModelOptions& options, MemoryBudget& budget);

}  // namespace sluice
