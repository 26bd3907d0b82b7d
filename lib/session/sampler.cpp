// The steps in the order that sluice/session.h promises: bias, penalties, temperature, cuts, one draw.
#include "session/sampler.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/sentence.h"
#include "session/best_tokens.h"
#include "session/saturate.h"

namespace sluice {
namespace {

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

// Up to here a heap finds the top k in one pass over the logits; above, a partial sort of all is cheaper.
constexpr std::size_t kMaxHeapSize = 1024;

bool uses_heap(const SamplingOptions& options) {
    return options.top_k > 0 && static_cast<std::size_t>(options.top_k) <= kMaxHeapSize;
}

// Errors: NUMERIC.
Done verify_logits(std::span<const float> logits) {
    std::uint32_t n_bad = 0;
    std::uint32_t n_above = 0;
    for (const float logit : logits) {  // without a branch, so that it vectorises
        n_bad += logit <= std::numeric_limits<float>::max() ? 0U : 1U;
        n_above += logit >= std::numeric_limits<float>::lowest() ? 1U : 0U;
    }
    if (n_bad > 0) {
        for (std::size_t i = 0; i < logits.size(); ++i) {
            if (logits[i] <= std::numeric_limits<float>::max()) continue;
            return make_error(SLUICE_E_NUMERIC, "the logit of token ", i, " is ", logits[i]);
        }
    }
    if (n_above == 0) return make_error(SLUICE_E_NUMERIC, "none of ", logits.size(), " logits is finite");
    return Nothing{};
}

// The highest score; in lanes, since the compiler may not reorder a maximum of floats. Requires no NaN.
float highest_of(std::span<const float> scores) {
    std::array<float, 16> lanes;
    lanes.fill(kForbidden);
    std::size_t i = 0;
    for (; i + lanes.size() <= scores.size(); i += lanes.size()) {
        for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
            lanes[lane] = scores[i + lane] > lanes[lane] ? scores[i + lane] : lanes[lane];
        }
    }
    for (; i < scores.size(); ++i) lanes[0] = std::max(lanes[0], scores[i]);
    return *std::max_element(lanes.begin(), lanes.end());
}

}  // namespace

Sampler::Sampler(SamplingOptions options, std::size_t n_tokens, std::size_t capacity)
    : options_(std::move(options)),
      capacity_(capacity),
      history_(n_tokens, capacity),
      random_(options_.seed),
      scores_(n_tokens) {
    history_.set_window(static_cast<std::size_t>(options_.penalty_window));
    dry_ = make_dry_penalty(options_);
    reserve_candidates(options_);
}

void Sampler::accept(std::span<const TokenId> ids) {
    for (const TokenId id : ids) history_.append(id);
}

void Sampler::truncate(std::size_t n) {
    history_.truncate(n);
}

void Sampler::reset() {
    history_.truncate(0);
    random_ = Random(options_.seed);
}

void Sampler::configure(SamplingOptions options) {
    DryPenalty dry = make_dry_penalty(options);
    reserve_candidates(options);
    history_.set_window(static_cast<std::size_t>(options.penalty_window));
    if (options.seed != options_.seed) random_ = Random(options.seed);
    dry_ = std::move(dry);
    options_ = std::move(options);
}

Result<TokenId> Sampler::choose(std::span<const float> logits, const grammar::TokenMask* mask) {
    logits = logits.first(std::min(logits.size(), scores_.size()));
    SLUICE_TRY(verify_logits(logits));
    std::copy(logits.begin(), logits.end(), scores_.begin());
    std::fill(scores_.begin() + static_cast<std::ptrdiff_t>(logits.size()), scores_.end(), kForbidden);
    adjust_scores();
    if (mask != nullptr) apply(*mask);

    const float highest = highest_of(scores_);
    if (highest == kForbidden) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "the ", options_.biases.size(),
                          " logit biases forbid every token that the model ",
                          mask != nullptr ? "and the constraint allow" : "allows");
    }
    if (options_.greedy) {
        return static_cast<TokenId>(std::find(scores_.begin(), scores_.end(), highest) - scores_.begin());
    }

    find_candidates(highest);
    weigh(candidates_, options_.temperature);
    if (options_.typical_p < 1.0F) keep_typical(candidates_, options_.typical_p);
    if (options_.top_p < 1.0F) keep_top_p(candidates_, options_.top_p);
    if (options_.min_p > 0.0F) keep_min_p(candidates_, options_.min_p);
    return draw(candidates_, random_.next_fraction());
}

