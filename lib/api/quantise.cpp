#include "model/quantise/quantise_model.h"

#include <sluice/experimental.h>

#include "api/guard.h"
#include "api/objects.h"
#include "api/options.h"
#include "api/source.h"
#include "forward/collect_importance.h"

namespace sluice {
namespace {

// importance holds what the options then point to.
Result<quantise::QuantiseOptions> read_quantise_options(const sluice_quantise_options* given,
                                                        quantise::Importance& importance) {
    SLUICE_ASSIGN(known, read_options(given, "options"));
    SLUICE_TRY(check_reserved("options", known.reserved0, known.reserved, known.reserved_pointer));
    SLUICE_ASSIGN(type, read_text_argument(known.type, known.type_size, "options.type"));
    quantise::QuantiseOptions options;
    options.type = type.empty() ? "Q4_K_M" : type;
    SLUICE_ASSIGN(path, read_text_argument(known.importance, known.importance_size, "options.importance"));
    if (!path.empty()) {
        SLUICE_ASSIGN(file, Source::open_path(std::string(path), Access::kRead));
        SLUICE_ASSIGN(read, quantise::Importance::read(*file));
        importance = std::move(read);
        options.importance = &importance;
    }
    if (known.progress != nullptr) {
        options.progress = [progress = known.progress, user = known.progress_user](
                               std::uint64_t done, std::uint64_t total) { return progress(user, done, total); };
    }
    return options;
}

Result<ModelFiles> read_files(const GivenSource& given) {
    if (given.source == nullptr) return read_model_path(given.path, Access::kRead);
    return read_gguf_model({given.source});
}

Result<ImportanceOptions> read_importance_options(const sluice_importance_options* given) {
    SLUICE_ASSIGN(known, read_options(given, "options"));
    SLUICE_TRY(check_reserved("options", known.reserved, known.reserved_pointer));
    ImportanceOptions options;
    if (known.window != 0) options.window = known.window;
    if (known.progress != nullptr) {
        options.progress = [progress = known.progress, user = known.progress_user](
                               std::uint64_t done, std::uint64_t total) { return progress(user, done, total); };
    }
    return options;
}

}  // namespace
}  // namespace sluice

using namespace sluice;

int32_t sluice_quantise(sluice_engine* engine, const sluice_source* source, const char* path,
                        uint64_t path_size, const sluice_quantise_options* options, sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_MODEL, [&]() -> Done {
        // Before any check, so that the callback's user pointer has an owner.
        const auto given = read_source(source, Access::kRead);
        SLUICE_TRY(check_pointer(engine, "engine"));
        quantise::Importance importance;
        SLUICE_ASSIGN(known, read_quantise_options(options, importance));
        SLUICE_ASSIGN(file, read_text_argument(path, path_size, "path"));
        if (!given) return given.error();
        SLUICE_ASSIGN(files, read_files(*given));
        EngineObject& object = *engine->object;
        return quantise::quantise_model(std::move(files), std::string(file), known, *object.workers,
                                        object.budget, object.log);
    });
}

int32_t sluice_importance_write(sluice_model* model, const int32_t* ids, uint64_t n_ids, const char* path,
                                uint64_t path_size, const sluice_importance_options* options,
                                sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_FORWARD, [&]() -> Done {
        SLUICE_TRY(check_pointer(model, "model"));
        if (n_ids > 0) SLUICE_TRY(check_pointer(ids, "ids"));
        SLUICE_ASSIGN(file, read_text_argument(path, path_size, "path"));
        SLUICE_ASSIGN(known, read_importance_options(options));
        ModelObject& object = *model->object;
        EngineObject& engine = *object.engine;
        if (engine.kernels == nullptr) {
            return make_error(SLUICE_E_UNSUPPORTED, "the kernels called reference collect no importance");
        }
        const std::span<const TokenId> tokens(ids, static_cast<std::size_t>(n_ids));
        SLUICE_ASSIGN(importance, collect_importance(*object.model, tokens, known, *engine.kernels,
                                                     *engine.workers, engine.budget));
        const auto n_windows = static_cast<std::uint32_t>((n_ids + known.window - 1) / known.window);
        return importance.write(std::string(file), known.window, n_windows);
    });
}
