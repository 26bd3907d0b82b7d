// What the answer is held to: options of commands that generate.
#pragma once

#include <optional>
#include <string>

#include "command_line.h"
#include "sluice/sluice.hpp"

namespace command {

struct ConstraintOptions {
    std::optional<std::string> schema;  // files, but the regular expression
    std::optional<std::string> regex;
    std::optional<std::string> grammar;
    std::optional<std::string> tools;
    std::string tool;
    std::string after;  // the spelling of a token
    bool free_whitespace = false;
    bool json_calls = false;
};

void add_constraint(CommandLine line, ConstraintOptions& options);

// Holds the session's answers to what was asked for, if anything was. Failures: those of files and of the
// library.
void hold_to(const ConstraintOptions& options, const sluicepp::Model& model, const sluicepp::Session& session);

}  // namespace command
