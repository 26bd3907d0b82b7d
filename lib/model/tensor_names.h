// What a weight is called: GGUF, Hugging Face and MLX names for the same thing (lfm2.md 3.2 and 4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/tensor_table.h"

namespace sluice {

enum class Part {
    kEmbedding,
    kHead,
    kFinalNorm,
    kMixerNorm,
    kFeedForwardNorm,
    kConvolutionInput,
    kConvolutionOutput,
    kTaps,
    kConvolutionBias,
    kQuery,
    kKey,
    kValue,
    kQueryKeyValue,
    kAttentionOutput,
    kQueryNorm,
    kKeyNorm,
    kGate,
    kUp,
    kDown,
    kRouter,
    kRouterBias,
    kExpertsGate,  // all experts of a layer stacked
    kExpertsUp,
    kExpertsDown,
    kExpertsGateUp,  // gate rows, then up rows, of each expert
};

enum class ExpertPart { kGate, kUp, kDown };

// Finds weights in a table by what they are.
class TensorNames {
public:
    static TensorNames gguf(const TensorTable& table) { return {table, false, ""}; }
    // With the prefix under which the checkpoint keeps its language model ("model.", "lfm.", ...).
    static TensorNames checkpoint(const TensorTable& table);

    // Null when the file has none. Errors: CORRUPT when it is there under two names.
    Result<const TensorEntry*> find(Part part, std::uint32_t layer = 0) const;
    // Errors: CORRUPT, naming the tensor that is missing.
    Result<const TensorEntry*> require(Part part, std::uint32_t layer = 0) const;

    // One expert's matrix where a checkpoint has one each; null when there is none.
    const TensorEntry* find_expert(std::uint32_t layer, std::uint32_t expert, ExpertPart part) const;
    std::string expert_name(std::uint32_t layer, std::uint32_t expert, ExpertPart part) const;

    bool is_checkpoint() const { return is_checkpoint_; }
    const TensorTable& table() const { return *table_; }

private:
    TensorNames(const TensorTable& table, bool is_checkpoint, std::string prefix)
        : table_(&table), is_checkpoint_(is_checkpoint), prefix_(std::move(prefix)) {}

    std::vector<std::string> candidates(Part part, std::uint32_t layer) const;

    const TensorTable* table_;
    bool is_checkpoint_;
    std::string prefix_;
};

// What a GGUF file calls it, for example "blk.3.ffn_down.weight"; layer is ignored where the part has none.
std::string gguf_name(Part part, std::uint32_t layer);

// Whether a tensor that no weight asked for would change what the model computes: a bias, or a table of
// rotation factors. Passing over it would be silently wrong.
bool changes_computation(std::string_view name);

}  // namespace sluice
