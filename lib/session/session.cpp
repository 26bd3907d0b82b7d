// The conversation's states. A chosen token is computed by the call that needs what comes after it, so its
// text is out before its computation begins.
#include "session/session.h"

#include <algorithm>
#include <chrono>

#include "base/sentence.h"
#include "session/elapsed.h"

namespace sluice {
namespace {

// Text of one token that does not make a string grow: pieces of the vocabulary are far shorter.
constexpr std::size_t kUsualTextSize = 4096;

Done check_stop_tokens(std::span<const TokenId> ids, std::size_t n_tokens) {
    for (const TokenId id : ids) {
        if (id < 0 || static_cast<std::size_t>(id) >= n_tokens) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "stop token ", id, " is outside the vocabulary of ",
                              n_tokens);
        }
    }
    return Nothing{};
}

}  // namespace

std::uint64_t planned_session_size(const Config& config, std::uint64_t capacity) {
    constexpr std::uint64_t kBytesPerToken = 2 * sizeof(float) + 5 * sizeof(float);
    return config.vocabulary_size * kBytesPerToken + capacity * sizeof(TokenId);
}

Session::Session(const Config& config, const Tokenizer* tokenizer, std::unique_ptr<ForwardPass> pass,
                 KvCache& cache, std::size_t n_named)
    : config_(config), tokenizer_(tokenizer), pass_(std::move(pass)), cache_(cache), n_named_(n_named) {}

Result<std::unique_ptr<Session>> Session::create(const Config& config, const Tokenizer* tokenizer,
                                                 std::unique_ptr<ForwardPass> pass, KvCache& cache,
                                                 SessionOptions options) {
    const std::size_t n_rows = config.vocabulary_size;
    const std::size_t n_named = tokenizer == nullptr ? n_rows : std::min(n_rows, tokenizer->size());
    if (options.n_top > kMaxTopLogProbabilities || options.n_top > n_named) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, options.n_top,
                          " log-probabilities for each token are too many");
    }
    std::unique_ptr<Session> session(new Session(config, tokenizer, std::move(pass), cache, n_named));
    session->options_.n_top = options.n_top;
    session->logits_.resize(n_rows);
    session->new_logits_.resize(n_rows);
    session->top_.reserve(options.n_top);
    session->arrived_.reserve(kUsualTextSize);
    session->text_.reserve(kUsualTextSize);
    SLUICE_TRY(session->configure(std::move(options)));
    if (tokenizer != nullptr) session->message_begin_ = tokenizer->find("<|im_start|>");
    if (cache.position() > 0) {
        session->state_ = State::kBehind;
        session->sampler_->accept(cache.tokens());
    }
    return session;
}

Done Session::configure(SessionOptions options) {
    if (options.n_top != options_.n_top) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "the number of log-probabilities is fixed at ",
                          options_.n_top);
    }
    if (tokenizer_ == nullptr && !options.stop_strings.empty()) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "stop strings need a model with a tokenizer");
    }
    SLUICE_TRY(verify_sampling(options.sampling, config_.vocabulary_size));
    SLUICE_TRY(check_stop_tokens(options.stop_tokens, config_.vocabulary_size));
    SLUICE_ASSIGN(stop_strings, StopStrings::create(options.stop_strings));
    // Text that the old rules hold back is judged by the new ones.
    std::string carried = carried_;
    std::optional<std::uint32_t> match;
    if (stop_strings_) {
        std::string held;
        StopStrings(*stop_strings_).finish(held);
        match = stop_strings.push(held, carried);
    }
    if (sampler_) {
        sampler_->configure(options.sampling);
    } else {
        // One more than fits the cache: the last chosen token need not be computed.
        sampler_.emplace(options.sampling, config_.vocabulary_size,
                         static_cast<std::size_t>(cache_.capacity()) + 1);
    }
    stop_strings_.emplace(std::move(stop_strings));
    if (detokenizer_) {
        detokenizer_->set_skip_special(options.skip_special);
    } else if (tokenizer_ != nullptr) {
        detokenizer_.emplace(*tokenizer_, options.skip_special);
    }
    carried_ = std::move(carried);
    if (match) end_by_stop_string(*match);
    options_ = std::move(options);
    return Nothing{};
}

Done Session::check_cancel() {
    if (!cancel_.exchange(false, std::memory_order_relaxed)) return Nothing{};
    return make_error(SLUICE_E_CANCELLED, "cancelled");
}

