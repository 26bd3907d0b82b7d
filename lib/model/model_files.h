// A model's files, read and verified but with no weight touched: the common ground of GGUF and checkpoints.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/source.h"
#include "model/config.h"
#include "model/gguf.h"
#include "model/mlx_packing.h"
#include "model/tensor_names.h"
#include "model/tensor_table.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

namespace sluice {

struct ModelFiles {
    std::vector<std::shared_ptr<const Source>> sources;  // TensorEntry::file counts these
    std::uint64_t other_size = 0;                        // bytes of the files without tensors
    std::string format;                                  // "GGUF v3", "safetensors"
    bool is_checkpoint = false;
    std::string folder;  // of a checkpoint
    TensorTable tensors;
    Config config;
    std::optional<bool> tie;  // see weights.h
    // Keys of metadata and their text; empty where the value is an array.
    std::map<std::string, std::optional<std::string>, std::less<>> metadata;
    std::optional<Vocabulary> vocabulary;
    std::string sentencepiece_model;  // where a checkpoint has that instead
    std::optional<MlxFormats> mlx;    // of a checkpoint that MLX quantised
    std::vector<std::string> warnings;

    TensorNames names() const {
        return is_checkpoint ? TensorNames::checkpoint(tensors) : TensorNames::gguf(tensors);
    }
};

// The parts of a GGUF model, one for a file that is not split, in order.
// Errors: as sluice_model_open, naming the part where there are several.
Result<ModelFiles> read_gguf_model(std::vector<std::shared_ptr<const Source>> parts);

// A folder with config.json and model.safetensors, or its shards and their index.
// Errors: as sluice_model_open.
Result<ModelFiles> read_checkpoint(const std::string& folder, Access access);

// Whichever the path leads to. Errors: as sluice_model_open.
Result<ModelFiles> read_model_path(const std::string& path, Access access);

// The tokenizer.ggml keys; empty where the file has no vocabulary.
// Errors: CORRUPT (arrays that disagree, ids outside the vocabulary, malformed merges), LIMIT, UNSUPPORTED
// (another kind of tokenizer or pre-tokenizer), naming the key.
Result<std::optional<Vocabulary>> vocabulary_from_gguf(const Metadata& metadata);

// What a folder says about its tokenizer; both empty where it has none.
struct FolderTokenizer {
    std::optional<Vocabulary> vocabulary;
    std::string sentencepiece_model;
    std::optional<std::string> chat_template;
    std::uint64_t size = 0;  // bytes of the files read
};

// Reads tokenizer.json with tokenizer_config.json, generation_config.json and chat_template.jinja, or
// tokenizer.model. Errors: CORRUPT, LIMIT, UNSUPPORTED, IO.
Result<FolderTokenizer> read_folder_tokenizer(const std::string& folder);

// Errors: those of make_tokenizer and read_sentencepiece_model. Null when there is neither.
Result<std::shared_ptr<const Tokenizer>> build_tokenizer(std::optional<Vocabulary> vocabulary,
                                                         const std::string& sentencepiece_model);

constexpr std::uint64_t kMaxConfigSize = 16u << 20;      // reference/reliability.md 3.3: JSON
constexpr std::uint64_t kMaxTokenizerSize = 256u << 20;  // as GGUF metadata
constexpr std::uint64_t kMaxTemplateSize = 1u << 20;     // reference/reliability.md 3.3

}  // namespace sluice
