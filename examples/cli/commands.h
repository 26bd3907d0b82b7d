// The commands of `sluice`, one file each. A command adds its subcommand to the parser and says how to run it.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <functional>

namespace command {

// Exit codes: 0 done, 1 failed, 2 wrong usage, and one that shells know.
constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kInterrupted = 130;

struct Command {
    CLI::App* parser = nullptr;
    std::function<int()> run;  // the exit code; failures are thrown
};

Command add_tokenize(CLI::App& app);
Command add_detokenize(CLI::App& app);
Command add_logits(CLI::App& app);
Command add_generate(CLI::App& app);
Command add_info(CLI::App& app);
Command add_doctor(CLI::App& app);
Command add_bench(CLI::App& app);
Command add_quantize(CLI::App& app);
Command add_imatrix(CLI::App& app);
Command add_random_model(CLI::App& app);

}  // namespace command
