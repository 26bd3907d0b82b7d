// sluice quantize: a model as a GGUF file of another type.
#include <sluice/experimental.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>

#include "commands.h"
#include "host.h"
#include "options.h"
#include "output.h"

namespace command {

namespace {

constexpr double kMegabyte = 1e6;

struct Options {
    std::string in;
    std::string out;
    std::string type = "Q4_K_M";
    std::string importance;
    std::uint32_t n_threads = 0;
    bool json = false;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// What the progress function is told about.
struct Watch {
    std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
    std::atomic<bool> is_cancelled{false};
    std::uint64_t total = 0;
    Progress progress;

    // Whether to go on.
    bool look(std::uint64_t done, std::uint64_t all) {
        total = all;
        const double seconds = seconds_since(start);
        const double share = all > 0 ? static_cast<double>(done) / static_cast<double>(all) : 1;
        std::string line = "quantising " + number_text(100 * share, 0) + " % of " + size_text(all);
        if (seconds > 1) {
            line += ", " + number_text(static_cast<double>(done) / seconds / kMegabyte, 0) + " MB/s, " +
                    number_text(share > 0 ? seconds * (1 / share - 1) : 0, 0) + " s left";
        }
        progress.show(line);
        return !is_cancelled;
    }
};

int report(const Options& options, Watch& watch) {
    const double seconds = seconds_since(watch.start);
    watch.progress.clear();
    const std::uint64_t size = std::filesystem::file_size(options.out);
    const double speed = seconds > 0 ? static_cast<double>(watch.total) / seconds / kMegabyte : 0;
    if (options.json) {
        write_json({{"out", options.out},
                    {"type", options.type},
                    {"weights_bytes_read", watch.total},
                    {"file_bytes", size},
                    {"seconds", seconds},
                    {"megabytes_per_s", speed},
                    {"peak_memory_bytes", peak_memory()}});
        return kDone;
    }
    write_stdout(options.out + ": " + options.type + ", " + size_text(size) + " from " +
                 size_text(watch.total) + " of weights, in " + number_text(seconds, 1) + " s (" +
                 number_text(speed, 0) + " MB/s)\n");
    return kDone;
}

int run(const Options& options) {
    survive_file_size_limit();
    Interrupt interrupt;  // before the engine's threads
    EngineOptions engine_options;
    engine_options.n_threads = options.n_threads;
    const auto engine = make_engine(engine_options);
    Watch watch;
    interrupt.set_action([&watch] { watch.is_cancelled = true; });
    auto c_options = sluicepp::sized<sluice_quantise_options>();
    c_options.type = options.type.data();
    c_options.type_size = options.type.size();
    c_options.importance = options.importance.data();
    c_options.importance_size = options.importance.size();
    c_options.progress_user = &watch;
    c_options.progress = [](void* user, std::uint64_t done, std::uint64_t total) -> std::int32_t {
        return static_cast<Watch*>(user)->look(done, total) ? 0 : 1;
    };
    const sluice_source source = sluicepp::path_source(options.in);
    try {
        sluicepp::check(sluice_quantise, engine.get(), &source, options.out.data(), options.out.size(),
                        &c_options);
    } catch (const sluicepp::Exception& failure) {
        interrupt.set_action({});
        watch.progress.clear();
        if (failure.status() == SLUICE_E_CANCELLED && interrupt.happened()) return kInterrupted;
        throw;
    }
    interrupt.set_action({});
    return report(options, watch);
}

}  // namespace

Command add_quantize(Program& program) {
    auto options = std::make_shared<Options>();
    CommandLine line = program.add(
        "quantize",
        "Writes a model as a GGUF file of another type, with the type of each tensor as in the files that the "
        "makers publish. The file appears when it is whole.");
    line.also_called("quantise");
    line.add("IN", options->in, "a GGUF file or a checkpoint folder (also one of MLX with 4 or 8 bits)")
        .required();
    line.add("OUT", options->out, "GGUF file to write; one that is there is replaced").required();
    line.add("--type", options->type, "Q4_0, Q4_K_M, Q5_K_M, Q6_K, Q8_0, F16, BF16 or F32; default: Q4_K_M")
        .one_of_in_any_case({"Q4_0", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16", "BF16", "F32"})
        .called("TYPE");
    line.add("--imatrix", options->importance,
             "importance matrix in GGUF, as llama-imatrix writes it; default: all inputs count alike")
        .called("FILE");
    line.add("-t,--threads", options->n_threads, "threads that compute; default: one per core")
        .not_negative()
        .called("N");
    add_json(line, options->json);
    line.footer("Example:\n  sluice quantize LFM2.5-8B-A1B model.gguf --type Q4_K_M");
    return {line, [options] { return run(*options); }};
}

}  // namespace command
