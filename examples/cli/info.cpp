// sluice info: what a model file holds.
#include <memory>

#include "commands.h"
#include "options.h"
#include "output.h"

namespace command {

namespace {

struct Options {
    std::string model;
    bool json = false;
    bool tensors = false;
};

std::string hexadecimal(std::uint64_t number) {
    std::string text(16, '0');
    for (std::size_t i = 0; i < 16; ++i) text[15 - i] = "0123456789abcdef"[(number >> (4 * i)) & 15];
    return text;
}

std::optional<std::string> chat_template_of(const sluicepp::Model& model) {
    return model.metadata("tokenizer.chat_template");
}

std::optional<sluice_tokenizer_info> tokenizer_of(const sluicepp::Model& model) {
    try {
        return sluicepp::Tokenizer(model).describe();
    } catch (const sluicepp::Exception& failure) {
        if (failure.status() != SLUICE_E_NOT_FOUND) throw;
        return std::nullopt;
    }
}

const char* kind_name(const sluice_tokenizer_info& tokenizer) {
    return tokenizer.kind == SLUICE_TOKENIZER_SENTENCEPIECE ? "SentencePiece" : "byte-level BPE";
}

std::vector<std::uint64_t> dimensions_of(const sluice_tensor_info& tensor) {
    return {tensor.dimensions, tensor.dimensions + tensor.n_dimensions};
}

Json tensors_json(const sluicepp::Model& model, std::uint64_t n_tensors) {
    Json tensors = Json::array();
    for (std::uint64_t i = 0; i < n_tensors; ++i) {
        const auto tensor = model.tensor(i);
        tensors.push_back({{"name", tensor.name},
                           {"type", tensor.type},
                           {"dimensions", dimensions_of(tensor)},
                           {"size", tensor.size},
                           {"offset", tensor.offset}});
    }
    return tensors;
}

Json json_of(const sluicepp::Model& model, const sluice_model_info& info, bool tensors) {
    Json json = {{"name", info.name},
                 {"architecture", info.architecture},
                 {"format", info.format},
                 {"quantisation", info.quantisation},
                 {"n_layers", info.n_layers},
                 {"n_attention_layers", info.n_attention_layers},
                 {"n_convolution_layers", info.n_convolution_layers},
                 {"n_dense_layers", info.n_dense_layers},
                 {"n_experts", info.n_experts},
                 {"n_experts_used", info.n_experts_used},
                 {"hidden_size", info.hidden_size},
                 {"feed_forward_size", info.feed_forward_size},
                 {"expert_feed_forward_size", info.expert_feed_forward_size},
                 {"n_heads", info.n_heads},
                 {"n_kv_heads", info.n_kv_heads},
                 {"head_size", info.head_size},
                 {"convolution_width", info.convolution_width},
                 {"vocabulary_size", info.vocabulary_size},
                 {"context_size", info.context_size},
                 {"rope_theta", info.rope_theta},
                 {"norm_epsilon", info.norm_epsilon},
                 {"n_parameters", info.n_parameters},
                 {"n_parameters_used", info.n_parameters_used},
                 {"n_tensors", info.n_tensors},
                 {"file_size", info.file_size},
                 {"weights_size", info.weights_size},
                 {"token_read_size", info.token_read_size},
                 {"fingerprint", hexadecimal(info.fingerprint)}};
    if (const auto tokenizer = tokenizer_of(model)) {
        json["tokenizer"] = {{"kind", kind_name(*tokenizer)},       {"n_tokens", tokenizer->n_tokens},
                             {"n_merges", tokenizer->n_merges},     {"bos_id", tokenizer->bos_id},
                             {"eos_id", tokenizer->eos_id},         {"pad_id", tokenizer->pad_id},
                             {"unknown_id", tokenizer->unknown_id}, {"adds_bos", tokenizer->adds_bos == 1}};
    }
    json["has_chat_template"] = chat_template_of(model).has_value();
    if (tensors) json["tensors"] = tensors_json(model, info.n_tensors);
    return json;
}

std::string text_of(const sluicepp::Model& model, const sluice_model_info& info) {
    const auto count = [](std::uint64_t n) { return count_text(n); };
    std::string text =
        row_text("name", info.name) +
        row_text("architecture",
                 std::string(info.architecture) + ", " + info.format + ", " + info.quantisation) +
        row_text("layers", count(info.n_layers) + ": " + count(info.n_convolution_layers) +
                               " short convolution, " + count(info.n_attention_layers) + " attention");
    if (info.n_experts > 0) {
        text += row_text("feed-forward",
                         count(info.n_dense_layers) + " dense of " + count(info.feed_forward_size) + ", " +
                             count(info.n_layers - info.n_dense_layers) + " with " + count(info.n_experts) +
                             " experts of " + count(info.expert_feed_forward_size) + ", " +
                             count(info.n_experts_used) + " woken for a token");
    } else {
        text += row_text("feed-forward", "dense, " + count(info.feed_forward_size));
    }
    text +=
        row_text("hidden size", count(info.hidden_size)) +
        row_text("attention", count(info.n_heads) + " heads, " + count(info.n_kv_heads) +
                                  " of keys and values, " + count(info.head_size) + " each") +
        row_text("context", count(info.context_size) + " tokens") +
        row_text("parameters", count(info.n_parameters) + ", of one token " + count(info.n_parameters_used)) +
        row_text("weights", size_text(info.weights_size) + " in " + count(info.n_tensors) +
                                " tensors; a generated token reads " + size_text(info.token_read_size)) +
        row_text("file", size_text(info.file_size)) + row_text("fingerprint", hexadecimal(info.fingerprint));
    if (const auto tokenizer = tokenizer_of(model)) {
        text += row_text("tokenizer", std::string(kind_name(*tokenizer)) + ", " + count(tokenizer->n_tokens) +
                                          " tokens, " + count(tokenizer->n_merges) + " merges") +
                row_text("special tokens", "begin " + std::to_string(tokenizer->bos_id) +
                                               (tokenizer->adds_bos == 1 ? " (put in front)" : "") + ", end " +
                                               std::to_string(tokenizer->eos_id) + ", padding " +
                                               std::to_string(tokenizer->pad_id));
    } else {
        text += row_text("tokenizer", "none");
    }
    const auto chat_template = chat_template_of(model);
    return text + row_text("chat template", chat_template ? count(chat_template->size()) + " bytes" : "none");
}

std::string tensors_text(const sluicepp::Model& model, std::uint64_t n_tensors) {
    std::string text;
    for (std::uint64_t i = 0; i < n_tensors; ++i) {
        const auto tensor = model.tensor(i);
        std::string shape;
        for (const std::uint64_t dimension : dimensions_of(tensor)) {
            shape += (shape.empty() ? "" : " x ") + std::to_string(dimension);
        }
        text += visible(tensor.name) + "  " + visible(tensor.type) + "  " + shape + "  " +
                size_text(tensor.size) + "\n";
    }
    return text;
}

int run(const Options& options) {
    const auto engine = make_engine({1, ""});
    const auto model = open_model(engine, options.model);
    const auto info = model.describe();
    if (options.json) {
        write_json(json_of(model, info, options.tensors));
    } else {
        write_stdout(text_of(model, info));
        if (options.tensors) write_stdout("\n" + tensors_text(model, info.n_tensors));
    }
    return kDone;
}

}  // namespace

Command add_info(Program& program) {
    auto options = std::make_shared<Options>();
    CommandLine line = program.add("info", "Prints what a model file holds.");
    add_model(line, options->model);
    add_json(line, options->json);
    line.flag("--tensors", options->tensors, "list its tensors too");
    line.footer("Example:\n  sluice info model.gguf --json");
    return {line, [options] { return run(*options); }};
}

}  // namespace command
