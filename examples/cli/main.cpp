// The command `sluice`: everything that the library can do, from a shell. Uses only its public headers.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <cstdio>
#include <exception>
#include <new>
#include <sluice/sluice.hpp>
#include <string>
#include <vector>

#include "commands.h"
#include "host.h"
#include "output.h"

namespace {

using namespace command;

// One sentence on one line, whatever names it quotes.
int complain(const std::string& sentence, int exit_code) {
    std::fflush(stdout);
    std::fprintf(stderr, "sluice: %s\n", visible(sentence).c_str());
    return exit_code;
}

std::string version_text() {
    const std::uint32_t abi = sluice_abi_version();
    return std::string("sluice ") + sluice_version() + " (ABI " + std::to_string(abi >> 16) + "." +
           std::to_string(abi & 0xFFFF) + ")";
}

int parse_and_run(CLI::App& app, const std::vector<Command>& commands, int argc, char** argv) {
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& wanted) {  // --help, --version
        const int exit_code = app.exit(wanted);
        flush_stdout();
        return exit_code == 0 ? kDone : kFailed;
    } catch (const CLI::ParseError& wrong) {
        const auto named = app.get_subcommands();
        if (named.empty()) {
            const std::string wish =
                argc > 1 ? std::string("there is no command ") + argv[1] : "name a command";
            return complain(wish + "; see sluice --help", kUsage);
        }
        const std::string help = "sluice " + named.front()->get_name();
        return complain(std::string(wrong.what()) + "; see " + help + " --help", kUsage);
    }
    for (const Command& command : commands) {
        if (!command.parser->parsed()) continue;
        const int exit_code = command.run();
        flush_stdout();
        return exit_code;
    }
    return kUsage;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        use_binary_streams();
        CLI::App app("Runs LiquidAI's LFM2 family of language models on this computer's CPU.", "sluice");
        app.set_version_flag("--version", version_text());
        app.require_subcommand(1);
        app.footer(
            "Exit codes: 0 done, 1 failed (one sentence on standard error), 2 wrong usage.\n"
            "Example:\n  sluice generate model.gguf --prompt \"The sea is\" -n 40");
        const std::vector<Command> commands = {
            add_tokenize(app), add_detokenize(app), add_generate(app), add_logits(app),  add_info(app),
            add_doctor(app),   add_bench(app),      add_quantize(app), add_imatrix(app), add_random_model(app)};
        return parse_and_run(app, commands, argc, argv);
    } catch (const UsageFailure& wrong) {
        return complain(wrong.what(), kUsage);
    } catch (const std::bad_alloc&) {
        return complain("out of memory", kFailed);
    } catch (const std::exception& failure) {
        return complain(failure.what(), kFailed);
    }
}
