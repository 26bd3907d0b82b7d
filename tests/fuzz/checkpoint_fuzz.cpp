// The input is a checkpoint folder: the sizes of config.json, tokenizer.json and tokenizer_config.json in three
// little-endian 16-bit numbers, then these files, then model.safetensors. They are laid out in a memory file
// system.
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

#include "base/source.h"
#include "fuzz/fuzz_target.h"
#include "model/safetensors.h"

using namespace sluice_fuzz;

namespace {

class Folder {
public:
    Folder() {
        for (const char* parent : {"/dev/shm", "/tmp"}) {
            path_ = std::string(parent) + "/sluice_fuzz_XXXXXX";
            if (::mkdtemp(path_.data()) != nullptr) return;
        }
        require(false);
    }
    ~Folder() {
        for (const char* name : kNames) remove(name);
        ::rmdir(path_.c_str());
    }
    const std::string& path() const { return path_; }
    void write(const char* name, std::string_view bytes) const {
        std::FILE* file = std::fopen((path_ + "/" + name).c_str(), "wb");
        require(file != nullptr);
        require(std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
        require(std::fclose(file) == 0);
    }
    void remove(const char* name) const { ::unlink((path_ + "/" + name).c_str()); }

    static constexpr const char* kNames[] = {"config.json", "tokenizer.json", "tokenizer_config.json",
                                             "model.safetensors"};

private:
    std::string path_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kHeader = 6;
    if (size < kHeader) return 0;
    static const Folder folder;
    std::string_view rest(reinterpret_cast<const char*>(data) + kHeader, size - kHeader);
    for (std::size_t i = 0; i < 3; ++i) {
        const std::size_t wanted = data[2 * i] + std::size_t{256} * data[2 * i + 1];
        const std::string_view part = rest.substr(0, wanted);
        rest.remove_prefix(part.size());
        // An empty part is a file that is not there; config.json always is.
        if (i > 0 && part.empty()) {
            folder.remove(Folder::kNames[i]);
        } else {
            folder.write(Folder::kNames[i], part);
        }
    }
    folder.write(Folder::kNames[3], rest);

    const auto source = sluice::Source::from_memory(std::as_bytes(std::span(rest.data(), rest.size())));
    if (const auto tensors = sluice::read_safetensors(*source)) {
        for (const sluice::TensorEntry& tensor : *tensors) {
            require(tensor.offset <= rest.size() && tensor.size <= rest.size() - tensor.offset);
        }
    }
    sluice_error error;
    auto options = sized<sluice_model_options>();
    options.flags = SLUICE_MODEL_READ | ((data[0] & 1) != 0 ? SLUICE_MODEL_SCAN : 0);
    sluice_model* model = nullptr;
    const std::int32_t status = checked(
        sluice_model_open_path(engine(), folder.path().data(), folder.path().size(), &options, &model, &error),
        error);
    require((model != nullptr) == (status == SLUICE_OK));
    sluice_tokenizer* tokenizer = nullptr;
    if (model != nullptr && sluice_tokenizer_of_model(model, &tokenizer, nullptr) == SLUICE_OK) {
        try_tokenizer(tokenizer, "ab <|im_end|> c", SLUICE_ENCODE_BOS);
    }
    sluice_tokenizer_destroy(tokenizer);
    sluice_model_close(model);
    require_no_memory_used();
    return 0;
}
