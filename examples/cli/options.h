// What several commands take from their command line, and how they open what it names.
#pragma once

#include <cstdint>
#include <optional>
#include <sluice/sluice.hpp>
#include <string>
#include <vector>

#include "command_line.h"
#include "output.h"

namespace command {

// MODEL: the first argument of nearly every command.
void add_model(CommandLine line, std::string& path);

// --json.
void add_json(CommandLine line, bool& json);

// --threads and --kernels.
struct EngineOptions {
    std::uint32_t n_threads = 0;
    std::string kernels;
};
void add_engine(CommandLine line, EngineOptions& options);

// An engine that sends warnings to standard error.
sluicepp::Engine make_engine(const EngineOptions& options = {});

// Opens a model and shows how far it is. activations: SLUICE_ACTIVATIONS_...
sluicepp::Model open_model(const sluicepp::Engine& engine, const std::string& path,
                           std::int32_t activations = SLUICE_ACTIVATIONS_DEFAULT);

// --activations: how the inputs of quantised matrices are computed with.
struct ActivationOptions {
    std::string type;  // empty: what the kernels are faster with

    std::int32_t number() const;
};
void add_activations(CommandLine line, ActivationOptions& options);

// Opens the tokenizer of a model, without its weights.
sluicepp::Tokenizer open_tokenizer(const sluicepp::Engine& engine, const std::string& path);

// --kv: how keys and values are stored.
struct KvOptions {
    std::uint64_t capacity = 0;  // tokens; 0: what the command finds right
    std::string type = "f16";

    std::int32_t type_number() const;  // SLUICE_KV_...
};
void add_kv(CommandLine line, KvOptions& options);

// Ids as "1,5,7" or as the JSON array that `sluice tokenize` prints; at least one.
std::vector<sluicepp::TokenId> parse_ids(const std::string& text);

// SLUICE_END_... as a word for programs.
const char* reason_name(std::int32_t reason);

// Tokens a second; nothing where there was no time to measure.
std::optional<double> rate(std::uint64_t n_tokens, std::uint64_t nanoseconds);

}  // namespace command
