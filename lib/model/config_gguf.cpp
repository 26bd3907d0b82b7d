// Configuration from GGUF metadata. There is no list of layer types: a layer with 0 key-value heads is a
// short convolution.
#include <limits>

#include "base/checked.h"
#include "base/sentence.h"
#include "base/utf8.h"
#include "model/config_readers.h"

namespace sluice {
namespace {

class Reader {
public:
    Reader(const Metadata& metadata, std::string architecture)
        : metadata_(metadata), prefix_(std::move(architecture) + ".") {}

    std::string key(std::string_view name) const { return prefix_ + std::string(name); }

    Result<std::optional<std::uint32_t>> optional_count(std::string_view name) const {
        SLUICE_ASSIGN(value, metadata_.natural(key(name)));
        if (!value) return std::optional<std::uint32_t>();
        const auto narrow = checked_cast<std::uint32_t>(*value);
        if (!narrow) return error(name, SLUICE_E_CORRUPT, "is ", *value, ", more than 32 bits count");
        return narrow;
    }

    Result<std::uint32_t> count(std::string_view name) const {
        SLUICE_ASSIGN(value, optional_count(name));
        if (!value) return missing(name);
        return *value;
    }

    Result<float> number(std::string_view name) const {
        SLUICE_ASSIGN(value, metadata_.number(key(name)));
        if (!value) return missing(name);
        return static_cast<float>(*value);
    }

    Error missing(std::string_view name) const {
        return make_error(SLUICE_E_CORRUPT, "the metadata key ", printable(key(name)), " is missing");
    }

    // An error about a key that is present.
    template <class... Pieces>
    Error error(std::string_view name, std::int32_t status, const Pieces&... pieces) const {
        const MetadataValue* value = metadata_.find(key(name));
        const std::string text = sentence("the metadata key ", printable(key(name)), " ", pieces...);
        return error_at(value == nullptr ? 0 : value->offset, status, text);
    }

    // The key, where present, has to say what the family does anyway.
    Done expect_number(std::string_view name, double expected) const {
        SLUICE_ASSIGN(value, metadata_.number(key(name)));
        if (!value || *value == expected) return Nothing{};
        return error(name, SLUICE_E_UNSUPPORTED, "is ", *value, "; sluice computes with ", expected);
    }
    Done expect_flag(std::string_view name, bool expected) const {
        SLUICE_ASSIGN(value, metadata_.boolean(key(name)));
        if (!value || *value == expected) return Nothing{};
        return error(name, SLUICE_E_UNSUPPORTED, "is ", *value ? "true" : "false",
                     ", which is not a model of the family");
    }
    Done expect_text(std::string_view name, std::string_view expected) const {
        SLUICE_ASSIGN(value, metadata_.text(key(name)));
        if (!value || *value == expected) return Nothing{};
        return error(name, SLUICE_E_UNSUPPORTED, "is \"", printable(*value), "\"; sluice computes with \"",
                     expected, "\"");
    }

