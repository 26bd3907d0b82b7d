// What a model answers when it is asked.
#include "model/model.h"

#include "base/sentence.h"
#include "base/utf8.h"
#include "model/model_content.h"

namespace sluice {

Model::Model(std::unique_ptr<const Content> content) : content_(std::move(content)) {}
Model::~Model() = default;

const Config& Model::config() const {
    return content_->config;
}
const Weights& Model::weights() const {
    return *content_->weights;
}
const std::shared_ptr<const Tokenizer>& Model::tokenizer() const {
    return content_->tokenizer;
}
const ModelSizes& Model::sizes() const {
    return content_->sizes;
}
std::uint64_t Model::fingerprint() const {
    return content_->fingerprint;
}
const std::string& Model::format() const {
    return content_->format;
}
const std::string& Model::quantisation() const {
    return content_->quantisation;
}
const std::vector<TensorRecord>& Model::tensors() const {
    return content_->tensors;
}

Result<std::string> Model::metadata(std::string_view key) const {
    const auto found = content_->metadata.find(key);
    if (found == content_->metadata.end()) {
        return make_error(SLUICE_E_NOT_FOUND, "the model has no metadata key ", printable(key));
    }
    if (!found->second) {
        return make_error(SLUICE_E_UNSUPPORTED, "the metadata key ", printable(key),
                          " is an array, which has no text");
    }
    return *found->second;
}

}  // namespace sluice
