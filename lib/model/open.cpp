// Opens and plans models: read the files, plan the weights, load them, seal everything.
#include <algorithm>
#include <map>

#include "base/checked.h"
#include "base/sentence.h"
#include "base/utf8.h"
#include "model/fingerprint.h"
#include "model/model_content.h"
#include "model/model_files.h"
#include "model/weights.h"

namespace sluice {
namespace {

using ModelResult = Result<std::shared_ptr<const Model>>;

// What a tokenizer takes for its tokens and merges, roughly: their texts twice, and tables.
constexpr std::uint64_t kBytesPerToken = 128;
constexpr std::uint64_t kBytesPerMerge = 48;

std::uint64_t tokenizer_memory(const ModelFiles& files) {
    std::uint64_t size = files.sentencepiece_model.size() * 4;
    if (!files.vocabulary) return size;
    for (const VocabularyToken& token : files.vocabulary->tokens)
        size += 2 * token.text.size() + kBytesPerToken;
    return size + files.vocabulary->merges.size() * kBytesPerMerge;
}

// The type with the most bytes.
std::string main_type(const TensorTable& table) {
    std::map<std::string, std::uint64_t> sizes;
    for (const TensorEntry& entry : table.entries()) sizes[entry.type_name] += entry.size;
    const auto most = std::max_element(sizes.begin(), sizes.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == sizes.end() ? "" : most->first;
}

std::vector<TensorRecord> records_of(const TensorTable& table) {
    std::vector<TensorRecord> records;
    records.reserve(table.entries().size());
    for (const TensorEntry& entry : table.entries()) {
        records.push_back({entry.name, entry.type_name, entry.dimensions, entry.size, entry.offset});
    }
    return records;
}

Done check_vocabulary(const ModelFiles& files) {
    if (!files.vocabulary || files.vocabulary->tokens.size() <= files.config.vocabulary_size) return Nothing{};
    return make_error(SLUICE_E_CORRUPT, "the tokenizer has ", files.vocabulary->tokens.size(),
                      " tokens, the embedding only ", files.config.vocabulary_size, " rows");
}

Done check_packing(const ModelFiles& files) {
    const auto& entries = files.tensors.entries();
    const bool is_packed =
        files.mlx && std::any_of(entries.begin(), entries.end(),
                                 [](const TensorEntry& entry) { return entry.type_name == "U32"; });
    if (!is_packed) return Nothing{};
    return make_error(SLUICE_E_UNSUPPORTED,
                      "the weights are packed by MLX; sluice does not compute with them as they "
                      "are, but quantises from them");
}

// Everything but weights and tokenizer.
Result<std::unique_ptr<Model::Content>> describe(ModelFiles& files, const WeightsPlan& plan, bool maps) {
    auto content = std::make_unique<Model::Content>();
    content->config = files.config;
    content->sizes = sizes_of(plan, files.tensors, files.config, maps);
    content->sizes.memory += tokenizer_memory(files);
    content->sizes.files = files.other_size;
    for (const auto& source : files.sources) {
        const auto sum = checked_add(content->sizes.files, source->size());
        if (!sum) return make_error(SLUICE_E_CORRUPT, "the files have more bytes than 64 bits count");
        content->sizes.files = *sum;
    }
    content->format = files.format;
    content->quantisation = main_type(files.tensors);
    content->tensors = records_of(files.tensors);
    content->metadata = std::move(files.metadata);
    return Result<std::unique_ptr<Model::Content>>(std::move(content));
}

bool all_mapped(const ModelFiles& files, Access access) {
    return access == Access::kMap && std::all_of(files.sources.begin(), files.sources.end(),
                                                 [](const auto& source) { return !source->bytes().empty(); });
}

ModelResult seal(std::unique_ptr<Model::Content> content) {
    return std::shared_ptr<const Model>(std::make_shared<Model>(std::move(content)));
}

ModelResult open_files(ModelFiles files, const ModelOptions& options, MemoryBudget& budget, const Log& log) {
    SLUICE_TRY(check_vocabulary(files));
    SLUICE_TRY(check_packing(files));
    SLUICE_ASSIGN(plan, plan_weights(files.names(), files.config, files.tie));
    for (const std::string& warning : files.warnings) log.warning(warning);
    for (const std::string& warning : plan.warnings) log.warning(warning);
    SLUICE_ASSIGN(content, describe(files, plan, all_mapped(files, options.access)));
    // Blocks charge themselves; this is the rest.
    std::uint64_t floats_size = 0;
    for (const FloatsSlot& slot : plan.floats) {
        floats_size += files.tensors.entries()[slot.tensor].n_elements * sizeof(float);
    }
    SLUICE_ASSIGN(charge, Charge::take(budget, floats_size + tokenizer_memory(files), "norms and vocabulary"));
    content->charge = std::move(charge);
    SLUICE_ASSIGN(tokenizer, build_tokenizer(std::move(files.vocabulary), files.sentencepiece_model));
    if (tokenizer != nullptr && tokenizer->size() > files.config.vocabulary_size) {
        return make_error(SLUICE_E_CORRUPT, "the tokenizer has ", tokenizer->size(),
                          " tokens, the embedding only ", files.config.vocabulary_size, " rows");
    }
    content->tokenizer = tokenizer;
    SLUICE_ASSIGN(blocks, load_weights(plan, files.tensors, files.sources, options, budget));
    content->blocks = std::move(blocks);
    content->weights = std::move(plan.weights);
    SLUICE_ASSIGN(fingerprint, fingerprint_of(files.config, files.tensors, files.sources));
    content->fingerprint = fingerprint;
    // A callback is never called after opening, a read file need not stay open.
    if (content->sizes.mapped > 0) content->sources = std::move(files.sources);
    return seal(std::move(content));
}

ModelResult plan_files(ModelFiles files, Access access) {
    SLUICE_TRY(check_vocabulary(files));
    SLUICE_TRY(check_packing(files));
    SLUICE_ASSIGN(plan, plan_weights(files.names(), files.config, files.tie));
    SLUICE_ASSIGN(content, describe(files, plan, all_mapped(files, access)));
    return seal(std::move(content));
}

}  // namespace

Result<ModelFiles> read_model_path(const std::string& path, Access access) {
    if (is_directory(path)) return read_checkpoint(path, access);
    SLUICE_ASSIGN(paths, gguf_part_paths(path));
    std::vector<std::shared_ptr<const Source>> parts;
    for (const std::string& part : paths) {
        SLUICE_ASSIGN(source, Source::open_path(part, access));
        parts.push_back(source);
    }
    return read_gguf_model(std::move(parts));
}

ModelResult Model::open_path(const std::string& path, const ModelOptions& options, MemoryBudget& budget,
                             const Log& log) {
    SLUICE_ASSIGN(files, read_model_path(path, options.access));
    return open_files(std::move(files), options, budget, log);
}

ModelResult Model::open_source(std::shared_ptr<const Source> source, const ModelOptions& options,
                               MemoryBudget& budget, const Log& log) {
    SLUICE_ASSIGN(files, read_gguf_model({std::move(source)}));
    return open_files(std::move(files), options, budget, log);
}

ModelResult Model::plan_path(const std::string& path, Access access) {
    SLUICE_ASSIGN(files, read_model_path(path, access));
    return plan_files(std::move(files), access);
}

ModelResult Model::plan_source(std::shared_ptr<const Source> source, Access access) {
    SLUICE_ASSIGN(files, read_gguf_model({std::move(source)}));
    return plan_files(std::move(files), access);
}

}  // namespace sluice
