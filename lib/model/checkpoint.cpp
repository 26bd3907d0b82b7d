// A model from a Hugging Face checkpoint folder: config.json and one or several safetensors files.
#include <algorithm>
#include <set>

#include "base/json.h"
#include "base/sentence.h"
#include "base/utf8.h"
#include "model/config_readers.h"
#include "model/model_files.h"
#include "model/safetensors.h"

namespace sluice {
namespace {

constexpr std::size_t kMaxShards = 1024;

JsonLimits config_limits() {
    JsonLimits limits;
    limits.max_size = kMaxConfigSize;
    return limits;
}

Result<Json> read_json_file(const std::string& path, std::string_view what, std::uint64_t& size) {
    SLUICE_ASSIGN(text, read_text_file(path, kMaxConfigSize));
    size += text.size();
    return Json::parse(text, what, config_limits());
}

// A file name, and nothing that could lead out of the folder.
bool is_plain_name(std::string_view name) {
    return !name.empty() && name.front() != '.' && name.size() <= 255 &&
           std::none_of(name.begin(), name.end(), [](char c) {
               return c == '/' || c == '\\' || c == ':' || static_cast<unsigned char>(c) < 0x20;
           });
}

// The shards that the index names, and which shard each tensor should be in.
Done read_index(const std::string& folder, std::uint64_t& size, std::vector<std::string>& shards,
                std::vector<std::pair<std::string, std::string>>& placements) {
    constexpr std::string_view kIndex = "model.safetensors.index.json";
    SLUICE_ASSIGN(index, read_json_file(folder + "/model.safetensors.index.json", kIndex, size));
    const Json* map = index.find("weight_map");
    if (map == nullptr || map->object() == nullptr) {
        return make_error(SLUICE_E_CORRUPT, kIndex, ": weight_map is missing");
    }
    std::set<std::string> names;
    for (const auto& [tensor, file] : *map->object()) {
        if (file.string() == nullptr || !is_plain_name(*file.string())) {
            return make_error(SLUICE_E_CORRUPT, kIndex, ": tensor ", printable(tensor), " is said to be in \"",
                              file.string() == nullptr ? "" : printable(*file.string()),
                              "\", which is not the name of a file in the folder");
        }
        names.insert(*file.string());
        placements.emplace_back(tensor, *file.string());
        if (names.size() > kMaxShards || placements.size() > kMaxCheckpointTensors) {
            return make_error(SLUICE_E_LIMIT, kIndex, " names more than ", kMaxShards, " files or ",
                              kMaxCheckpointTensors, " tensors");
        }
    }
    shards.assign(names.begin(), names.end());
    return Nothing{};
}

Done read_shard(const std::string& folder, const std::string& name, Access access, ModelFiles& files) {
    SLUICE_ASSIGN(source, Source::open_path(folder + "/" + name, access));
    auto entries = read_safetensors(*source);
    if (!entries) {
        Error error = std::move(entries).error();
        error.message = sentence(printable(name), ": ", error.message);
        return error;
    }
    for (TensorEntry& entry : *entries) {
        entry.file = static_cast<std::uint32_t>(files.sources.size());
        SLUICE_TRY(files.tensors.add(std::move(entry)));
    }
    files.sources.push_back(source);
    return Nothing{};
}

Done read_weight_files(const std::string& folder, Access access, ModelFiles& files) {
    constexpr const char* kSingle = "model.safetensors";
    // transformers prefers the single file too.
    if (file_exists(folder + "/" + kSingle)) return read_shard(folder, kSingle, access, files);
    if (!file_exists(folder + "/model.safetensors.index.json")) {
        return make_error(SLUICE_E_NOT_FOUND, "the folder ", printable(folder),
                          " has neither model.safetensors nor its index");
    }
    std::vector<std::string> shards;
    std::vector<std::pair<std::string, std::string>> placements;
    SLUICE_TRY(read_index(folder, files.other_size, shards, placements));
    for (const std::string& shard : shards) SLUICE_TRY(read_shard(folder, shard, access, files));
    for (const auto& [tensor, shard] : placements) {
        const TensorEntry* entry = files.tensors.find(tensor);
        if (entry == nullptr || shards[entry->file] != shard) {
            return make_error(SLUICE_E_CORRUPT, "model.safetensors.index.json: tensor ", printable(tensor),
                              " is not in ", printable(shard));
        }
    }
    return Nothing{};
}

// Vision and audio models keep the language model's configuration one level down.
const Json& language_part(const Json& json) {
    const Json* type = json.find("model_type");
    const bool is_ours = type != nullptr && type->string() != nullptr &&
                         (*type->string() == "lfm2" || *type->string() == "lfm2_moe");
    if (is_ours) return json;
    for (const char* name : {"text_config", "lfm"}) {
        const Json* part = json.find(name);
        if (part != nullptr && part->object() != nullptr) return *part;
    }
    return json;
}

std::optional<std::string> text_of(const Json& value) {
    if (value.string() != nullptr) return *value.string();
    if (value.array() != nullptr || value.object() != nullptr) return std::nullopt;
    return value.dump();
}

std::optional<std::uint64_t> first_gate_rows(const TensorNames& names) {
    auto entry = names.find(Part::kGate, 0);
    if (!entry || *entry == nullptr || (*entry)->dimensions.size() < 2) return std::nullopt;
    return (*entry)->dimensions[1];
}

}  // namespace

Result<ModelFiles> read_checkpoint(const std::string& folder, Access access) {
    if (!file_exists(folder + "/config.json")) {
        return make_error(SLUICE_E_NOT_FOUND, "the folder ", printable(folder), " has no config.json");
    }
    ModelFiles files;
    files.is_checkpoint = true;
    files.folder = folder;
    files.format = "safetensors";
    SLUICE_ASSIGN(json, read_json_file(folder + "/config.json", "config.json", files.other_size));
    SLUICE_TRY(read_weight_files(folder, access, files));
    const Json& part = language_part(json);
    SLUICE_ASSIGN(config, config_from_json(part, first_gate_rows(files.names())));
    files.config = std::move(config);
    SLUICE_ASSIGN(mlx, mlx_formats_from_json(json));
    files.mlx = std::move(mlx);
    files.tie = ties_embedding(part);
    if (!files.tie) files.tie = ties_embedding(json);
    if (const Json::Object* members = json.object(); members != nullptr) {
        for (const auto& [key, value] : *members) files.metadata.emplace(key, text_of(value));
    }
    if (files.config.name.empty()) {
        const std::size_t end = folder.find_last_not_of('/');
        const std::string trimmed = end == std::string::npos ? folder : folder.substr(0, end + 1);
        files.config.name = replace_invalid_utf8(trimmed.substr(trimmed.find_last_of('/') + 1));
    }
    SLUICE_ASSIGN(tokenizer, read_folder_tokenizer(folder));
    files.vocabulary = std::move(tokenizer.vocabulary);
    files.sentencepiece_model = std::move(tokenizer.sentencepiece_model);
    files.other_size += tokenizer.size;
    if (tokenizer.chat_template) files.metadata["tokenizer.chat_template"] = *tokenizer.chat_template;
    return files;
}

}  // namespace sluice
