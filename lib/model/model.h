// The model: configuration, weights and tokenizer, sealed. Nothing after open reads fields of a file.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "base/source.h"
#include "kernels/kernels.h"
#include "model/config.h"
#include "text/tokenizer.h"

namespace sluice {

using Floats = std::vector<float>;

struct Attention {
    Matrix query;                 // n_heads * head_size x hidden
    Matrix key;                   // n_kv_heads * head_size x hidden
    Matrix value;                 // n_kv_heads * head_size x hidden
    Matrix output;                // hidden x n_heads * head_size
    Floats query_norm, key_norm;  // head_size
};

struct ShortConvolution {
    Matrix input;   // 3 * hidden x hidden; rows in the order B, C, x
    Matrix output;  // hidden x hidden
    Floats taps;    // hidden x width, the last tap for the current token
    Floats bias;    // hidden, or empty
};

struct DenseFeedForward {
    Matrix gate, up;  // feed_forward_size x hidden
    Matrix down;      // hidden x feed_forward_size
};

struct ExpertFeedForward {
    Matrix router;                 // n_experts x hidden
    Floats bias;                   // n_experts: for choosing only; zeros where the model has none
    std::vector<Matrix> gate, up;  // one per expert, expert_feed_forward_size x hidden
    std::vector<Matrix> down;      // one per expert, hidden x expert_feed_forward_size
};

struct Layer {
    Floats mixer_norm;  // hidden
    std::variant<Attention, ShortConvolution> mixer;
    Floats feed_forward_norm;  // hidden
    std::variant<DenseFeedForward, ExpertFeedForward> feed_forward;
};

struct Weights {
    Matrix embedding;  // vocabulary_size x hidden
    Matrix head;       // the same matrix where the file has no other
    Floats final_norm;
    std::vector<Layer> layers;
};

// One tensor of the file, for people.
struct TensorRecord {
    std::string name;
    std::string type;
    std::vector<std::uint64_t> dimensions;  // the first one is contiguous
    std::uint64_t size = 0;
    std::uint64_t offset = 0;
};

struct ModelOptions {
    Access access = Access::kMap;
    bool scan = false;
    // Other than 0 cancels. May be empty.
    std::function<std::int32_t(std::uint64_t done, std::uint64_t total)> progress;
};

// Sizes for reports; all in bytes or parameters.
struct ModelSizes {
    std::uint64_t files = 0;
    std::uint64_t weights = 0;
    std::uint64_t mapped = 0;      // weights that stay in the mapped files
    std::uint64_t memory = 0;      // what the open model takes itself: read weights, float vectors, vocabulary
    std::uint64_t token_read = 0;  // weights that one generated token reads
    std::uint64_t parameters = 0;
    std::uint64_t parameters_used = 0;
    bool has_float_matrices = false;  // besides the embedding, the head and the routers
};

class Model {
public:
    struct Content;  // model_content.h
    explicit Model(std::unique_ptr<const Content> content);
    ~Model();
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;

    // Opens a GGUF file (all parts of a split one) or a checkpoint folder.
    // Errors: as sluice_model_open.
    static Result<std::shared_ptr<const Model>> open_path(const std::string& path, const ModelOptions& options,
                                                          MemoryBudget& budget, const Log& log);
    static Result<std::shared_ptr<const Model>> open_source(std::shared_ptr<const Source> source,
                                                            const ModelOptions& options, MemoryBudget& budget,
                                                            const Log& log);

    // Configuration, tensor table and sizes without touching a weight: the model has no Weights.
    static Result<std::shared_ptr<const Model>> plan_path(const std::string& path, Access access);
    static Result<std::shared_ptr<const Model>> plan_source(std::shared_ptr<const Source> source,
                                                            Access access);

    const Config& config() const;
    const Weights& weights() const;                             // Requires a model that was opened, not planned
    const std::shared_ptr<const Tokenizer>& tokenizer() const;  // null where the file has none
    const ModelSizes& sizes() const;
    std::uint64_t fingerprint() const;  // 0 for a model that was planned: it includes samples of weights
    const std::string& format() const;
    const std::string& quantisation() const;
    const std::vector<TensorRecord>& tensors() const;
    // Text of a metadata key. Errors: NOT_FOUND, UNSUPPORTED (an array).
    Result<std::string> metadata(std::string_view key) const;

private:
    std::unique_ptr<const Content> content_;
};

// A tokenizer alone, from a GGUF file, tokenizer.json, SentencePiece model, or a folder with one.
Result<std::shared_ptr<const Tokenizer>> open_tokenizer_path(const std::string& path);
Result<std::shared_ptr<const Tokenizer>> open_tokenizer_source(std::shared_ptr<const Source> source);

// The chat template of a GGUF file or a checkpoint folder, without its weights; nothing where it has none.
// Errors: those of reading the file or folder.
Result<std::optional<std::string>> read_chat_template_path(const std::string& path);
Result<std::optional<std::string>> read_chat_template_source(const Source& source);

}  // namespace sluice
