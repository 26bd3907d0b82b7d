// What sluice bench measures: prompts and answers on a model, and the machine under them.
#pragma once

#include <cstdint>
#include <sluice/sluice.hpp>
#include <string>
#include <vector>

#include "output.h"

namespace command {

// Of the repetitions of one measurement.
struct Spread {
    double median = 0;
    double least = 0;
    double most = 0;
};

// values has at least one.
Spread spread_of(std::vector<double> values);

// The tokens that are fed: those of a text, from its beginning again where it is too short, or else random
// ones, the same on every run and machine.
class Prompts {
public:
    explicit Prompts(std::uint32_t n_tokens) : n_tokens_(n_tokens) {}
    explicit Prompts(std::vector<sluicepp::TokenId> text_ids) : text_ids_(std::move(text_ids)) {}

    std::vector<sluicepp::TokenId> first(std::size_t n_ids) const;
    std::size_t text_size() const { return text_ids_.size(); }  // 0: they are random

private:
    std::uint32_t n_tokens_ = 0;  // ids are below
    std::vector<sluicepp::TokenId> text_ids_;
};

// The best that the machine showed in several looks; zeros before the first one.
class Machine {
public:
    // Stops for about twice so many milliseconds. Nothing else may compute on the engine.
    void look(const sluicepp::Engine& engine, std::uint32_t milliseconds);

    double bytes_per_s() const { return bytes_per_s_; }
    double int8_multiply_adds_per_s() const { return int8_multiply_adds_per_s_; }
    // Each look: best and median window.
    const Json& looks() const { return looks_; }

private:
    double bytes_per_s_ = 0;
    double int8_multiply_adds_per_s_ = 0;
    Json looks_ = Json::array();
};

// How much work a token is.
struct TokenWork {
    double prompt_multiply_adds = 0;  // with weights, without the head, which only a prompt's last token needs
    double weight_bytes = 0;          // read for one generated token
    double position_bytes = 0;        // of keys and values, read for each position before it
};

// kv as the cache was made; its capacity tells the size of a position.
TokenWork token_work_of(const sluicepp::Model& model, const sluice_kv_cache_options& kv);

struct PrefillResult {
    std::uint32_t n_tokens = 0;
    Spread tokens_per_s;
    Spread first_token_s;  // from the call that feeds the prompt to the first token of the answer
};

struct DecodeResult {
    std::uint32_t n_tokens = 0;
    std::uint32_t depth = 0;
    Spread tokens_per_s;
    Spread bytes_per_s;  // of weights, keys and values
    std::uint64_t last_position = 0;
};

// Measures on one session, one thing after another.
class ModelBench {
public:
    ModelBench(sluicepp::Session session, const sluicepp::KvCache& cache, Prompts prompts, TokenWork work,
               std::uint32_t n_repetitions)
        : session_(std::move(session)),
          cache_(cache),
          prompts_(std::move(prompts)),
          work_(work),
          n_repetitions_(n_repetitions) {}

    // A prompt of so many tokens and the first one of its answer, unmeasured.
    void answer_once(std::uint32_t n_prompt);

    PrefillResult prefill(std::uint32_t n_prompt);

    // After a prompt of `depth` tokens, one where that is 0. The repetitions follow one another, so the k-th,
    // counted from 0, begins about k * n_answer positions deeper; where the cache is full the prompt is fed
    // again.
    DecodeResult decode(std::uint32_t n_answer, std::uint32_t depth);

    void end_progress() { progress_.clear(); }

private:
    void next();

    sluicepp::Session session_;
    const sluicepp::KvCache& cache_;
    Prompts prompts_;
    TokenWork work_;
    std::uint32_t n_repetitions_;
    Progress progress_;
};

}  // namespace command
