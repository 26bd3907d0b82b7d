// Quantises whole models and looks at what came out.
#pragma once

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "model/checkpoint_files.h"
#include "model/gguf.h"
#include "model/quantise/quantise_model.h"
#include "model/random_model.h"

namespace sluice::test {

inline std::string bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline std::vector<std::string> files_of(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

inline Done write_as(const std::string& in, const std::string& out, std::string_view type,
                     std::uint32_t n_threads = 1, const Log& log = Log(),
                     const quantise::QuantiseOptions& more = {}) {
    auto files = read_model_path(in, Access::kRead);
    if (!files) return std::move(files).error();
    MemoryBudget budget;
    Workers workers(n_threads, Log());
    quantise::QuantiseOptions options = more;
    options.type = type;
    return quantise::quantise_model(std::move(*files), out, options, workers, budget, log);
}

inline std::string message_of(const Done& done) {
    return done ? "no error" : done.error().message;
}

inline void require_done(const Done& done) {
    INFO(message_of(done));
    REQUIRE(done);
}

inline std::map<std::string, std::string> types_of(const std::string& path) {
    const auto source = Source::open_path(path, Access::kRead);
    REQUIRE(source);
    const auto file = read_gguf(**source);
    INFO((file ? "" : file.error().message));
    REQUIRE(file);
    std::map<std::string, std::string> types;
    for (const TensorEntry& entry : file->tensors) {
        types[entry.name] = entry.type_name + " " + shape_text(entry.dimensions);
    }
    return types;
}

inline std::shared_ptr<const Model> open(const std::string& path) {
    static MemoryBudget budget;
    auto opened = Model::open_path(path, {}, budget, Log());
    INFO(path << ": " << (opened ? "" : opened.error().message));
    REQUIRE(opened);
    return *opened;
}

// The tiny random model as a file, as a folder of floats, and as MLX packs it.
struct Tiny {
    TemporaryFolder folder;
    std::string gguf = folder.file("tiny.gguf");

    Tiny() { REQUIRE(write_random_model(gguf, "tiny", 3)); }

    // The tensors of a checkpoint with the same weights.
    std::vector<StoredTensor> tensors(const Layout& layout = {}) const {
        return CheckpointMaker(layout).make(*open(gguf));
    }

    std::string checkpoint(const std::string& name, const std::vector<StoredTensor>& tensors,
                           const std::string& extra = "") const {
        const std::string path = folder.file(name);
        std::filesystem::create_directories(path);
        folder.write(name + "/config.json", tiny_config(extra));
        folder.write(name + "/model.safetensors", stored_file(tensors));
        return path;
    }
};

}  // namespace sluice::test
