// The tokenizer files of a checkpoint folder.
#include <algorithm>

#include "base/json.h"
#include "base/sentence.h"
#include "base/utf8.h"
#include "model/model_files.h"

namespace sluice {
namespace {

Result<Json> parse_config(std::string_view text, std::string_view what) {
    JsonLimits limits;
    limits.max_size = kMaxConfigSize;
    return Json::parse(text, what, limits);
}

// Empty when there is no such file.
Result<std::string> read_if_present(const std::string& path, std::uint64_t max_size, std::uint64_t& total) {
    if (!file_exists(path)) return std::string();
    SLUICE_ASSIGN(text, read_text_file(path, max_size));
    total += text.size();
    return std::move(text);
}

Done add_stop_token(const Json& value, Vocabulary& vocabulary) {
    const auto id = value.natural();
    if (!id || *id >= vocabulary.tokens.size()) {
        return make_error(SLUICE_E_CORRUPT, "generation_config.json: eos_token_id is not a token of the ",
                          vocabulary.tokens.size(), " in tokenizer.json");
    }
    const TokenId token = static_cast<TokenId>(*id);
    const auto& stops = vocabulary.stop_tokens;
    if (std::find(stops.begin(), stops.end(), token) == stops.end()) vocabulary.stop_tokens.push_back(token);
    return Nothing{};
}

// eos_token_id is a number or a list of them.
Done add_stop_tokens(std::string_view generation_config, Vocabulary& vocabulary) {
    SLUICE_ASSIGN(json, parse_config(generation_config, "generation_config.json"));
    const Json* value = json.find("eos_token_id");
    if (value == nullptr || value->is_null()) return Nothing{};
    const Json::Array* list = value->array();
    if (list == nullptr) return add_stop_token(*value, vocabulary);
    for (const Json& id : *list) SLUICE_TRY(add_stop_token(id, vocabulary));
    return Nothing{};
}

// chat_template is a text, or a list of named ones of which "default" is meant.
Result<std::optional<std::string>> template_of(std::string_view tokenizer_config) {
    if (tokenizer_config.empty()) return std::optional<std::string>();
    SLUICE_ASSIGN(json, parse_config(tokenizer_config, "tokenizer_config.json"));
    const Json* value = json.find("chat_template");
    if (value == nullptr) return std::optional<std::string>();
    if (value->string() != nullptr) return std::optional<std::string>(*value->string());
    const Json::Array* list = value->array();
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
        const Json* name = (*list)[i].find("name");
        const Json* text = (*list)[i].find("template");
        if (name != nullptr && name->string() != nullptr && *name->string() == "default" && text != nullptr &&
            text->string() != nullptr) {
            return std::optional<std::string>(*text->string());
        }
    }
    return std::optional<std::string>();
}

}  // namespace

Result<FolderTokenizer> read_folder_tokenizer(const std::string& folder) {
    FolderTokenizer result;
    SLUICE_ASSIGN(config, read_if_present(folder + "/tokenizer_config.json", kMaxConfigSize, result.size));
    SLUICE_ASSIGN(text, read_if_present(folder + "/tokenizer.json", kMaxTokenizerSize, result.size));
    if (!text.empty()) {
        SLUICE_ASSIGN(vocabulary, read_tokenizer_json(text, config));
        SLUICE_ASSIGN(generation,
                      read_if_present(folder + "/generation_config.json", kMaxConfigSize, result.size));
        if (!generation.empty()) SLUICE_TRY(add_stop_tokens(generation, vocabulary));
        add_family_stop_tokens(vocabulary);
        result.vocabulary = std::move(vocabulary);
    } else {
        SLUICE_ASSIGN(model, read_if_present(folder + "/tokenizer.model", kMaxTokenizerSize, result.size));
        result.sentencepiece_model = std::move(model);
    }
    SLUICE_ASSIGN(jinja, read_if_present(folder + "/chat_template.jinja", kMaxTemplateSize, result.size));
    if (!jinja.empty()) {
        result.chat_template = replace_invalid_utf8(jinja);
    } else {
        SLUICE_ASSIGN(from_config, template_of(config));
        result.chat_template = std::move(from_config);
    }
    return result;
}

Result<std::shared_ptr<const Tokenizer>> build_tokenizer(std::optional<Vocabulary> vocabulary,
                                                         const std::string& sentencepiece_model) {
    if (vocabulary) return make_tokenizer(std::move(*vocabulary));
    if (!sentencepiece_model.empty()) return read_sentencepiece_model(sentencepiece_model);
    return std::shared_ptr<const Tokenizer>();
}

}  // namespace sluice
