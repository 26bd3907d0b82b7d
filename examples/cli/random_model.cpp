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

Command add_random_model(CLI::App& app) {
    auto options = std::make_shared<Options>();
    CLI::App* parser =
        app.add_subcommand("random-model", "Writes a small GGUF model with random weights, for trying things.");
    parser->add_option("OUT", options->out, "file to write")->required();
    parser->add_option("--kind", options->kind, "moe (with experts, default) or dense")
        ->check(CLI::IsMember({"moe", "dense"}))
        ->type_name("KIND");
    parser->add_option("--seed", options->seed, "same seed, same file; default: 1")
        ->check(not_negative())
        ->type_name("N");
    parser->footer("Example:\n  sluice random-model tiny.gguf --kind dense");
    return {parser, [options] { return run(*options); }};
}

}  // namespace command
