// The input is a GGUF file: planned, opened in each way, described to the last tensor, its tokenizer used.
#include "fuzz/fuzz_target.h"

using namespace sluice_fuzz;

namespace {

void look_at(sluice_model* model, std::size_t file_size) {
    auto info = sized<sluice_model_info>();
    require(sluice_model_describe(model, &info, nullptr) == SLUICE_OK);
    require(info.n_layers > 0 && info.hidden_size > 0 && info.vocabulary_size > 0);
    require(info.n_attention_layers + info.n_convolution_layers == info.n_layers);
    require(info.weights_size <= file_size && info.file_size == file_size);
    for (std::uint64_t i = 0; i < info.n_tensors; ++i) {
        auto tensor = sized<sluice_tensor_info>();
        require(sluice_model_tensor(model, i, &tensor, nullptr) == SLUICE_OK);
        require(tensor.offset <= file_size && tensor.size <= file_size - tensor.offset);
    }
    for (const std::string_view key : {"general.name", "general.alignment", "tokenizer.ggml.tokens",
                                       "tokenizer.chat_template", "lfm2.context_length"}) {
        sluice_error error;
        std::uint64_t needed = 0;
        checked(sluice_model_metadata(model, key.data(), key.size(), nullptr, 0, &needed, &error), error);
    }
    sluice_tokenizer* tokenizer = nullptr;
    if (sluice_tokenizer_of_model(model, &tokenizer, nullptr) != SLUICE_OK) return;
    try_tokenizer(tokenizer, "Hello  <|im_end|>\n 123\xC3\xA4\xFF", SLUICE_ENCODE_BOS);
    sluice_tokenizer_destroy(tokenizer);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const sluice_source source = memory_source(data, size);
    sluice_error error;
    auto plan = sized<sluice_plan>();
    const bool is_planned = checked(sluice_model_plan(&source, nullptr, &plan, &error), error) == SLUICE_OK;
    for (const std::uint32_t flags : {0u, SLUICE_MODEL_READ | SLUICE_MODEL_SCAN}) {
        auto options = sized<sluice_model_options>();
        options.flags = flags;
        sluice_model* model = nullptr;
        const std::int32_t status =
            checked(sluice_model_open(engine(), &source, &options, &model, &error), error);
        require((model != nullptr) == (status == SLUICE_OK));
        if (model != nullptr) {
            require(is_planned);
            look_at(model, size);
        }
        sluice_model_close(model);
        require_no_memory_used();
    }
    sluice_tokenizer* tokenizer = nullptr;
    if (checked(sluice_tokenizer_open(engine(), &source, &tokenizer, &error), error) == SLUICE_OK) {
        try_tokenizer(tokenizer, "a bc", 0);
    }
    sluice_tokenizer_destroy(tokenizer);
    return 0;
}
