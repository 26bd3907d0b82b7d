// The keys of lfm2.md 3.1, from a configuration and a vocabulary.
#include "model/quantise/description.h"

#include "base/sentence.h"
#include "base/utf8.h"
#include "model/gguf.h"

namespace sluice::quantise {
namespace {

// What llama.cpp takes for granted in this architecture (lfm2.md 2), so that a file cannot say otherwise.
Done check_expressible(const Config& config) {
    if (config.n_experts > 0 && (!config.normalise_expert_weights || config.expert_weights_scale != 1.0F)) {
        return make_error(SLUICE_E_UNSUPPORTED,
                          "GGUF has no key for norm_topk_prob false or routed_scaling_factor ",
                          config.expert_weights_scale);
    }
    if (config.convolution_bias) {
        return make_error(SLUICE_E_UNSUPPORTED, "GGUF has no tensor for the bias of short convolutions");
    }
    return Nothing{};
}

void add_sizes(const Config& config, Metadata& metadata) {
    const auto key = [&](std::string_view name) { return sentence(config.architecture, ".", name); };
    const auto set = [&](std::string_view name, std::uint32_t value) {
        metadata.set(key(name), MetadataValue::uint32(value));
    };
    set("block_count", config.n_layers());
    set("context_length", config.context_size);
    set("embedding_length", config.hidden_size);
    set("feed_forward_length", config.feed_forward_size);
    set("attention.head_count", config.n_heads);
    std::vector<std::int32_t> kv_heads;
    for (const bool is_attention : config.is_attention) {
        kv_heads.push_back(is_attention ? static_cast<std::int32_t>(config.n_kv_heads) : 0);
    }
    metadata.set(key("attention.head_count_kv"), MetadataValue::int32s(kv_heads));
    if (config.head_size * config.n_heads != config.hidden_size) {
        set("attention.key_length", config.head_size);
        set("attention.value_length", config.head_size);
        set("rope.dimension_count", config.head_size);
    }
    metadata.set(key("rope.freq_base"), MetadataValue::float32(config.rope_theta));
    metadata.set(key("attention.layer_norm_rms_epsilon"), MetadataValue::float32(config.norm_epsilon));
    set("vocab_size", config.vocabulary_size);
    set("shortconv.l_cache", config.convolution_width);
    if (config.n_experts == 0) return;
    constexpr std::uint32_t kSigmoid = 2;
    set("expert_count", config.n_experts);
    set("expert_used_count", config.n_experts_used);
    set("expert_feed_forward_length", config.expert_feed_forward_size);
    set("leading_dense_block_count", config.n_dense_layers);
    set("expert_gating_func", kSigmoid);
}

// llama.cpp wants a token for every row of the embedding; its converter calls the rest so too.
void add_tokens(const Vocabulary& vocabulary, std::uint32_t n_rows, Metadata& metadata) {
    std::vector<std::string> texts;
    std::vector<std::int32_t> kinds;
    for (std::size_t i = 0; i < std::max<std::size_t>(n_rows, vocabulary.tokens.size()); ++i) {
        const bool is_padding = i >= vocabulary.tokens.size() || vocabulary.tokens[i].text.empty();
        texts.push_back(is_padding ? sentence("[PAD", i, "]") : vocabulary.tokens[i].text);
        kinds.push_back(static_cast<std::int32_t>(is_padding ? TokenKind::kUnused : vocabulary.tokens[i].kind));
    }
    metadata.set("tokenizer.ggml.tokens", MetadataValue::strings(texts));
    metadata.set("tokenizer.ggml.token_type", MetadataValue::int32s(kinds));
}

Done add_vocabulary(const ModelFiles& files, const Log& log, Metadata& metadata) {
    if (!files.sentencepiece_model.empty()) {
        return make_error(SLUICE_E_UNSUPPORTED,
                          "the folder has a SentencePiece tokenizer, which sluice does not write to GGUF");
    }
    if (!files.vocabulary) {
        log.warning("the folder has no tokenizer; the file will be without one");
        return Nothing{};
    }
    const Vocabulary& vocabulary = *files.vocabulary;
    metadata.set("tokenizer.ggml.model", MetadataValue::string("gpt2"));
    metadata.set("tokenizer.ggml.pre", MetadataValue::string(vocabulary.pre_tokenizer));
    add_tokens(vocabulary, files.config.vocabulary_size, metadata);
    std::vector<std::string> merges;
    merges.reserve(vocabulary.merges.size());
    for (const auto& [left, right] : vocabulary.merges) merges.push_back(sentence(left, " ", right));
    metadata.set("tokenizer.ggml.merges", MetadataValue::strings(merges));
    const auto set_id = [&](std::string_view key, TokenId id) {
        if (id != kNoToken) metadata.set(key, MetadataValue::uint32(static_cast<std::uint32_t>(id)));
    };
    set_id("tokenizer.ggml.bos_token_id", vocabulary.bos);
    set_id("tokenizer.ggml.eos_token_id", vocabulary.eos);
    set_id("tokenizer.ggml.unknown_token_id", vocabulary.unknown);
    set_id("tokenizer.ggml.padding_token_id", vocabulary.pad);
    metadata.set("tokenizer.ggml.add_bos_token", MetadataValue::boolean(vocabulary.add_bos));
    if (!vocabulary.ignore_merges) {
        log.warning("tokenizer.json has ignore_merges false; readers of GGUF take it for true in this family");
    }
    return Nothing{};
}

Done describe_checkpoint(const ModelFiles& files, const Log& log, Metadata& metadata) {
    SLUICE_TRY(check_expressible(files.config));
    metadata.set("general.architecture", MetadataValue::string(files.config.architecture));
    metadata.set("general.type", MetadataValue::string("model"));
    metadata.set("general.name", MetadataValue::string(files.config.name));
    add_sizes(files.config, metadata);
    SLUICE_TRY(add_vocabulary(files, log, metadata));
    const auto chat_template = files.metadata.find("tokenizer.chat_template");
    if (chat_template != files.metadata.end() && chat_template->second) {
        metadata.set("tokenizer.chat_template", MetadataValue::string(*chat_template->second));
    }
    return Nothing{};
}

Done copy_keys(const Source& first_part, Metadata& metadata) {
    SLUICE_ASSIGN(file, read_gguf(first_part));
    for (const auto& [key, value] : file.metadata.members()) {
        if (key.starts_with("split.") || key == "general.alignment") continue;
        metadata.set(key, value);
    }
    return Nothing{};
}

}  // namespace

Done describe(const ModelFiles& files, const Mix& mix, const Log& log, Metadata& metadata) {
    if (files.is_checkpoint) {
        SLUICE_TRY(describe_checkpoint(files, log, metadata));
    } else {
        SLUICE_TRY(copy_keys(*files.sources.front(), metadata));
    }
    constexpr std::uint32_t kVersionOfFormats = 2;  // of the K formats and Q4_0 as kernels/blocks.h draws them
    metadata.set("general.quantization_version", MetadataValue::uint32(kVersionOfFormats));
    metadata.set("general.file_type", MetadataValue::uint32(mix.file_type));
    return Nothing{};
}

}  // namespace sluice::quantise
