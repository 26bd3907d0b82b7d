// Questions with the only right answer each, asked of a model at temperature 0.
#pragma once

#include <cstdint>
#include <map>
#include <sluice/sluice.hpp>
#include <string>
#include <vector>

#include "quality/rows.h"

namespace quality {

struct Case {
    std::string kind;  // "call", "answer", "JSON", ...: what is counted together
    std::string prompt;
    std::string expected;
};

// A JSON array of objects with kind, prompt and expected, as examples/demo_model/held_out.py writes it.
// Throws std::runtime_error with a sentence.
std::vector<Case> read_cases(const std::string& path);

struct Score {
    std::uint64_t n_asked = 0;
    std::uint64_t n_right = 0;
};

// The greedy answer, without the thinking in front of it, must be the expected text.
std::map<std::string, Score> ask(const sluicepp::Model& model, const std::vector<Case>& cases,
                                 const KvTypes& kv_types);

}  // namespace quality
