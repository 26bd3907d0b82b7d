// What a configuration must satisfy before anything computes with it.
#include "model/config.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/sentence.h"
#include "base/utf8.h"
#include "text/vocabulary.h"

namespace sluice {
namespace {

constexpr float kMinTheta = 1.0F;
constexpr float kMaxTheta = 1e12F;

// 0 contradicts the format; above the maximum is more than this library does.
Done check_range(std::string_view field, std::uint64_t value, std::uint64_t minimum, std::uint64_t maximum) {
    if (value == 0 && minimum > 0) {
        return make_error(SLUICE_E_CORRUPT, "the configuration's ", field, " is 0");
    }
    if (value < minimum || value > maximum) {
        return make_error(SLUICE_E_UNSUPPORTED, "the configuration's ", field, " is ", value,
                          ", supported are ", minimum, " to ", maximum);
    }
    return Nothing{};
}

Done check_float(std::string_view field, float value, float minimum, float maximum) {
    if (std::isnormal(value) && value >= minimum && value <= maximum) return Nothing{};
    return make_error(SLUICE_E_CORRUPT, "the configuration's ", field, " is ", value, ", expected ", minimum,
                      " to ", maximum);
}

Done check_attention(const Config& config) {
    SLUICE_TRY(check_range("number of heads", config.n_heads, 1, kMaxDimension));
    SLUICE_TRY(check_range("head size", config.head_size, 2, kMaxHeadSize));
    if (config.head_size % 2 != 0) {
        return make_error(SLUICE_E_UNSUPPORTED, "the configuration's head size ", config.head_size,
                          " is odd, so it cannot be rotated in pairs");
    }
    SLUICE_TRY(
        check_range("attention width", std::uint64_t{config.n_heads} * config.head_size, 2, kMaxDimension));
    SLUICE_TRY(check_range("number of key-value heads", config.n_kv_heads, 1, kMaxDimension));
    if (config.n_kv_heads > config.n_heads || config.n_heads % config.n_kv_heads != 0) {
        return make_error(SLUICE_E_CORRUPT, "the configuration's ", config.n_kv_heads,
                          " key-value heads do not divide its ", config.n_heads, " heads");
    }
    return check_float("rope theta", config.rope_theta, kMinTheta, kMaxTheta);
}

Done check_experts(const Config& config) {
    SLUICE_TRY(check_range("number of experts", config.n_experts, 1, kMaxExperts));
    SLUICE_TRY(check_range("number of experts used", config.n_experts_used, 1, kMaxExpertsUsed));
    if (config.n_experts_used > config.n_experts) {
        return make_error(SLUICE_E_CORRUPT, "the configuration uses ", config.n_experts_used,
                          " experts for a token and has ", config.n_experts);
    }
    if (config.n_dense_layers > config.n_layers()) {
        return make_error(SLUICE_E_CORRUPT, "the configuration has ", config.n_dense_layers,
                          " dense layers among ", config.n_layers());
    }
    if (config.n_dense_layers == config.n_layers()) {
        return make_error(SLUICE_E_UNSUPPORTED, "all ", config.n_layers(),
                          " layers of a model with experts are dense");
    }
    SLUICE_TRY(check_range("expert feed-forward size", config.expert_feed_forward_size, 1, kMaxDimension));
    return check_float("scale of expert weights", config.expert_weights_scale, 1e-6F, 1e6F);
}

}  // namespace

std::uint32_t Config::n_attention_layers() const {
    return static_cast<std::uint32_t>(std::count(is_attention.begin(), is_attention.end(), true));
}

Done verify_config(const Config& config) {
    if (config.architecture != "lfm2" && config.architecture != "lfm2moe") {
        return make_error(SLUICE_E_UNSUPPORTED, "the architecture \"", printable(config.architecture),
                          "\" is neither lfm2 nor lfm2moe");
    }
    SLUICE_TRY(check_range("number of layers", config.is_attention.size(), 1, kMaxLayers));
    SLUICE_TRY(check_range("hidden size", config.hidden_size, 1, kMaxDimension));
    SLUICE_TRY(check_range("vocabulary size", config.vocabulary_size, 1, kMaxVocabulary));
    SLUICE_TRY(check_range("context size", config.context_size, 1, kMaxContextSize));
    const std::uint32_t n_attention = config.n_attention_layers();
    if (n_attention == 0 || n_attention == config.n_layers()) {
        return make_error(SLUICE_E_UNSUPPORTED, n_attention, " of ", config.n_layers(),
                          " layers are attention; the family has layers of both kinds");
    }
    SLUICE_TRY(check_attention(config));
    SLUICE_TRY(check_range("convolution width", config.convolution_width, 2, kMaxConvolutionWidth));
    SLUICE_TRY(check_float("norm epsilon", config.norm_epsilon, std::numeric_limits<float>::min(), 1.0F));
    if (config.architecture == "lfm2moe" || config.n_experts > 0) SLUICE_TRY(check_experts(config));
    if (config.n_experts == 0 && config.n_dense_layers != config.n_layers()) {
        return make_error(SLUICE_E_INTERNAL, "a dense model has ", config.n_dense_layers, " dense layers of ",
                          config.n_layers());
    }
    if (config.n_dense_layers > 0) {
        SLUICE_TRY(check_range("feed-forward size", config.feed_forward_size, 1, kMaxDimension));
    }
    return Nothing{};
}

}  // namespace sluice
