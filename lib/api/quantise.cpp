#include "model/quantise/quantise_model.h"

#include <sluice/experimental.h>

#include "api/guard.h"
#include "api/objects.h"
#include "api/options.h"
#include "api/source.h"

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
