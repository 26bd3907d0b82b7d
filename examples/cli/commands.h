// The commands of `sluice`, one file each. A command adds its subcommand to the parser and says how to run it.
#pragma once

#include <functional>

#include "command_line.h"

namespace command {

// Exit codes: 0 done, 1 failed, 2 wrong usage, and one that shells know.
constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kInterrupted = 130;

struct Command {
    CommandLine line;
    std::function<int()> run;  // the exit code; failures are thrown
};

Command add_render(Program& program);
Command add_tokenize(Program& program);
Command add_detokenize(Program& program);
Command add_logits(Program& program);
Command add_generate(Program& program);
Command add_info(Program& program);
Command add_doctor(Program& program);
Command add_bench(Program& program);
Command add_quantize(Program& program);
Command add_imatrix(Program& program);
Command add_random_model(Program& program);
Command add_parse(Program& program);

}  // namespace command
