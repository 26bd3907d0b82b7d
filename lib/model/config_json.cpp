// Configuration from config.json: the spellings of transformers 4 and 5 and of early exports (lfm2.md 1).
#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <limits>

#include "base/checked.h"
#include "base/sentence.h"
#include "base/utf8.h"
#include "model/config_readers.h"

namespace sluice {
namespace {

constexpr std::string_view kFile = "config.json";

template <class... Pieces>
Error complain(std::int32_t status, const Pieces&... pieces) {
    return make_error(status, kFile, ": ", pieces...);
}

// The first of several spellings that is present and not null.
const Json* find_any(const Json& json, std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
        const Json* value = json.find(name);
        if (value != nullptr && !value->is_null()) return value;
    }
    return nullptr;
}

Result<std::optional<std::uint32_t>> optional_count(const Json& json,
                                                    std::initializer_list<std::string_view> names) {
    const Json* value = find_any(json, names);
    if (value == nullptr) return std::optional<std::uint32_t>();
    const auto natural = value->natural();
    const auto narrow = natural ? checked_cast<std::uint32_t>(*natural) : std::nullopt;
    if (!narrow) return complain(SLUICE_E_CORRUPT, *names.begin(), " is not a count of 32 bits");
    return narrow;
}

Result<std::uint32_t> count(const Json& json, std::initializer_list<std::string_view> names) {
    SLUICE_ASSIGN(value, optional_count(json, names));
    if (!value) return complain(SLUICE_E_CORRUPT, *names.begin(), " is missing");
    return *value;
}

Result<std::optional<double>> optional_number(const Json& json, std::initializer_list<std::string_view> names) {
    const Json* value = find_any(json, names);
    if (value == nullptr) return std::optional<double>();
    const auto number = value->number();
    if (!number) return complain(SLUICE_E_CORRUPT, *names.begin(), " is not a number");
    return number;
}

Result<bool> flag(const Json& json, std::string_view name, bool otherwise) {
    const Json* value = find_any(json, {name});
    if (value == nullptr) return otherwise;
    if (value->boolean() == nullptr) return complain(SLUICE_E_CORRUPT, name, " is neither true nor false");
    return *value->boolean();
}

Result<std::string> read_architecture(const Json& json) {
    const Json* type = find_any(json, {"model_type"});
    if (type == nullptr || type->string() == nullptr) {
        return complain(SLUICE_E_CORRUPT, "model_type is missing");
    }
    if (*type->string() == "lfm2") return std::string("lfm2");
    if (*type->string() == "lfm2_moe") return std::string("lfm2moe");
    return complain(SLUICE_E_UNSUPPORTED, "the model_type \"", printable(*type->string()),
                    "\" is neither lfm2 nor lfm2_moe");
}

Done read_layer_types(const Json& types, Config& config) {
    const Json::Array* array = types.array();
    if (array == nullptr || array->size() != config.n_layers()) {
        return complain(SLUICE_E_CORRUPT, "layer_types has ", array == nullptr ? 0 : array->size(),
                        " elements for ", config.n_layers(), " layers");
    }
    for (std::size_t i = 0; i < array->size(); ++i) {
        const std::string* type = (*array)[i].string();
        if (type == nullptr || (*type != "conv" && *type != "full_attention")) {
            return complain(SLUICE_E_UNSUPPORTED, "layer_types gives layer ", i, " the type \"",
                            type == nullptr ? "" : printable(*type),
                            "\", which is neither conv nor full_attention");
        }
        config.is_attention[i] = *type == "full_attention";
    }
    return Nothing{};
}

Result<std::vector<bool>> read_attention_indices(const Json& indices, std::uint32_t n_layers) {
    const Json::Array* array = indices.array();
    if (array == nullptr) return complain(SLUICE_E_CORRUPT, "full_attn_idxs is not an array");
    std::vector<bool> is_attention(n_layers, false);
    for (const Json& value : *array) {
        const auto index = value.natural();
        if (!index || *index >= n_layers) {
            return complain(SLUICE_E_CORRUPT, "full_attn_idxs names a layer outside the ", n_layers);
        }
        is_attention[static_cast<std::size_t>(*index)] = true;
    }
    return is_attention;
}

Done read_layers(const Json& json, Config& config) {
    SLUICE_ASSIGN(n_layers, count(json, {"num_hidden_layers"}));
    if (n_layers == 0) return complain(SLUICE_E_CORRUPT, "num_hidden_layers is 0");
    if (n_layers > kMaxLayers) {
        return complain(SLUICE_E_UNSUPPORTED, "num_hidden_layers is ", n_layers, ", at most ", kMaxLayers,
                        " are supported");
    }
    config.is_attention.assign(n_layers, false);
    const Json* types = find_any(json, {"layer_types"});
    const Json* indices = find_any(json, {"full_attn_idxs"});
    if (types != nullptr) SLUICE_TRY(read_layer_types(*types, config));
    if (indices != nullptr) {
        SLUICE_ASSIGN(is_attention, read_attention_indices(*indices, n_layers));
        if (types != nullptr && is_attention != config.is_attention) {
            return complain(SLUICE_E_CORRUPT, "layer_types and full_attn_idxs contradict each other");
        }
        config.is_attention = is_attention;
    }
    if (types == nullptr && indices == nullptr) return complain(SLUICE_E_CORRUPT, "layer_types is missing");
    return Nothing{};
}

Done read_rope(const Json& json, Config& config) {
    const Json* parameters = find_any(json, {"rope_parameters", "rope_scaling"});
    std::optional<double> theta;
    if (parameters != nullptr) {
        if (parameters->object() == nullptr) {
            return complain(SLUICE_E_CORRUPT, "rope_parameters is not an object");
        }
        const Json* type = find_any(*parameters, {"rope_type", "type"});
        if (type != nullptr && (type->string() == nullptr || *type->string() != "default")) {
            return complain(SLUICE_E_UNSUPPORTED, "the rope_type is not \"default\"");
        }
        SLUICE_ASSIGN(nested, optional_number(*parameters, {"rope_theta"}));
        theta = nested;
    }
    if (!theta) {
        SLUICE_ASSIGN(flat, optional_number(json, {"rope_theta", "theta"}));
        theta = flat;
    }
    if (!theta) return complain(SLUICE_E_CORRUPT, "rope_theta is missing");
    config.rope_theta = static_cast<float>(*theta);
    return Nothing{};
}

// The size after the rule of lfm2.md 1.2 (modeling_lfm2.py, Lfm2MLP).
Result<std::uint64_t> adjusted_size(const Json& json, std::uint64_t size) {
    SLUICE_ASSIGN(multiplier, optional_number(json, {"block_ffn_dim_multiplier"}));
    SLUICE_ASSIGN(multiple, optional_count(json, {"block_multiple_of"}));
    size = 2 * size / 3;
    if (multiplier) {
        const double scaled = *multiplier * static_cast<double>(size);
        if (!(scaled >= 1 && scaled <= double{kMaxDimension})) {
            return complain(SLUICE_E_CORRUPT, "block_ffn_dim_multiplier is ", *multiplier);
        }
        size = static_cast<std::uint64_t>(scaled);
    }
    const std::uint64_t step = multiple.value_or(256);
    if (step == 0) return complain(SLUICE_E_CORRUPT, "block_multiple_of is 0");
    return (size + step - 1) / step * step;
}

// Exports disagree on whether intermediate_size and block_ff_dim are before or after the adjustment, so the
// matrix decides among the readings.
Done read_feed_forward(const Json& json, std::optional<std::uint64_t> gate_rows, Config& config) {
    SLUICE_ASSIGN(intermediate, optional_count(json, {"intermediate_size"}));
    SLUICE_ASSIGN(block, optional_count(json, {"block_ff_dim"}));
    if (!intermediate && !block) return complain(SLUICE_E_CORRUPT, "intermediate_size is missing");
    if (config.architecture == "lfm2moe") {
        config.feed_forward_size = intermediate.value_or(block.value_or(0));
        return Nothing{};
    }
    SLUICE_ASSIGN(adjusts, flag(json, "block_auto_adjust_ff_dim", true));
    std::vector<std::uint64_t> readings;
    for (const auto& size : {block, intermediate}) {
        if (!size || *size > kMaxDimension) continue;
        SLUICE_ASSIGN(adjusted, adjusted_size(json, *size));
        if (adjusts) readings.push_back(adjusted);
        readings.push_back(*size);
    }
    if (readings.empty()) {
        return complain(SLUICE_E_UNSUPPORTED, "intermediate_size is more than ", kMaxDimension);
    }
    std::uint64_t size = readings.front();
    if (gate_rows) {
        if (std::find(readings.begin(), readings.end(), *gate_rows) == readings.end()) {
            return complain(SLUICE_E_CORRUPT, "the feed-forward size is ", readings.front(), " or ",
                            readings.back(), ", the matrix w1 has ", *gate_rows, " rows");
        }
        size = *gate_rows;
    }
    config.feed_forward_size = static_cast<std::uint32_t>(std::min<std::uint64_t>(size, UINT32_MAX));
    return Nothing{};
}

Done read_experts(const Json& json, Config& config) {
    if (config.architecture == "lfm2") {
        config.n_dense_layers = config.n_layers();
        return Nothing{};
    }
    SLUICE_ASSIGN(n_experts, count(json, {"num_experts"}));
    SLUICE_ASSIGN(n_used, count(json, {"num_experts_per_tok"}));
    SLUICE_ASSIGN(size, count(json, {"moe_intermediate_size"}));
    SLUICE_ASSIGN(n_dense, count(json, {"num_dense_layers"}));
    SLUICE_ASSIGN(normalise, flag(json, "norm_topk_prob", true));
    SLUICE_ASSIGN(use_bias, flag(json, "use_expert_bias", true));
    SLUICE_ASSIGN(scale, optional_number(json, {"routed_scaling_factor"}));
    config.n_experts = n_experts;
    config.n_experts_used = n_used;
    config.expert_feed_forward_size = size;
    config.n_dense_layers = n_dense;
    config.normalise_expert_weights = normalise;
    config.use_expert_bias = use_bias;
    config.expert_weights_scale = static_cast<float>(scale.value_or(1.0));
    return Nothing{};
}

Done read_attention(const Json& json, Config& config) {
    SLUICE_ASSIGN(n_heads, count(json, {"num_attention_heads", "num_heads"}));
    SLUICE_ASSIGN(n_kv_heads, count(json, {"num_key_value_heads"}));
    SLUICE_ASSIGN(head_size, optional_count(json, {"head_dim"}));
    config.n_heads = n_heads;
    config.n_kv_heads = n_kv_heads;
    if (n_heads == 0) return complain(SLUICE_E_CORRUPT, "num_attention_heads is 0");
    if (!head_size && config.hidden_size % n_heads != 0) {
        return complain(SLUICE_E_CORRUPT, "hidden_size is ", config.hidden_size, ", not a multiple of the ",
                        n_heads, " heads");
    }
    config.head_size = head_size.value_or(config.hidden_size / n_heads);
    if (const Json* window = find_any(json, {"sliding_window"}); window != nullptr) {
        return complain(SLUICE_E_UNSUPPORTED, "sliding_window is set");
    }
    return Nothing{};
}

}  // namespace

