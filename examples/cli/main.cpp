// The command `sluice`: everything that the library can do, from a shell. Uses only its public headers.
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

int run_given(const std::vector<Command>& commands) {
    for (const Command& command : commands) {
        if (!command.line.was_given()) continue;
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
        Program program("sluice", "Runs LiquidAI's LFM2 family of language models on this computer's CPU.",
                        version_text(),
                        "Exit codes: 0 done, 1 failed (one sentence on standard error), 2 wrong usage.\n"
                        "Example:\n  sluice generate model.gguf --prompt \"The sea is\" -n 40");
        const std::vector<Command> commands = {
            add_tokenize(program), add_detokenize(program), add_generate(program), add_render(program),
            add_parse(program),    add_logits(program),     add_info(program),     add_doctor(program),
            add_bench(program),    add_quantize(program),   add_imatrix(program),  add_random_model(program)};
        const Program::Outcome outcome = program.parse(argc, argv);
        if (outcome == Program::Outcome::kCommand) return run_given(commands);
        flush_stdout();
        return outcome == Program::Outcome::kAnswered ? kDone : kFailed;
    } catch (const UsageFailure& wrong) {
        return complain(wrong.what(), kUsage);
    } catch (const std::bad_alloc&) {
        return complain("out of memory", kFailed);
    } catch (const std::exception& failure) {
        return complain(failure.what(), kFailed);
    }
}