    const Metadata& metadata() const { return metadata_; }

private:
    const Metadata& metadata_;
    std::string prefix_;
};

Done read_layers(const Reader& reader, Config& config) {
    SLUICE_ASSIGN(n_layers, reader.count("block_count"));
    if (n_layers == 0) return reader.error("block_count", SLUICE_E_CORRUPT, "is 0");
    if (n_layers > kMaxLayers) {
        return reader.error("block_count", SLUICE_E_UNSUPPORTED, "is ", n_layers, ", at most ", kMaxLayers,
                            " layers are supported");
    }
    constexpr std::string_view kName = "attention.head_count_kv";
    const MetadataValue* value = reader.metadata().find(reader.key(kName));
    if (value == nullptr) return reader.missing(kName);
    const auto* array = std::get_if<MetadataArray>(&value->content);
    if (array == nullptr) {
        SLUICE_ASSIGN(n_kv_heads, reader.count(kName));
        config.n_kv_heads = n_kv_heads;
        config.is_attention.assign(n_layers, n_kv_heads > 0);
        return Nothing{};
    }
    if (array->count != n_layers) {
        return reader.error(kName, SLUICE_E_CORRUPT, "has ", array->count, " elements for ", n_layers,
                            " layers");
    }
    for (std::uint64_t i = 0; i < array->count; ++i) {
        const auto heads = array->integer(i);
        if (!heads) return reader.error(kName, SLUICE_E_CORRUPT, "is not an array of integers");
        const auto narrow = checked_cast<std::uint32_t>(*heads);
        if (!narrow) return reader.error(kName, SLUICE_E_CORRUPT, "holds ", *heads, " for layer ", i);
        config.is_attention.push_back(*narrow > 0);
        if (*narrow == 0) continue;
        if (config.n_kv_heads != 0 && config.n_kv_heads != *narrow) {
            return reader.error(kName, SLUICE_E_UNSUPPORTED, "gives layer ", i, " ", *narrow,
                                " heads and another layer ", config.n_kv_heads);
        }
        config.n_kv_heads = *narrow;
    }
    return Nothing{};
}

Done read_head_size(const Reader& reader, Config& config) {
    if (config.n_heads == 0) {
        return reader.error("attention.head_count", SLUICE_E_CORRUPT, "is 0");
    }
    SLUICE_ASSIGN(key_size, reader.optional_count("attention.key_length"));
    if (key_size) {
        config.head_size = *key_size;
    } else {
        if (config.hidden_size % config.n_heads != 0) {
            return reader.error("embedding_length", SLUICE_E_CORRUPT, "is ", config.hidden_size,
                                ", not a multiple of the ", config.n_heads, " heads");
        }
        config.head_size = config.hidden_size / config.n_heads;
    }
    SLUICE_TRY(reader.expect_number("attention.value_length", config.head_size));
    return reader.expect_number("rope.dimension_count", config.head_size);
}

// Keys that would change the computation, and what they must say.
Done check_semantics(const Reader& reader, const Config& config) {
    SLUICE_TRY(reader.expect_number("attention.sliding_window", 0));
    SLUICE_TRY(reader.expect_flag("attention.causal", true));
    SLUICE_TRY(reader.expect_number("pooling_type", 0));
    SLUICE_TRY(reader.expect_number("embedding_length_out", config.hidden_size));
    SLUICE_TRY(reader.expect_text("rope.scaling.type", "none"));
    SLUICE_TRY(reader.expect_number("rope.scaling.factor", 1));
    SLUICE_TRY(reader.expect_number("rope.scale_linear", 1));
    SLUICE_TRY(reader.expect_number("expert_gating_func", 2));  // sigmoid
    SLUICE_TRY(reader.expect_flag("expert_weights_norm", true));
    SLUICE_TRY(reader.expect_number("expert_weights_scale", 1));
    SLUICE_TRY(reader.expect_number("expert_shared_count", 0));
    SLUICE_TRY(reader.expect_number("nextn_predict_layers", 0));
    SLUICE_TRY(reader.expect_number("attention.scale", 0));
    SLUICE_TRY(reader.expect_number("attn_logit_softcapping", 0));
    SLUICE_TRY(reader.expect_number("final_logit_softcapping", 0));
    for (const char* scale : {"logit_scale", "embedding_scale", "residual_scale"}) {
        SLUICE_TRY(reader.expect_number(scale, 1));
    }
    return Nothing{};
}

Done read_experts(const Reader& reader, Config& config) {
    if (config.architecture == "lfm2") {
        SLUICE_TRY(reader.expect_number("expert_count", 0));
        config.n_dense_layers = config.n_layers();
        return Nothing{};
    }
    SLUICE_ASSIGN(n_experts, reader.count("expert_count"));
    SLUICE_ASSIGN(n_used, reader.count("expert_used_count"));
    SLUICE_ASSIGN(size, reader.count("expert_feed_forward_length"));
    SLUICE_ASSIGN(n_dense, reader.count("leading_dense_block_count"));
    config.n_experts = n_experts;
    config.n_experts_used = n_used;
    config.expert_feed_forward_size = size;
    config.n_dense_layers = n_dense;
    return Nothing{};
}

Result<std::string> read_architecture(const Metadata& metadata) {
    SLUICE_ASSIGN(architecture, metadata.text("general.architecture"));
    if (!architecture) {
        return make_error(SLUICE_E_CORRUPT, "the metadata key general.architecture is missing");
    }
    if (*architecture != "lfm2" && *architecture != "lfm2moe") {
        return error_at(metadata.find("general.architecture")->offset, SLUICE_E_UNSUPPORTED,
                        "the architecture \"", printable(*architecture), "\" is neither lfm2 nor lfm2moe");
    }
    SLUICE_ASSIGN(type, metadata.text("general.type"));
    if (type && *type != "model") {
        return error_at(metadata.find("general.type")->offset, SLUICE_E_UNSUPPORTED,
                        "the file holds not a model but \"", printable(*type), "\"");
    }
    return std::string(*architecture);
}

}  // namespace

Result<Config> config_from_gguf(const Metadata& metadata, std::optional<std::uint64_t> embedding_rows) {
    SLUICE_ASSIGN(architecture, read_architecture(metadata));
    const Reader reader(metadata, architecture);
    Config config;
    config.architecture = architecture;
    SLUICE_ASSIGN(name, metadata.text("general.name"));
    if (name) config.name = replace_invalid_utf8(*name);
    SLUICE_ASSIGN(hidden, reader.count("embedding_length"));
    config.hidden_size = hidden;
    SLUICE_TRY(read_layers(reader, config));
    SLUICE_ASSIGN(n_heads, reader.count("attention.head_count"));
    config.n_heads = n_heads;
    SLUICE_TRY(read_head_size(reader, config));
    SLUICE_ASSIGN(context, reader.count("context_length"));
    config.context_size = context;
    SLUICE_ASSIGN(feed_forward, reader.count("feed_forward_length"));
    config.feed_forward_size = feed_forward;
    SLUICE_ASSIGN(theta, reader.number("rope.freq_base"));
    config.rope_theta = theta;
    SLUICE_ASSIGN(epsilon, reader.number("attention.layer_norm_rms_epsilon"));
    config.norm_epsilon = epsilon;
    SLUICE_ASSIGN(width, reader.count("shortconv.l_cache"));
    config.convolution_width = width;
    SLUICE_ASSIGN(vocabulary, reader.optional_count("vocab_size"));
    if (vocabulary) {
        config.vocabulary_size = *vocabulary;
    } else if (embedding_rows) {
        const auto narrow = checked_cast<std::uint32_t>(*embedding_rows);
        config.vocabulary_size = narrow.value_or(std::numeric_limits<std::uint32_t>::max());
    } else {
        return reader.missing("vocab_size");
    }
    SLUICE_TRY(read_experts(reader, config));
    SLUICE_TRY(check_semantics(reader, config));
    SLUICE_TRY(verify_config(config));
    return config;
}

}  // namespace sluice