std::optional<bool> ties_embedding(const Json& json) {
    const Json* value = find_any(json, {"tie_word_embeddings", "tie_embedding"});
    if (value == nullptr || value->boolean() == nullptr) return std::nullopt;
    return *value->boolean();
}

Result<Config> config_from_json(const Json& json, std::optional<std::uint64_t> gate_rows) {
    if (json.object() == nullptr) return complain(SLUICE_E_CORRUPT, "the text is not an object");
    Config config;
    SLUICE_ASSIGN(architecture, read_architecture(json));
    config.architecture = architecture;
    if (const Json* name = find_any(json, {"_name_or_path"}); name != nullptr && name->string() != nullptr) {
        config.name = *name->string();
    }
    SLUICE_ASSIGN(hidden, count(json, {"hidden_size", "block_dim"}));
    SLUICE_ASSIGN(vocabulary, count(json, {"vocab_size"}));
    SLUICE_ASSIGN(context, count(json, {"max_position_embeddings"}));
    SLUICE_ASSIGN(width, count(json, {"conv_L_cache"}));
    SLUICE_ASSIGN(bias, flag(json, "conv_bias", false));
    SLUICE_ASSIGN(epsilon, optional_number(json, {"norm_eps", "block_norm_eps"}));
    if (!epsilon) return complain(SLUICE_E_CORRUPT, "norm_eps is missing");
    config.hidden_size = hidden;
    config.vocabulary_size = vocabulary;
    config.context_size = context;
    config.convolution_width = width;
    config.convolution_bias = bias;
    config.norm_epsilon = static_cast<float>(*epsilon);
    SLUICE_TRY(read_layers(json, config));
    SLUICE_TRY(read_attention(json, config));
    SLUICE_TRY(read_rope(json, config));
    SLUICE_TRY(read_feed_forward(json, gate_rows, config));
    SLUICE_TRY(read_experts(json, config));
    SLUICE_TRY(verify_config(config));
    return config;
}

}  // namespace sluice