Done Session::check_ids(std::span<const TokenId> ids) const {
    if (ids.empty()) return make_error(SLUICE_E_INVALID_ARGUMENT, "no tokens to feed");
    for (const TokenId id : ids) {
        if (id < 0 || static_cast<std::uint32_t>(id) >= config_.vocabulary_size) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "token ", id, " is outside the vocabulary of ",
                              config_.vocabulary_size);
        }
    }
    return Nothing{};
}

void Session::begin_answer() {
    state_ = State::kReady;
    end_.reset();
    carried_.clear();
    n_generated_ = 0;
    n_before_load_ = 0;
    if (detokenizer_) detokenizer_->reset();
    stop_strings_->reset();
    constraint_.begin();
}

Done Session::constrain(AnswerConstraint constraint) {
    if (n_generated_ > 0 && !end_)
        return make_error(SLUICE_E_STATE, "a constraint cannot change in the middle of an answer");
    constraint_ = std::move(constraint);
    constraint_.begin();
    return Nothing{};
}

Done Session::prefill(std::span<const TokenId> ids, std::size_t n_again) {
    if (trace_ != nullptr && ids.size() > pass_->max_tokens()) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "a traced feed of ", ids.size(),
                          " tokens is larger than the chunk of ", pass_->max_tokens());
    }
    want_marks(ids, n_again);
    if (trace_ != nullptr) {
        n_traced_ = 0;
        const LogitRows rows = trace_logits_ ? LogitRows::kAll : LogitRows::kLast;
        traced_logits_.resize(trace_logits_ ? ids.size() * config_.vocabulary_size : 0);
        const std::span<float> out = trace_logits_ ? std::span<float>(traced_logits_) : new_logits_;
        SLUICE_TRY(pass_->run(ids, TokenRole::kPrompt, cache_, rows, out, trace_.get(), cancel_));
        if (trace_logits_)
            std::copy(traced_logits_.end() - static_cast<std::ptrdiff_t>(logits_.size()), traced_logits_.end(),
                      new_logits_.begin());
        n_traced_ = ids.size();
        return Nothing{};
    }
    while (!ids.empty()) {
        const std::size_t n_tokens = std::min(ids.size(), pass_->max_tokens());
        const LogitRows rows = n_tokens == ids.size() ? LogitRows::kLast : LogitRows::kNone;
        SLUICE_TRY(
            pass_->run(ids.first(n_tokens), TokenRole::kPrompt, cache_, rows, new_logits_, nullptr, cancel_));
        ids = ids.subspan(n_tokens);
    }
    return Nothing{};
}

Done Session::find_logits() {
    if (has_work()) return compute_work(queue_.size(), false);
    return state_ == State::kBehind ? recall_logits() : Done(Nothing{});
}

Result<std::span<const float>> Session::logits() {
    if (state_ == State::kEmpty && queue_.empty()) return make_error(SLUICE_E_STATE, "nothing was fed yet");
    SLUICE_TRY(check_cancel());
    if (queue_.empty() && is_chosen_to_do() && cache_.room() == 0) {
        return make_error(SLUICE_E_CONTEXT_FULL, "the last token does not fit the cache of ",
                          cache_.capacity());
    }
    SLUICE_TRY(find_logits());
    return std::span<const float>(logits_);
}

std::span<const float> Session::candidates() const {
    // Greedy is what the model computes, whole. A draw must not end in the embedding's padding, whose rows were
    // never trained and have no text.
    return {logits_.data(), options_.sampling.greedy ? logits_.size() : n_named_};
}

bool Session::is_stop(TokenId id) const {
    if (options_.ignore_stop_tokens) return false;
    const auto& more = options_.stop_tokens;
    return (tokenizer_ != nullptr && tokenizer_->is_stop(id)) ||
           std::find(more.begin(), more.end(), id) != more.end();
}

Result<Event> Session::next() {
    SLUICE_ASSIGN(event, begin_next());
    return event ? Result<Event>(*event) : end_next();
}

Result<Event> Session::end_next() {
    const Done done = find_logits();
    if (!done && done.error().status == SLUICE_E_CANCELLED) return cancelled();
    if (!done) return done.error();
    return finish_next();
}

