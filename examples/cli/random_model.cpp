// sluice random-model: a small model with random weights, to try programs and tests with.
#include <sluice/experimental.h>

#include <memory>

#include "commands.h"
#include "options.h"

namespace command {

namespace {

struct Options {
    std::string out;
    std::string kind = "moe";
    std::uint64_t seed = 1;
};

int run(const Options& options) {
    sluicepp::check(sluice_random_model_write, options.out.data(), options.out.size(), options.kind.data(),
                    options.kind.size(), options.seed);
    return kDone;
}

}  // namespace

Command add_random_model(Program& program) {
    auto options = std::make_shared<Options>();
    CommandLine line =
        program.add("random-model", "Writes a small GGUF model with random weights, for trying things.");
    line.add("OUT", options->out, "file to write").required();
    line.add("--kind", options->kind, "moe (with experts, default) or dense")
        .one_of({"moe", "dense"})
        .called("KIND");
    line.add("--seed", options->seed, "same seed, same file; default: 1").not_negative().called("N");
    line.footer("Example:\n  sluice random-model tiny.gguf --kind dense");
    return {line, [options] { return run(*options); }};
}

}  // namespace command
