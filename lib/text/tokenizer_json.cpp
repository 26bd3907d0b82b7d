// Reads tokenizer.json of Hugging Face tokenizers: what it must say to be a tokenizer of the LFM2 family is
// checked, so that nothing in it is silently ignored.
#include <map>
#include <optional>

#include "base/json.h"
#include "base/sentence.h"
#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/pre_tokenizer.h"
#include "text/vocabulary.h"

namespace sluice {
namespace {

// The id of a token by its text. Ordered, because no choice of texts makes it slow.
using Ids = std::map<std::string_view, TokenId>;

Error unsupported(std::string_view part, std::string_view what) {
    return make_error(SLUICE_E_UNSUPPORTED, "tokenizer.json has the ", part, " '", printable(what),
                      "', which is not the LFM2 family's");
}

Error corrupt(std::string_view what) {
    return make_error(SLUICE_E_CORRUPT, "tokenizer.json: ", what);
}

bool is_absent(const Json* json) {
    return json == nullptr || json->is_null();
}

std::string_view text_of(const Json* json) {
    return json != nullptr && json->string() != nullptr ? std::string_view(*json->string())
                                                        : std::string_view();
}

std::string_view type_of(const Json& json) {
    return text_of(json.find("type"));
}

// A flag; absent or null gives the default.
Result<bool> flag_of(const Json& object, std::string_view name, bool otherwise) {
    const Json* found = object.find(name);
    if (is_absent(found)) return otherwise;
    if (found->boolean() == nullptr) return corrupt(sentence("'", name, "' is neither true nor false"));
    return *found->boolean();
}

Result<TokenId> id_of(const Json* json, std::string_view token) {
    const auto id = json == nullptr ? std::nullopt : json->natural();
    if (!id) return corrupt(sentence("token '", printable(token), "' has an id that is no natural number"));
    if (*id >= kMaxVocabulary) {
        return make_error(SLUICE_E_LIMIT, "token '", printable(token), "' has id ", *id, "; ids below ",
                          kMaxVocabulary, " are allowed");
    }
    return static_cast<TokenId>(*id);
}

Done check_split(const Json& split) {
    const Json* pattern = split.find("pattern");
    const std::string_view regex = text_of(pattern == nullptr ? nullptr : pattern->find("Regex"));
    if (regex != kFamilyPattern && regex != kOlderFamilyPattern)
        return unsupported("pre-tokenizer pattern", regex);
    const std::string_view behaviour = text_of(split.find("behavior"));
    if (behaviour != "Isolated") return unsupported("pre-tokenizer behaviour", behaviour);
    SLUICE_ASSIGN(invert, flag_of(split, "invert", false));
    if (invert) return unsupported("pre-tokenizer option", "invert");
    return Nothing{};
}

// The format's own defaults for both options are true.
Done check_byte_level(const Json& byte_level) {
    SLUICE_ASSIGN(use_regex, flag_of(byte_level, "use_regex", true));
    if (use_regex) return unsupported("pre-tokenizer option", "use_regex");
    SLUICE_ASSIGN(add_prefix_space, flag_of(byte_level, "add_prefix_space", true));
    if (add_prefix_space) return unsupported("pre-tokenizer option", "add_prefix_space");
    return Nothing{};
}

Done check_pre_tokenizer(const Json* json) {
    if (is_absent(json)) return unsupported("pre-tokenizer", "null");
    if (type_of(*json) != "Sequence") return unsupported("pre-tokenizer", type_of(*json));
    const Json* list = json->find("pretokenizers");
    const Json::Array* steps = list == nullptr ? nullptr : list->array();
    if (steps == nullptr) return corrupt("the pre-tokenizer is a sequence without 'pretokenizers'");
    for (const Json& step : *steps) {
        if (type_of(step) != "Split" && type_of(step) != "ByteLevel") {
            return unsupported("pre-tokenizer", type_of(step));
        }
    }
    if (steps->size() != 2 || type_of((*steps)[0]) != "Split" || type_of((*steps)[1]) != "ByteLevel") {
        return unsupported("pre-tokenizer", "Sequence other than Split, ByteLevel");
    }
    SLUICE_TRY(check_split((*steps)[0]));
    return check_byte_level((*steps)[1]);
}

Done check_normaliser(const Json* json) {
    if (is_absent(json)) return Nothing{};
    const Json* list = json->find("normalizers");
    if (type_of(*json) == "Sequence" && list != nullptr && list->array() != nullptr && list->array()->empty()) {
        return Nothing{};
    }
    return unsupported("normaliser", type_of(*json));
}

Done check_model(const Json& model) {
    const Json* type = model.find("type");
    if (!is_absent(type) && text_of(type) != "BPE") return unsupported("model", text_of(type));
    const Json* dropout = model.find("dropout");
    if (!is_absent(dropout) && dropout->number() != 0.0) return unsupported("model option", "dropout");
    for (const std::string_view name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
        const Json* affix = model.find(name);
        if (!is_absent(affix) && (affix->string() == nullptr || !affix->string()->empty())) {
            return unsupported("model option", name);
        }
    }
    return Nothing{};
}

// Puts a token at its id; ids in between become unused tokens. is_taken tells which ids have a text.
Done place(Vocabulary& vocabulary, std::vector<bool>& is_taken, TokenId id, std::string_view text,
           TokenKind kind) {
    const auto index = static_cast<std::size_t>(id);
    if (index >= vocabulary.tokens.size()) {
        vocabulary.tokens.resize(index + 1, {std::string(), TokenKind::kUnused, 0.0F});
        is_taken.resize(index + 1, false);
    }
    VocabularyToken& token = vocabulary.tokens[index];
    if (is_taken[index] && token.text != text) {
        return corrupt(sentence("tokens '", printable(token.text, 40), "' and '", printable(text, 40),
                                "' both have id ", id));
    }
    is_taken[index] = true;
    token = {std::string(text), kind, 0.0F};
    return Nothing{};
}

Done read_vocabulary(const Json& model, Vocabulary& vocabulary, std::vector<bool>& is_taken) {
    const Json* vocab = model.find("vocab");
    if (vocab == nullptr || vocab->object() == nullptr) return corrupt("the model has no 'vocab'");
    for (const auto& [text, number] : *vocab->object()) {
        SLUICE_ASSIGN(id, id_of(&number, text));
        SLUICE_TRY(place(vocabulary, is_taken, id, text, TokenKind::kNormal));
    }
    return Nothing{};
}

Done read_added_tokens(const Json& root, Vocabulary& vocabulary, std::vector<bool>& is_taken) {
    const Json* added = root.find("added_tokens");
    if (is_absent(added)) return Nothing{};
    if (added->array() == nullptr) return corrupt("'added_tokens' is no list");
    for (const Json& token : *added->array()) {
        const std::string_view content = text_of(token.find("content"));
        if (content.empty()) return corrupt("an added token has no 'content'");
        for (const std::string_view name : {"single_word", "lstrip", "rstrip"}) {
            SLUICE_ASSIGN(is_set, flag_of(token, name, false));
            if (is_set) return unsupported("added token option", name);
        }
        SLUICE_ASSIGN(id, id_of(token.find("id"), content));
        SLUICE_ASSIGN(special, flag_of(token, "special", false));
        SLUICE_TRY(
            place(vocabulary, is_taken, id, content, special ? TokenKind::kControl : TokenKind::kUserDefined));
    }
    return Nothing{};
}

// "left right", or since version 0.20 of the format ["left", "right"].
Result<std::pair<std::string, std::string>> read_merge(const Json& merge, std::size_t rank) {
    if (const std::string* line = merge.string()) {
        const std::size_t space = line->find(' ');
        if (space == std::string::npos || line->find(' ', space + 1) != std::string::npos) {
            return corrupt(
                sentence("merge ", rank, " is '", printable(*line), "', not two parts and one space"));
        }
        return std::pair(line->substr(0, space), line->substr(space + 1));
    }
    const Json::Array* parts = merge.array();
    if (parts == nullptr || parts->size() != 2 || (*parts)[0].string() == nullptr ||
        (*parts)[1].string() == nullptr) {
        return corrupt(sentence("merge ", rank, " is no pair of texts"));
    }
    return std::pair(*(*parts)[0].string(), *(*parts)[1].string());
}

Done read_merges(const Json& model, Vocabulary& vocabulary) {
    const Json* merges = model.find("merges");
    if (merges == nullptr || merges->array() == nullptr) return corrupt("the model has no 'merges'");
    const Json::Array& list = *merges->array();
    if (list.size() > kMaxMerges) {
        return make_error(SLUICE_E_LIMIT, "tokenizer.json has ", list.size(), " merges; at most ", kMaxMerges,
                          " are allowed");
    }
    vocabulary.merges.reserve(list.size());
    for (std::size_t rank = 0; rank < list.size(); ++rank) {
        SLUICE_ASSIGN(merge, read_merge(list[rank], rank));
        vocabulary.merges.push_back(std::move(merge));
    }
    return Nothing{};
}

// A template that puts nothing or one special token in front of the text.
Done read_template(const Json& json, const Ids& ids, Vocabulary& vocabulary) {
    const Json* single = json.find("single");
    const Json::Array* steps = single == nullptr ? nullptr : single->array();
    if (steps == nullptr) return corrupt("the post-processor is a template without 'single'");
    const bool ends_with_text = !steps->empty() && steps->back().find("Sequence") != nullptr;
    if (!ends_with_text || steps->size() > 2) return unsupported("post-processor", single->dump());
    if (steps->size() == 1) return Nothing{};
    const Json* special = steps->front().find("SpecialToken");
    if (special == nullptr) return unsupported("post-processor", single->dump());
    const std::string_view name = text_of(special->find("id"));
    const auto found = ids.find(name);
    if (found == ids.end()) {
        return corrupt(sentence("the post-processor names '", printable(name), "', which is no token"));
    }
    vocabulary.bos = found->second;
    vocabulary.add_bos = true;
    return Nothing{};
}

Done read_post_processor(const Json* json, const Ids& ids, Vocabulary& vocabulary) {
    if (is_absent(json) || type_of(*json) == "ByteLevel") return Nothing{};
    if (type_of(*json) == "TemplateProcessing") return read_template(*json, ids, vocabulary);
    const Json* list = json->find("processors");
    if (type_of(*json) != "Sequence" || list == nullptr || list->array() == nullptr) {
        return unsupported("post-processor", type_of(*json));
    }
    for (const Json& step : *list->array()) {
        if (type_of(step) == "ByteLevel") continue;
        if (type_of(step) != "TemplateProcessing") return unsupported("post-processor", type_of(step));
        SLUICE_TRY(read_template(step, ids, vocabulary));
    }
    return Nothing{};
}

// A token named in tokenizer_config.json: "<|im_end|>", or {"content": "<|im_end|>", ...}.
Done read_named_token(const Json& config, std::string_view key, const Ids& ids, TokenId& id) {
    const Json* json = config.find(key);
    if (is_absent(json)) return Nothing{};
    const Json* content = json->object() != nullptr ? json->find("content") : json;
    if (content == nullptr || content->string() == nullptr) {
        return make_error(SLUICE_E_CORRUPT, "tokenizer_config.json: '", key, "' is no text");
    }
    const auto found = ids.find(*content->string());
    if (found == ids.end()) {
        return make_error(SLUICE_E_CORRUPT, "tokenizer_config.json: '", key, "' is '",
                          printable(*content->string()), "', which is no token");
    }
    id = found->second;
    return Nothing{};
}

Done read_config(std::string_view text, const Ids& ids, Vocabulary& vocabulary) {
    if (text.empty()) return Nothing{};
    SLUICE_ASSIGN(config, Json::parse(text, "tokenizer_config.json"));
    if (config.object() == nullptr) return make_error(SLUICE_E_CORRUPT, "tokenizer_config.json is no object");
    SLUICE_TRY(read_named_token(config, "bos_token", ids, vocabulary.bos));
    SLUICE_TRY(read_named_token(config, "eos_token", ids, vocabulary.eos));
    SLUICE_TRY(read_named_token(config, "pad_token", ids, vocabulary.pad));
    SLUICE_TRY(read_named_token(config, "unk_token", ids, vocabulary.unknown));
    SLUICE_ASSIGN(add_bos, flag_of(config, "add_bos_token", vocabulary.add_bos));
    vocabulary.add_bos = add_bos;
    return Nothing{};
}

// "<0x0A>" is a byte only where byte fallback is asked for; "<0xGG>" stays what it is, a text.
void mark_byte_tokens(Vocabulary& vocabulary) {
    for (VocabularyToken& token : vocabulary.tokens) {
        if (token.kind == TokenKind::kNormal && byte_of_fallback(token.text)) token.kind = TokenKind::kByte;
    }
}

}  // namespace

Result<Vocabulary> read_tokenizer_json(std::string_view tokenizer_json, std::string_view tokenizer_config) {
    SLUICE_ASSIGN(root, Json::parse(tokenizer_json, "tokenizer.json"));
    const Json* model = root.find("model");
    if (model == nullptr || model->object() == nullptr) return corrupt("there is no 'model'");
    SLUICE_TRY(check_model(*model));
    SLUICE_TRY(check_normaliser(root.find("normalizer")));
    SLUICE_TRY(check_pre_tokenizer(root.find("pre_tokenizer")));
    const Json* decoder = root.find("decoder");
    if (!is_absent(decoder) && type_of(*decoder) != "ByteLevel")
        return unsupported("decoder", type_of(*decoder));

    Vocabulary vocabulary;
    std::vector<bool> is_taken;
    SLUICE_TRY(read_vocabulary(*model, vocabulary, is_taken));
    SLUICE_TRY(read_added_tokens(root, vocabulary, is_taken));
    SLUICE_TRY(read_merges(*model, vocabulary));
    SLUICE_ASSIGN(ignore_merges, flag_of(*model, "ignore_merges", false));
    vocabulary.ignore_merges = ignore_merges;
    SLUICE_ASSIGN(byte_fallback, flag_of(*model, "byte_fallback", false));
    vocabulary.byte_fallback = byte_fallback;
    if (byte_fallback) mark_byte_tokens(vocabulary);

    Ids ids;
    for (std::size_t i = 0; i < vocabulary.tokens.size(); ++i) {
        if (is_taken[i]) ids.emplace(vocabulary.tokens[i].text, static_cast<TokenId>(i));
    }
    SLUICE_TRY(read_named_token(*model, "unk_token", ids, vocabulary.unknown));
    SLUICE_TRY(read_post_processor(root.find("post_processor"), ids, vocabulary));
    SLUICE_TRY(read_config(tokenizer_config, ids, vocabulary));
    add_family_stop_tokens(vocabulary);
    return vocabulary;
}

}  // namespace sluice
