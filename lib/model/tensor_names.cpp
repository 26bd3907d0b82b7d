// The table of names.
#include "model/tensor_names.h"

#include <array>

#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice {
namespace {

struct NamesOfPart {
    Part part;
    bool is_of_layer;
    std::array<const char*, 2> gguf;
    std::array<const char*, 3> checkpoint;  // behind the prefix
};

// `head` has its own rule in a checkpoint: it lies beside the prefix, not behind it.
constexpr NamesOfPart kNames[] = {
    {Part::kEmbedding, false, {"token_embd.weight"}, {"embed_tokens.weight"}},
    {Part::kHead, false, {"output.weight"}, {"lm_head.weight"}},
    {Part::kFinalNorm, false, {"token_embd_norm.weight", "output_norm.weight"}, {"embedding_norm.weight"}},
    {Part::kMixerNorm, true, {"attn_norm.weight"}, {"operator_norm.weight"}},
    {Part::kFeedForwardNorm, true, {"ffn_norm.weight"}, {"ffn_norm.weight"}},
    {Part::kConvolutionInput, true, {"shortconv.in_proj.weight"}, {"conv.in_proj.weight"}},
    {Part::kConvolutionOutput, true, {"shortconv.out_proj.weight"}, {"conv.out_proj.weight"}},
    {Part::kTaps, true, {"shortconv.conv.weight"}, {"conv.conv.weight"}},
    {Part::kConvolutionBias, true, {"shortconv.conv.bias"}, {"conv.conv.bias"}},
    {Part::kQuery, true, {"attn_q.weight"}, {"self_attn.q_proj.weight"}},
    {Part::kKey, true, {"attn_k.weight"}, {"self_attn.k_proj.weight"}},
    {Part::kValue, true, {"attn_v.weight"}, {"self_attn.v_proj.weight"}},
    {Part::kQueryKeyValue, true, {"attn_qkv.weight"}, {"self_attn.qkv_proj.weight"}},
    {Part::kAttentionOutput, true, {"attn_output.weight"}, {"self_attn.out_proj.weight"}},
    {Part::kQueryNorm, true, {"attn_q_norm.weight"}, {"self_attn.q_layernorm.weight"}},
    {Part::kKeyNorm, true, {"attn_k_norm.weight"}, {"self_attn.k_layernorm.weight"}},
    {Part::kGate, true, {"ffn_gate.weight"}, {"feed_forward.w1.weight", "feed_forward.gate_proj.weight"}},
    {Part::kUp, true, {"ffn_up.weight"}, {"feed_forward.w3.weight", "feed_forward.up_proj.weight"}},
    {Part::kDown, true, {"ffn_down.weight"}, {"feed_forward.w2.weight", "feed_forward.down_proj.weight"}},
    {Part::kRouter, true, {"ffn_gate_inp.weight"}, {"feed_forward.gate.weight"}},
    {Part::kRouterBias,
     true,
     {"exp_probs_b.bias", "exp_probs_b.weight"},
     {"feed_forward.expert_bias", "feed_forward.gate.e_score_correction_bias"}},
    {Part::kExpertsGate, true, {"ffn_gate_exps.weight"}, {"feed_forward.switch_mlp.gate_proj.weight"}},
    {Part::kExpertsUp, true, {"ffn_up_exps.weight"}, {"feed_forward.switch_mlp.up_proj.weight"}},
    {Part::kExpertsDown,
     true,
     {"ffn_down_exps.weight"},
     {"feed_forward.switch_mlp.down_proj.weight", "feed_forward.experts.down_proj",
      "feed_forward.experts.down_proj.weight"}},
    {Part::kExpertsGateUp,
     true,
     {"ffn_gate_up_exps.weight"},
     {"feed_forward.experts.gate_up_proj", "feed_forward.experts.gate_up_proj.weight"}},
};

// Audio, vision and MLX exports wrap the language model. The empty prefix comes last.
constexpr const char* kPrefixes[] = {
    "model.", "lfm.", "model.language_model.", "language_model.model.", "language_model.", "model.lfm.", ""};

const NamesOfPart& names_of(Part part) {
    return kNames[static_cast<std::size_t>(part)];
}

constexpr bool is_in_order() {
    for (std::size_t i = 0; i < std::size(kNames); ++i) {
        if (static_cast<std::size_t>(kNames[i].part) != i) return false;
    }
    return true;
}
static_assert(is_in_order());

// "model.language_model." and "language_model.model." keep the head under "language_model.".
std::vector<std::string> head_names(const std::string& prefix) {
    std::vector<std::string> names = {"lm_head.weight"};
    if (prefix.find("language_model.") != std::string::npos) names.push_back("language_model.lm_head.weight");
    if (!prefix.empty()) names.push_back(prefix + "lm_head.weight");
    if (names.size() == 3 && names[2] == names[1]) names.pop_back();
    return names;
}

}  // namespace

