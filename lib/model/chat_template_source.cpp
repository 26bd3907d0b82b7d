// Finds the chat template of a model's files without reading a weight.
#include "base/sentence.h"
#include "base/utf8.h"
#include "model/model.h"
#include "model/model_files.h"

namespace sluice {

using Found = std::optional<std::string>;

Result<Found> read_chat_template_source(const Source& source) {
    SLUICE_ASSIGN(file, read_gguf(source));
    SLUICE_ASSIGN(text, file.metadata.text("tokenizer.chat_template"));
    return text ? Found(std::string(*text)) : Found();
}

Result<Found> read_chat_template_path(const std::string& path) {
    if (is_directory(path)) {
        SLUICE_ASSIGN(files, read_folder_tokenizer(path));
        return std::move(files.chat_template);
    }
    SLUICE_ASSIGN(source, Source::open_path(path, Access::kRead));
    return read_chat_template_source(*source);
}

}  // namespace sluice
