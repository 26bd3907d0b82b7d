// Models, and where their bytes come from.
#pragma once

#include <sluice/sluice.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base.hpp"
#include "engine.hpp"

namespace sluicepp {

// A source that names a file or a checkpoint folder; borrows path.
inline sluice_source path_source(std::string_view path) noexcept {
    auto source = sized<sluice_source>();
    source.kind = SLUICE_SOURCE_PATH;
    source.path = path.data();
    source.size = path.size();
    return source;
}

// A source of size bytes in memory, borrowed until the last object made from it has ended.
inline sluice_source memory_source(const void* bytes, std::uint64_t size) noexcept {
    auto source = sized<sluice_source>();
    source.kind = SLUICE_SOURCE_MEMORY;
    source.memory = bytes;
    source.size = size;
    return source;
}

// What running a model would take, in bytes, told from its header alone. Throws as sluice_model_open.
inline sluice_plan plan(const sluice_source& source,
                        const sluice_plan_options& options = sized<sluice_plan_options>()) {
    return filled<sluice_plan>(sluice_model_plan, &source, &options);
}

// Told how far opening has come, in bytes, on the opening thread; false ends it with SLUICE_E_CANCELLED.
// What it throws ends it too and leaves the constructor of Model.
using ProgressFunction = std::function<bool(std::uint64_t done, std::uint64_t total)>;

// Weights and configuration, immutable. Any thread; any number of sessions may share it.
class Model : public detail::Owner<sluice_model, sluice_model_close> {
public:
    // flags: SLUICE_MODEL_...; activations: SLUICE_ACTIVATIONS_... The source is not needed after this. Throws
    // as sluice_model_open.
    Model(const Engine& engine, const sluice_source& source, std::uint32_t flags = 0,
          const ProgressFunction& progress = {}, std::int32_t activations = SLUICE_ACTIVATIONS_DEFAULT)
        : Owner(open(engine, source, flags, progress, activations)) {}

    // A GGUF file, the first part of a split one, or a checkpoint folder.
    Model(const Engine& engine, std::string_view path, std::uint32_t flags = 0,
          const ProgressFunction& progress = {}, std::int32_t activations = SLUICE_ACTIVATIONS_DEFAULT)
        : Model(engine, path_source(path), flags, progress, activations) {}

    sluice_model_info describe() const { return filled<sluice_model_info>(sluice_model_describe, get()); }

    // The text of a metadata key of the file; nothing where the file has no such key. Throws
    // SLUICE_E_UNSUPPORTED for an array.
    std::optional<std::string> metadata(std::string_view key) const {
        try {
            return collected<std::string>(128, sluice_model_metadata, get(), key.data(), key.size());
        } catch (const Exception& failure) {
            if (failure.status() == SLUICE_E_NOT_FOUND) return std::nullopt;
            throw;
        }
    }

    // One of describe().n_tensors tensors.
    sluice_tensor_info tensor(std::uint64_t index) const {
        return filled<sluice_tensor_info>(sluice_model_tensor, get(), index);
    }

    // The sampling that the model's makers recommend, every field filled.
    sluice_sampling recommended_sampling() const {
        return filled<sluice_sampling>(sluice_session_recommended_sampling, get());
    }

private:
    static sluice_model* open(const Engine& engine, const sluice_source& source, std::uint32_t flags,
                              const ProgressFunction& progress, std::int32_t activations) {
        auto watched = std::make_pair(&progress, std::exception_ptr());
        auto options = sized<sluice_model_options>();
        options.flags = flags;
        options.activations = activations;
        options.progress_user = &watched;
        if (progress) {
            options.progress = [](void* user, std::uint64_t done, std::uint64_t total) -> std::int32_t {
                auto& [told, thrown] = *static_cast<decltype(watched)*>(user);
                try {
                    return (*told)(done, total) ? 0 : 1;
                } catch (...) {
                    thrown = std::current_exception();
                    return 1;
                }
            };
        }
        sluice_error error;
        sluice_model* model = nullptr;
        const auto status = sluice_model_open(engine.get(), &source, &options, &model, &error);
        if (status < 0 && watched.second) std::rethrow_exception(watched.second);
        if (status < 0) throw Exception(error);
        return model;
    }
};

}  // namespace sluicepp