TensorNames TensorNames::checkpoint(const TensorTable& table) {
    for (const char* prefix : kPrefixes) {
        if (table.find(sentence(prefix, "embed_tokens.weight")) != nullptr) return {table, true, prefix};
    }
    return {table, true, kPrefixes[0]};
}

std::vector<std::string> TensorNames::candidates(Part part, std::uint32_t layer) const {
    const NamesOfPart& names = names_of(part);
    if (is_checkpoint_ && part == Part::kHead) return head_names(prefix_);
    std::vector<std::string> found;
    const auto add = [&](const char* name) {
        if (name == nullptr) return;
        if (!names.is_of_layer) {
            found.push_back(prefix_ + name);
        } else if (is_checkpoint_) {
            found.push_back(sentence(prefix_, "layers.", layer, ".", name));
        } else {
            found.push_back(sentence("blk.", layer, ".", name));
        }
    };
    if (is_checkpoint_) {
        for (const char* name : names.checkpoint) add(name);
    } else {
        for (const char* name : names.gguf) add(name);
    }
    return found;
}

Result<const TensorEntry*> TensorNames::find(Part part, std::uint32_t layer) const {
    const TensorEntry* found = nullptr;
    for (const std::string& name : candidates(part, layer)) {
        const TensorEntry* entry = table_->find(name);
        if (entry == nullptr) continue;
        if (found != nullptr) {
            return error_at(entry->header_offset, SLUICE_E_CORRUPT, "tensors ", found->name, " and ",
                            entry->name, " are two names for one weight");
        }
        found = entry;
    }
    return found;
}

Result<const TensorEntry*> TensorNames::require(Part part, std::uint32_t layer) const {
    SLUICE_ASSIGN(entry, find(part, layer));
    if (entry == nullptr) {
        return make_error(SLUICE_E_CORRUPT, "tensor ", candidates(part, layer).front(), " is missing");
    }
    return entry;
}

std::string TensorNames::expert_name(std::uint32_t layer, std::uint32_t expert, ExpertPart part) const {
    constexpr const char* kParts[] = {"w1", "w3", "w2"};
    return sentence(prefix_, "layers.", layer, ".feed_forward.experts.", expert, ".",
                    kParts[static_cast<std::size_t>(part)], ".weight");
}

const TensorEntry* TensorNames::find_expert(std::uint32_t layer, std::uint32_t expert, ExpertPart part) const {
    return is_checkpoint_ ? table_->find(expert_name(layer, expert, part)) : nullptr;
}

std::string gguf_name(Part part, std::uint32_t layer) {
    const NamesOfPart& names = names_of(part);
    return names.is_of_layer ? sentence("blk.", layer, ".", names.gguf[0]) : std::string(names.gguf[0]);
}

bool changes_computation(std::string_view name) {
    const bool is_of_layer = name.starts_with("blk.") || name.find("layers.") != std::string_view::npos;
    const bool is_bias = name.ends_with(".bias") || name.ends_with(".biases") || name.ends_with(".scales") ||
                         name.ends_with(".scale");
    return (is_of_layer && is_bias) || name.starts_with("rope_freqs") || name == "output.bias" ||
           name == "lm_head.bias";
}

}  // namespace sluice