Result<std::optional<Event>> Session::begin_next() {
    text_.clear();
    const bool has_prompt = !queue_.empty();
    if (state_ == State::kEmpty && !has_prompt) return make_error(SLUICE_E_STATE, "nothing was fed yet");
    if (end_ && carried_.empty() && !has_prompt) {
        // What a cancel asked for has happened by itself; it must not hit the next feed.
        cancel_.store(false, std::memory_order_relaxed);
        return end_;
    }
    if (!check_cancel()) return std::optional(cancelled());
    if (has_prompt) return std::optional<Event>();
    if (end_) {
        take_carried();
        return std::optional(text_event(kNoToken));
    }
    if (options_.max_tokens != 0 && n_generated_ - n_before_load_ >= options_.max_tokens) {
        return std::optional(end(EndReason::kMaxTokens));
    }
    if (is_chosen_to_do() && cache_.room() == 0) return std::optional(end(EndReason::kContextFull));
    return std::optional<Event>();
}

Result<Event> Session::finish_next() {
    if (has_work()) {
        return Event{EventKind::kProgress, kNoToken, EndReason::kNone, 0.0F, 0, 0, {}, n_done_, n_queued()};
    }
    SLUICE_ASSIGN(mask, constraint_.mask());
    if (mask != nullptr && mask->n_allowed == 0) return end(EndReason::kConstraint);
    SLUICE_ASSIGN(id, sampler_->choose(candidates(), mask.get()));
    if (is_stop(id)) return end(EndReason::kStopToken, id);
    SLUICE_TRY(constraint_.accept(id));
    return choose(id);
}

Event Session::cancelled() {
    undo();
    queue_.clear();
    return {EventKind::kEnd, kNoToken, EndReason::kCancelled, 0.0F, 0, n_generated_, {}};
}

Event Session::choose(TokenId id) {
    if (options_.n_top > 0) {
        const std::span<const float> logits = candidates();
        top_.resize(options_.n_top);
        top_log_probabilities(logits, top_);
        log_probability_ = log_probability(logits, id);
    }
    sampler_->accept({&id, 1});
    state_ = State::kChosen;
    chosen_ = id;
    ++n_generated_;
    if (!detokenizer_) return text_event(id);
    take_carried();

    arrived_.clear();
    detokenizer_->push(id, arrived_);
    if (const auto which = stop_strings_->push(arrived_, text_)) end_by_stop_string(*which);
    return text_event(id);
}

void Session::end_by_stop_string(std::uint32_t which) {
    end_ = Event{EventKind::kEnd, kNoToken, EndReason::kStopString, 0.0F, which, n_generated_, {}};
    detokenizer_->reset();
    stop_strings_->reset();
}

void Session::take_carried() {
    text_.append(carried_);
    carried_.clear();
}

Event Session::end(EndReason reason, TokenId stop_token) {
    end_ = Event{EventKind::kEnd, stop_token, reason, 0.0F, 0, n_generated_, {}};
    if (detokenizer_) {
        take_carried();
        arrived_.clear();
        detokenizer_->finish(arrived_);
        if (!stop_strings_->push(arrived_, text_)) stop_strings_->finish(text_);
        stop_strings_->reset();
    }
    // Text that was held back comes first; the next call gives the end.
    return text_.empty() ? *end_ : text_event(kNoToken);
}

Event Session::text_event(TokenId id) {
    const float log_probability = id == kNoToken ? 0.0F : log_probability_;
    return {EventKind::kText, id, EndReason::kNone, log_probability, 0, n_generated_, text_};
}

void Session::reset() {
    undo();
    queue_.clear();
    cache_.reset();
    sampler_->reset();
    if (detokenizer_) detokenizer_->reset();
    stop_strings_->reset();
    state_ = State::kEmpty;
    end_.reset();
    carried_.clear();
    n_generated_ = 0;
    n_before_load_ = 0;
    n_traced_ = 0;
    top_.clear();
    cancel_.store(false, std::memory_order_relaxed);
}

void Session::set_trace(std::unique_ptr<Trace> trace, bool all_logits) {
    trace_ = std::move(trace);
    trace_logits_ = all_logits;
    n_traced_ = 0;
    traced_logits_.clear();
}

std::uint64_t Session::size() const {
    return pass_->size() + sampler_->memory() +
           (logits_.capacity() + new_logits_.capacity() + traced_logits_.capacity()) * sizeof(float);
}

}  // namespace sluice
