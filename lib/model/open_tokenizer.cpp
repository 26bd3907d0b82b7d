// Opens a tokenizer alone, telling the formats apart by their first bytes.
#include <algorithm>

#include "base/sentence.h"
#include "base/utf8.h"
#include "model/model.h"
#include "model/model_files.h"

namespace sluice {
namespace {

using TokenizerResult = Result<std::shared_ptr<const Tokenizer>>;

Error no_tokenizer(std::string_view where) {
    return make_error(SLUICE_E_NOT_FOUND, printable(where), " has no tokenizer");
}

TokenizerResult from_gguf(const Source& source) {
    SLUICE_ASSIGN(file, read_gguf(source));
    SLUICE_ASSIGN(vocabulary, vocabulary_from_gguf(file.metadata));
    if (!vocabulary) return no_tokenizer(source.name());
    return make_tokenizer(std::move(*vocabulary));
}

// tokenizer_config may be empty.
TokenizerResult from_text(const Source& source, std::string_view tokenizer_config) {
    SLUICE_ASSIGN(text, read_text(source, kMaxTokenizerSize));
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return make_error(SLUICE_E_CORRUPT, "the tokenizer file is empty");
    // A SentencePiece model is a protobuf message whose first field has the tag 0x0A, which is a line feed.
    if (text[first] != '{') return read_sentencepiece_model(text);
    SLUICE_ASSIGN(vocabulary, read_tokenizer_json(text, tokenizer_config));
    add_family_stop_tokens(vocabulary);
    return make_tokenizer(std::move(vocabulary));
}

Result<bool> is_gguf(const Source& source) {
    char magic[4] = {};
    if (source.size() < sizeof magic) return false;
    SLUICE_TRY(source.read(0, std::as_writable_bytes(std::span(magic))));
    const std::string_view text(magic, sizeof magic);
    return text == "GGUF" || text == "FUGG";
}

}  // namespace

TokenizerResult open_tokenizer_path(const std::string& path) {
    if (is_directory(path)) {
        SLUICE_ASSIGN(files, read_folder_tokenizer(path));
        if (!files.vocabulary && files.sentencepiece_model.empty()) return no_tokenizer(path);
        return build_tokenizer(std::move(files.vocabulary), files.sentencepiece_model);
    }
    SLUICE_ASSIGN(source, Source::open_path(path, Access::kRead));
    SLUICE_ASSIGN(is_model, is_gguf(*source));
    if (is_model) return from_gguf(*source);
    const std::string config = path.substr(0, path.find_last_of('/') + 1) + "tokenizer_config.json";
    std::string tokenizer_config;
    if (file_exists(config)) {
        SLUICE_ASSIGN(text, read_text_file(config, kMaxConfigSize));
        tokenizer_config = std::move(text);
    }
    return from_text(*source, tokenizer_config);
}

TokenizerResult open_tokenizer_source(std::shared_ptr<const Source> source) {
    SLUICE_ASSIGN(is_model, is_gguf(*source));
    return is_model ? from_gguf(*source) : from_text(*source, {});
}

}  // namespace sluice
