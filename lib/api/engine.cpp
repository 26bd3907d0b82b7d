#include <sluice/engine.h>

#include <cstdlib>

#include "api/guard.h"
#include "api/objects.h"
#include "api/options.h"
#include "base/cpu.h"
#include "base/sentence.h"
#include "kernels/select.h"

namespace sluice {
namespace {

constexpr std::uint32_t kMaxThreads = 256;

// The path of lib/forward/reference is chosen by name like a table, though it is none.
constexpr std::string_view kReference = "reference";

Done choose_kernels(EngineObject& engine, std::string_view wish) {
    std::string name(wish);
    if (name.empty()) {
        const char* forced = std::getenv("SLUICE_KERNELS");
        if (forced != nullptr) name = forced;
    }
    if (name == kReference) {
        engine.kernels_name = name;
        return Nothing{};
    }
    auto chosen = select_kernels(name);
    if (!chosen) {
        // The tables do not know of the path beside them.
        if (chosen.error().status == SLUICE_E_NOT_FOUND) chosen.error().message += sentence(", ", kReference);
        return std::move(chosen).error();
    }
    engine.kernels = *chosen;
    engine.kernels_name = (*chosen)->name;
    return Nothing{};
}

Result<std::shared_ptr<EngineObject>> make_engine(const sluice_engine_options& options, UserPointer log_user,
                                                  UserPointer executor_user) {
    SLUICE_TRY(check_reserved("options", options.reserved0, options.reserved, options.reserved_pointer));
    if (options.n_threads > kMaxThreads) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "n_threads is ", options.n_threads, ", more than ",
                          kMaxThreads);
    }
    if (options.log_level < 0 || options.log_level > SLUICE_LOG_OFF) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "log_level is ", options.log_level);
    }
    SLUICE_ASSIGN(kernels, read_text_argument(options.kernels, options.kernels_size, "kernels"));
    auto engine =
        std::make_shared<EngineObject>(std::move(log_user), std::move(executor_user),
                                       options.log_level == 0 ? SLUICE_LOG_WARNING : options.log_level,
                                       options.log, options.log_user, options.memory_budget);
    SLUICE_TRY(choose_kernels(*engine, kernels));
    const std::uint32_t n_threads = options.n_threads == 0 ? usable_cpus() : options.n_threads;
    engine->workers = options.executor == nullptr ? std::make_unique<Workers>(n_threads, engine->log)
                                                  : std::make_unique<Workers>(n_threads, options.executor,
                                                                              options.executor_user, nullptr);
    engine->cpu = describe(cpu_features());
    engine->log.info(sentence("engine with ", engine->workers->size(), " threads, kernels ",
                              engine->kernels_name, ", on ", engine->cpu));
    return engine;
}

}  // namespace
}  // namespace sluice

using namespace sluice;

int32_t sluice_engine_create(const sluice_engine_options* options, sluice_engine** engine,
                             sluice_error* error) {
    if (engine != nullptr) *engine = nullptr;
    return guarded(error, SLUICE_SUBSYSTEM_API, [&]() -> Done {
        // Before anything can fail: the callbacks' pointers end also with a call that is refused.
        const sluice_engine_options part = known_part(options);
        UserPointer log_user(part.log_user, part.log_destroy);
        UserPointer executor_user(part.executor_user, part.executor_destroy);
        SLUICE_TRY(check_pointer(engine, "engine"));
        SLUICE_ASSIGN(known, read_options(options, "options"));
        SLUICE_ASSIGN(object, make_engine(known, std::move(log_user), std::move(executor_user)));
        *engine = new sluice_engine{std::move(object)};
        return Nothing{};
    });
}

void sluice_engine_destroy(sluice_engine* engine) {
    delete engine;
}

int32_t sluice_engine_describe(const sluice_engine* engine, sluice_engine_info* info, sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_API, [&]() -> Done {
        SLUICE_TRY(check_pointer(engine, "engine"));
        sluice_engine_info filled = {};
        filled.n_threads = engine->object->workers->size();
        filled.memory_budget = engine->object->budget.limit();
        filled.memory_used = engine->object->budget.used();
        write_text(filled.kernels, engine->object->kernels_name);
        write_text(filled.cpu, engine->object->cpu);
        return write_info(info, filled, "info");
    });
}