std::size_t Sampler::memory() const {
    return options_.biases.capacity() * sizeof(LogitBias) + options_.dry_breakers.capacity() * sizeof(TokenId) +
           history_.memory() + dry_.memory() + scores_.capacity() * sizeof(float) +
           best_.capacity() * sizeof(TokenProbability) + candidates_.capacity() * sizeof(Candidate);
}

DryPenalty Sampler::make_dry_penalty(const SamplingOptions& options) const {
    const DryOptions dry{options.dry_multiplier, options.dry_base,
                         static_cast<std::size_t>(options.dry_allowed_length),
                         static_cast<std::size_t>(options.dry_window)};
    return DryPenalty(dry, options.dry_breakers, scores_.size(), capacity_);
}

void Sampler::reserve_candidates(const SamplingOptions& options) {
    if (options.greedy) return;
    if (uses_heap(options)) {
        const std::size_t k = std::min(static_cast<std::size_t>(options.top_k), scores_.size());
        best_.reserve(k);
        candidates_.reserve(k);
    } else {
        candidates_.reserve(scores_.size());
    }
}

void Sampler::adjust_scores() {
    for (const LogitBias& bias : options_.biases) {
        float& score = scores_[static_cast<std::size_t>(bias.id)];
        score = saturate(static_cast<double>(score) + bias.bias);
    }
    const double repetition = options_.repetition_penalty;
    const double frequency = options_.frequency_penalty;
    const double presence = options_.presence_penalty;
    if (repetition != 1.0 || frequency != 0.0 || presence != 0.0) {
        for (const TokenId id : history_.distinct()) {
            float& score = scores_[static_cast<std::size_t>(id)];
            // CTRL (Keskar et al., arXiv 1909.05858) divides; a negative logit would rise by that.
            double adjusted = score > 0.0F ? score / repetition : score * repetition;
            adjusted -= frequency * history_.count(id) + presence;
            score = saturate(adjusted);
        }
    }
    dry_.apply(history_.ids(), scores_);
}

// A word of the mask at a time: where it forbids or allows all of its tokens nobody looks at them.
void Sampler::apply(const grammar::TokenMask& mask) {
    constexpr std::size_t kBits = 64;
    for (std::size_t begin = 0; begin < scores_.size(); begin += kBits) {
        const std::size_t end = std::min(begin + kBits, scores_.size());
        const std::uint64_t word = begin / kBits < mask.words.size() ? mask.words[begin / kBits] : 0;
        if (word == ~std::uint64_t{0}) continue;
        for (std::size_t i = begin; i < end; ++i) {
            if ((word >> (i - begin) & 1) == 0) scores_[i] = kForbidden;
        }
    }
}

void Sampler::find_candidates(float highest) {
    candidates_.clear();
    if (uses_heap(options_)) {
        best_.resize(std::min(static_cast<std::size_t>(options_.top_k), scores_.size()));
        find_best(scores_, best_);
        std::sort(best_.begin(), best_.end(),
                  [](const TokenProbability& a, const TokenProbability& b) { return a.id < b.id; });
        for (const TokenProbability& token : best_) {
            if (token.log_probability != kForbidden)
                candidates_.push_back({token.id, token.log_probability, 0.0});
        }
        return;
    }
    double lowest = kForbidden;
    if (options_.top_k == 0 && options_.typical_p == 1.0F && options_.top_p == 1.0F && options_.min_p > 0.0F) {
        // min-p comes first then, and e^x <= 1 / (1 - x) for x <= 0 shows without any exponential that it
        // drops what lies below; the margin is for rounding.
        lowest = highest + (1.0 - 1.0 / options_.min_p - 1e-6) * options_.temperature;
    }
    for (std::size_t i = 0; i < scores_.size(); ++i) {
        const float score = scores_[i];
        if (score == kForbidden || score < lowest) continue;
        candidates_.push_back({static_cast<TokenId>(i), score, 0.0});
    }
    if (options_.top_k > 0) keep_top_k(candidates_, static_cast<std::size_t>(options_.top_k));
}

}  // namespace sluice
