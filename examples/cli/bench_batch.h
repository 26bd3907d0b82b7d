// What sluice bench --batch measures: answers that several sessions write together.
#pragma once

#include <cstdint>
#include <vector>

#include "bench_measure.h"

namespace command {

struct BatchResult {
    std::uint32_t n_sessions = 0;
    std::uint32_t n_tokens = 0;        // of each answer
    std::uint32_t depth = 0;           // of the first ones
    std::vector<double> tokens_per_s;  // of all sessions together, one for each repetition
    double experts_woken = 0;          // of a layer, by one step, in the mean; 0: the model is dense
};

// Drawn answers of n_answer tokens in batches of each of `sizes` sessions, after prompts of their own of
// max(depth, 1) tokens. Each repetition has all sizes in turn, so that they meet the same moods of the machine;
// where the caches are full the prompts are fed again. Throws Failure where an answer ends.
std::vector<BatchResult> bench_batches(const sluicepp::Model& model, const sluice_kv_cache_options& kv,
                                       const Prompts& prompts, const std::vector<std::uint32_t>& sizes,
                                       std::uint32_t n_answer, std::uint32_t depth,
                                       std::uint32_t n_repetitions);

}  // namespace command
