// What sluice bench measures: prompts and answers on a model, and the machine under them.
#pragma once

#include <cstdint>
#include <optional>
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

// What the machine showed in one look, per second: best windows of some milliseconds; 0: nothing was looked at.
struct Look {
    double bytes = 0;
    double int8_multiply_adds = 0;
};

// What the machine can do, looked at again and again: one that is shared with others is another every minute.
class Machine {
public:
    // Each look stops for about twice so many milliseconds; 0: there are none. Nothing else may compute on the
    // engine meanwhile.
    Machine(const sluicepp::Engine& engine, std::uint32_t milliseconds)
        : engine_(engine), milliseconds_(milliseconds) {}

    Look look();

    // The best of all looks; zeros before the first one.
    const Look& best() const { return best_; }
    // Each look: best and median window.
    const Json& looks() const { return looks_; }
    // Most memory of the process so far, in bytes, without what looking takes (where the system is Linux).
    std::uint64_t peak_memory_beside();

private:
    const sluicepp::Engine& engine_;
    std::uint32_t milliseconds_;
    Look best_;
    Json looks_ = Json::array();
    std::uint64_t peak_memory_ = 0;
};

// How much work a token is.
struct TokenWork {
    double prompt_multiply_adds = 0;  // with weights, without the head, which only a prompt's last token needs
    double weight_bytes = 0;          // read for one generated token
    double position_bytes = 0;        // of keys and values, read for each position before it
};

// kv as the cache was made; its capacity tells the size of a position.
TokenWork token_work_of(const sluicepp::Model& model, const sluice_kv_cache_options& kv);

struct Repetition {
    double tokens_per_s = 0;
    double reached = 0;   // multiply-adds of a prompt, bytes of an answer; per second
    double possible = 0;  // of these, mean of the looks right before and right after; 0: unknown
};

struct PrefillResult {
    std::uint32_t n_tokens = 0;
    std::vector<Repetition> repetitions;
    Spread first_token_s;  // from the call that feeds the prompt to the first token of the answer
};

struct DecodeResult {
    std::uint32_t n_tokens = 0;
    std::uint32_t depth = 0;
    std::vector<Repetition> repetitions;
    std::uint64_t last_position = 0;
};

// Stop tokens do not end an answer. sampling: SLUICE_SAMPLING_...
sluicepp::SessionOptions answers_without_end(std::int32_t sampling);

// A session with a cache of its own.
class Conversation {
public:
    Conversation(const sluicepp::Model& model, const sluice_kv_cache_options& kv);

    void forget() { session_->reset(); }
    void feed(const std::vector<sluicepp::TokenId>& prompt) { session_->feed(prompt); }
    // A history of n_tokens that nobody computed, in place of the one before.
    void fill_random(std::uint64_t n_tokens);
    // Chooses one token, and computes the one chosen before it. Throws Failure at the end of the cache.
    void next();
    std::uint64_t position() const { return cache_.position(); }
    bool has_room_for(std::uint64_t n_tokens) const;

private:
    const sluicepp::Model& model_;
    sluicepp::KvCache cache_;
    std::optional<sluicepp::Session> session_;
};

// How the history before an answer comes into the cache.
enum class History { kPrompt, kRandom };

// Measures one thing after another, with a look at the machine between any two.
class ModelBench {
public:
    ModelBench(const sluicepp::Model& model, const sluice_kv_cache_options& kv, Machine& machine,
               Prompts prompts, TokenWork work, std::uint32_t n_repetitions, History history)
        : model_(model),
          kv_(kv),
          machine_(machine),
          prompts_(std::move(prompts)),
          work_(work),
          n_repetitions_(n_repetitions),
          history_(history),
          conversation_(model, kv) {}

    // A prompt of so many tokens and the first one of its answer, unmeasured.
    void answer_once(std::uint32_t n_prompt);

    PrefillResult prefill(std::uint32_t n_prompt);

    // Answers of each length after prompts of each of `depths` tokens, one where that is 0. Each repetition has
    // all of them in turn, so that they meet the same moods of the machine. The k-th, counted from 0, begins
    // about k * n_answer positions deeper; where the cache is full the prompt is fed again. A random history is
    // less deep than was asked where the cache would have no room for all repetitions after it.
    std::vector<DecodeResult> decode(const std::vector<std::uint32_t>& depths,
                                     const std::vector<std::uint32_t>& answers);

    void end_progress() { progress_.clear(); }

private:
    Repetition answer(Conversation& conversation, std::uint32_t n_answer);
    std::uint32_t depth_for(std::uint32_t depth, std::uint32_t n_answer) const;

    const sluicepp::Model& model_;
    sluice_kv_cache_options kv_;
    Machine& machine_;
    Prompts prompts_;
    TokenWork work_;
    std::uint32_t n_repetitions_;
    History history_;
    Progress progress_;
    Conversation conversation_;
};

}  // namespace command
