// The sizes of a model, from GGUF metadata or config.json, verified against each other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace sluice {

// Immutable after verify_config; every count is within the limits below and consistent.
struct Config {
    std::string architecture;  // "lfm2" or "lfm2moe"
    std::string name;
    std::uint32_t hidden_size = 0;
    std::uint32_t vocabulary_size = 0;
    std::uint32_t context_size = 0;
    std::uint32_t n_heads = 0;
    std::uint32_t n_kv_heads = 0;  // of the attention layers
    std::uint32_t head_size = 0;   // even
    std::uint32_t convolution_width = 0;
    bool convolution_bias = false;
    std::uint32_t feed_forward_size = 0;
    std::uint32_t expert_feed_forward_size = 0;
    std::uint32_t n_experts = 0;  // 0: dense model
    std::uint32_t n_experts_used = 0;
    std::uint32_t n_dense_layers = 0;  // leading layers without experts; all of them in a dense model
    bool normalise_expert_weights = true;
    bool use_expert_bias = true;
    float expert_weights_scale = 1.0F;
    float norm_epsilon = 0.0F;
    float rope_theta = 0.0F;
    std::vector<bool> is_attention;  // one per layer; the others are short convolutions

    std::uint32_t n_layers() const { return static_cast<std::uint32_t>(is_attention.size()); }
    std::uint32_t n_attention_layers() const;
    bool has_experts(std::uint32_t layer) const { return n_experts > 0 && layer >= n_dense_layers; }
};

constexpr std::uint32_t kMaxLayers = 512;
constexpr std::uint32_t kMaxExperts = 1024;
constexpr std::uint32_t kMaxExpertsUsed = 64;
constexpr std::uint32_t kMaxHeadSize = 512;
constexpr std::uint32_t kMaxHeadGroup = 64;  // query heads that share a key/value head
constexpr std::uint32_t kMaxConvolutionWidth = 16;
constexpr std::uint32_t kMaxDimension = 1u << 24;
constexpr std::uint32_t kMaxContextSize = 1u << 24;

// Errors: CORRUPT or UNSUPPORTED, naming the field and the number.
Done verify_config(const Config& config);

}  // namespace sluice
