// The sampler: chooses the next token from logits. Seeded, allocation-free once made.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/config.h"
#include "session/candidates.h"
#include "session/dry_penalty.h"
#include "session/random.h"
#include "session/token_history.h"
#include "text/grammar/token_mask.h"
#include "text/vocabulary.h"

namespace sluice {

class Tokenizer;

struct LogitBias {
    TokenId id = kNoToken;
    float bias = 0.0F;
};

// Every field has its final meaning here: "default" was resolved before.
struct SamplingOptions {
    bool greedy = false;
    std::uint64_t seed = 0;
    float temperature = 1.0F;
    std::int32_t top_k = 0;  // 0: off
    float top_p = 1.0F;      // 1: off
    float min_p = 0.0F;      // 0: off
    float typical_p = 1.0F;  // 1: off
    float repetition_penalty = 1.0F;
    float frequency_penalty = 0.0F;
    float presence_penalty = 0.0F;
    std::int32_t penalty_window = 0;  // 0: the whole history
    float dry_multiplier = 0.0F;      // 0: off
    float dry_base = 1.75F;
    std::int32_t dry_allowed_length = 2;
    std::int32_t dry_window = 0;  // 0: the whole history
    std::vector<LogitBias> biases;
    std::vector<TokenId> dry_breakers;
};

// What the model's makers recommend (reference: model cards and documentation of Liquid AI, cited in
// recommended_sampling.cpp). The seed is 0: choose one.
SamplingOptions recommended_sampling(const Config& config);

// Errors: INVALID_ARGUMENT, naming the field and the number (also NaN), or an id outside n_tokens. Fields
// that greedy choice does not use are checked all the same. Several biases of one token add up.
Done verify_sampling(const SamplingOptions& options, std::size_t n_tokens);

// The tokens whose text holds a line end, ':', '"' or '*': where DRY stops matching by default.
std::vector<TokenId> default_dry_breakers(const Tokenizer& tokenizer);

struct TokenProbability {
    TokenId id = kNoToken;
    float log_probability = 0.0F;
};

// One thread at a time. Only the constructor and configure allocate; where they run out of memory the
// sampler is as it was. The same seed, options, history and logits give the same token on every machine:
// the exponential is our own, and nothing depends on libm or on the standard library's generators.
class Sampler {
public:
    // Requires verified options. n_tokens: ids at or above are never chosen, and count for no penalty.
    // capacity: most tokens of history that will ever be accepted.
    Sampler(SamplingOptions options, std::size_t n_tokens, std::size_t capacity);

    const SamplingOptions& options() const { return options_; }

    // Adds tokens to the history that the penalties see: prompt and generated.
    void accept(std::span<const TokenId> ids);
    // Cuts the history to its first n tokens.
    void truncate(std::size_t n);
    // Empty history, the random stream from its seed.
    void reset();
    // Other options; history and, if the seed is the same, random stream stay. Requires verified options.
    void configure(SamplingOptions options);

    // Where the random stream is.
    const Random& random() const { return random_; }
    void set_random(const Random& random) { random_ = random; }

    // Chooses among logits[0, n_tokens). Errors: NUMERIC when a logit is NaN or +infinity, or none is
    // finite (before biases); INVALID_ARGUMENT when biases forbid every token. The history is as it was.
    // One number is drawn from the random stream unless the choice is greedy or fails.
    // Fewer logits than n_tokens forbid the tokens without one. Of a mask that is not null, only tokens that it
    // allows are chosen; INVALID_ARGUMENT also where it and the biases forbid every token between them.
    Result<TokenId> choose(std::span<const float> logits, const grammar::TokenMask* mask = nullptr);

    std::size_t memory() const;  // bytes taken, without those of the object itself

private:
    DryPenalty make_dry_penalty(const SamplingOptions& options) const;
    void reserve_candidates(const SamplingOptions& options);
    void adjust_scores();
    void apply(const grammar::TokenMask& mask);
    void find_candidates(float highest);

    SamplingOptions options_;
    std::size_t capacity_;
    TokenHistory history_;
    DryPenalty dry_;
    Random random_;
    std::vector<float> scores_;  // n_tokens logits, then with bias and penalties
    std::vector<TokenProbability> best_;
    std::vector<Candidate> candidates_;
};

// Natural logarithm of the probability of token id under logits[0, n_tokens): summed in double. Minus
// infinity for an id outside, and where no logit is above it. Requires no NaN.
float log_probability(std::span<const float> logits, TokenId id);

// The `out.size()` most likely tokens, best first, the lower id of two equal ones. Requires out.size() <=
// logits.size(), and no NaN. Does not allocate.
void top_log_probabilities(std::span<const float> logits, std::span<TokenProbability> out);

}  // namespace sluice
