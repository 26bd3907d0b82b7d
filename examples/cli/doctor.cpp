// sluice doctor: will this model run on this machine? Answered from the header of the file, before loading.
#include <memory>

#include "commands.h"
#include "options.h"
#include "output.h"

namespace command {

namespace {

struct Options {
    std::string model;
    bool json = false;
    KvOptions kv;
    EngineOptions engine;
};

struct Verdict {
    Json fits;  // true, false, or null when the machine does not say what is free
    std::string sentence;
};

Verdict verdict_of(const sluice_plan& plan) {
    const std::string needs = "running it takes " + size_text(plan.total);
    if (plan.machine_free == 0) {
        return {nullptr,
                "Nobody knows whether it fits: " + needs + ", and this machine does not say what is free."};
    }
    const std::string free = size_text(plan.machine_free) + " are free here";
    if (plan.total <= plan.machine_free) return {true, "It fits: " + needs + ", and " + free + "."};
    if (plan.total - plan.mapped_weights <= plan.machine_free) {
        return {false, "It does not fit: " + needs + ", and only " + free +
                           "; it would start, but read weights from storage again and again, slowly."};
    }
    return {false, "It does not fit: " + needs + ", and only " + free + "."};
}

int run(const Options& options) {
    const auto engine = make_engine(options.engine).describe();
    auto plan_options = sluicepp::sized<sluice_plan_options>();
    plan_options.context_size = options.kv.capacity;
    plan_options.key_type = plan_options.value_type = options.kv.type_number();
    plan_options.n_threads = options.engine.n_threads;
    const auto plan = sluicepp::plan(sluicepp::path_source(options.model), plan_options);
    const Verdict verdict = verdict_of(plan);
    if (options.json) {
        write_json({{"fits", verdict.fits},
                    {"sentence", verdict.sentence},
                    {"total", plan.total},
                    {"mapped_weights", plan.mapped_weights},
                    {"model_memory", plan.model_memory},
                    {"cache_memory", plan.cache_memory},
                    {"session_memory", plan.session_memory},
                    {"machine_memory", plan.machine_memory},
                    {"machine_free", plan.machine_free},
                    {"cpu", engine.cpu},
                    {"kernels", engine.kernels},
                    {"threads", engine.n_threads}});
        return kDone;
    }
    const auto known = [](std::uint64_t size) { return size > 0 ? size_text(size) : std::string("unknown"); };
    write_stdout(
        verdict.sentence + "\n\n" + row_text("mapped weights", size_text(plan.mapped_weights)) +
        row_text("model", size_text(plan.model_memory)) + row_text("KV cache", size_text(plan.cache_memory)) +
        row_text("session", size_text(plan.session_memory)) + row_text("total", size_text(plan.total)) + "\n" +
        row_text("machine", known(plan.machine_memory)) + row_text("free", known(plan.machine_free)) +
        row_text("CPU", engine.cpu) + row_text("kernels", engine.kernels) +
        row_text("threads", std::to_string(engine.n_threads)));
    return kDone;
}

}  // namespace

Command add_doctor(Program& program) {
    auto options = std::make_shared<Options>();
    CommandLine line = program.add("doctor", "Tells whether a model fits this machine, without loading it.");
    add_model(line, options->model);
    add_kv(line, options->kv);
    add_engine(line, options->engine);
    add_json(line, options->json);
    line.footer(
        "The exit code is 0 also for a model that does not fit; --json says \"fits\": false.\n"
        "Example:\n  sluice doctor model.gguf --ctx 32768 --kv f16");
    return {line, [options] { return run(*options); }};
}

}  // namespace command
