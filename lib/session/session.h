// A conversation: tokens are fed or queued, events are pulled. Every call either completes or leaves the
// conversation as it was.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "cache/kv_cache.h"
#include "cache/prefix_tree.h"
#include "forward/forward.h"
#include "session/answer_constraint.h"
#include "session/sampler.h"
#include "session/stop_rules.h"
#include "text/detokenizer.h"
#include "text/tokenizer.h"

namespace sluice {

struct SessionOptions {
    bool skip_special = false;
    bool ignore_stop_tokens = false;
    std::uint64_t max_tokens = 0;      // generated after a feed; 0: as many as fit
    std::uint32_t n_top = 0;           // log-probabilities kept for each token
    SamplingOptions sampling;          // verified
    std::vector<TokenId> stop_tokens;  // besides the tokenizer's
    std::vector<std::string> stop_strings;
};

constexpr std::uint32_t kMaxTopLogProbabilities = 64;

enum class EventKind { kText = 1, kEnd = 2, kProgress = 7 };  // numbered as SLUICE_EVENT_...
enum class EndReason {                                        // numbered as SLUICE_END_...
    kNone = 0,
    kStopToken = 1,
    kStopString = 2,
    kMaxTokens = 3,
    kContextFull = 4,
    kCancelled = 5,
    kConstraint = 6,
};

struct Event {
    EventKind kind = EventKind::kText;
    TokenId token = kNoToken;
    EndReason reason = EndReason::kNone;
    float log_probability = 0.0F;
    std::uint32_t stop_string = 0;
    std::uint64_t n_tokens = 0;  // generated since the last feed
    std::string_view text;       // lives until the next call
    std::uint64_t n_done = 0;    // kProgress: queued tokens that are computed, and that are not
    std::uint64_t n_to_go = 0;
};

struct SessionStatistics {
    std::uint64_t prefill_tokens = 0;
    std::uint64_t prefill_nanoseconds = 0;
    std::uint64_t reused_tokens = 0;  // of prompts, that were not computed again
    std::uint64_t decode_tokens = 0;
    std::uint64_t decode_nanoseconds = 0;
};

// What a session needs computed before it can say more: some of its tokens, in one pass.
struct SessionWork {
    std::span<const TokenId> tokens;
    TokenRole role = TokenRole::kPrompt;
    LogitRows rows = LogitRows::kLast;  // never kAll
};

// Bytes that a session takes, without its cache, its forward pass and what is asked for by options: two rows
// of logits, and the sampler's scores, counts and candidates for each token and its history.
std::uint64_t planned_session_size(const Config& config, std::uint64_t capacity);

// One thread at a time; cancel from any.
class Session {
public:
    // Borrows all but the pass. tokenizer may be null: then there is no text, and no stop strings.
    // Errors: INVALID_ARGUMENT, LIMIT.
    static Result<std::unique_ptr<Session>> create(const Config& config, const Tokenizer* tokenizer,
                                                   std::unique_ptr<ForwardPass> pass, KvCache& cache,
                                                   SessionOptions options);

    // Computes what is queued, then the ids, as one prompt.
    // Errors: INVALID_ARGUMENT (no ids, an id outside the vocabulary), CONTEXT_FULL, CANCELLED, and those of
    // ForwardPass::run.
    Done feed(std::span<const TokenId> ids);

    // Makes the conversation these tokens, as if they were fed to an empty one: what the cache holds of their
    // beginning stays, the rest is computed. The last one is always computed, for its logits, unless they are
    // there. Returns how many were not computed. Errors: as feed, CONTEXT_FULL by the capacity, STATE (tokens
    // are queued); then the conversation is as it was.
    Result<std::uint64_t> prompt(std::span<const TokenId> ids);

    // From now on prompts begin with what the tree has of them, and leave their beginnings in it. Null: no
    // more. The tree outlives the session.
    void share_prefixes(PrefixTree* tree) { prefixes_ = tree; }

    // Goes back to the first `position` of the tokens that are computed; a chosen one that is not is forgotten.
    // Errors: INVALID_ARGUMENT (behind the end), STATE (tokens are queued), CANCELLED, those of
    // ForwardPass::run; then nothing has changed.
    Done rewind(std::uint64_t position);

    // What a session needs to go on in another process, beside its cache and the options that it is made with.
    // Requires that nothing is queued, as restore does.
    std::vector<std::byte> saved() const;
    // Takes the place of the conversation; `bytes` are from saved, or empty for a cache that no session had.
    // Errors: CORRUPT; then nothing has changed. The cache has the capacity of this session's.
    Done restore(KvCache cache, std::span<const std::byte> bytes);

    // Appends ids to a prompt that whoever needs it computes. The conversation is in its old state until then.
    // Errors: INVALID_ARGUMENT and CONTEXT_FULL as feed.
    Done queue(std::span<const TokenId> ids);

    // Errors: STATE, tokens are queued.
    Done check_queue() const;

    // Errors: STATE (nothing fed), NUMERIC, those of ForwardPass::run. A cancel is an END event, and drops what
    // is queued.
    Result<Event> next();

    // The logits the next token is chosen from. Errors: as next, and CANCELLED, which drops nothing.
    Result<std::span<const float>> logits();

    // The parts of next(), for whoever computes several sessions in one pass (batch.h):
    // begin_next; if it gave no event, and has_work, a pass over work() between start and complete or undo,
    // then finish_next; if there is no work, end_next.

    // An event that needs nothing computed: an END, or text that was held back. Errors: STATE.
    Result<std::optional<Event>> begin_next();
    bool has_work() const { return is_chosen_to_do() || !queue_.empty(); }
    // At most max_tokens of its tokens.
    SessionWork work(std::size_t max_tokens) const;
    std::size_t n_queued() const { return queue_.size() - n_done_; }  // and not computed
    KvCache& cache() { return cache_; }
    // Before a pass over work(). Errors: OUT_OF_MEMORY; then nothing has changed.
    Done start(const SessionWork& now);
    // Where the logits of the work are to be before complete, if it asked for some.
    std::span<float> room_for_logits() { return new_logits_; }
    // After it.
    void complete(const SessionWork& done, std::uint64_t nanoseconds);
    // Instead of complete, or when the rest is not to be computed: the conversation and its queue are as before
    // the first work of this prompt.
    void undo();
    // Chooses a token from the logits, or tells the progress of a prompt that is still to be computed.
    // Errors: NUMERIC.
    Result<Event> finish_next();
    // Computes what there is alone, and finishes. Errors: as next.
    Result<Event> end_next();

    // For the token of the last TEXT event; empty before.
    std::span<const TokenProbability> top() const { return top_; }

    void cancel() { cancel_.store(true, std::memory_order_relaxed); }
    void reset();
    // Errors: as create. n_top may not change.
    Done configure(SessionOptions options);

    // Holds answers to a constraint from the next one on, and this one if nothing was chosen of it yet.
    // Errors: STATE (in the middle of an answer).
    Done constrain(AnswerConstraint constraint);

    // The trace of the next feeds; null to stop. `all_logits` keeps the logits of every row.
    void set_trace(std::unique_ptr<Trace> trace, bool all_logits);
    // Of the last feed that was traced; null and empty before.
    const Trace* trace() const { return n_traced_ > 0 ? trace_.get() : nullptr; }
    std::span<const float> traced_logits() const { return traced_logits_; }
    std::size_t n_traced() const { return n_traced_; }

    const SessionStatistics& statistics() const { return statistics_; }
    const SamplingOptions& sampling() const { return sampler_->options(); }
    std::size_t chunk_size() const { return pass_->max_tokens(); }
    std::uint32_t n_top() const { return options_.n_top; }
    std::uint64_t size() const;  // bytes, without the cache

private:
    enum class State {
        kEmpty,   // nothing fed yet
        kReady,   // logits_ are those of the next token
        kBehind,  // the cache holds the conversation; its last token is computed again for logits
        kChosen,  // chosen_ is to be computed before there are logits again
    };

    Session(const Config& config, const Tokenizer* tokenizer, std::unique_ptr<ForwardPass> pass, KvCache& cache,
            std::size_t n_named);

    Done check_ids(std::span<const TokenId> ids) const;
    Done check_prompt(std::span<const TokenId> ids) const;
    class Attempt;
    Done compute_work(std::size_t n_kept, bool is_feed);
    void finish_prompt();
    // The first n_again of ids are computed for the convolutions only.
    Done prefill(std::span<const TokenId> ids, std::size_t n_again = 0);
    void want_marks(std::span<const TokenId> ids, std::size_t n_again);
    void begin_answer();
    Done go_back(std::uint64_t position);
    Done compute_again(const TokenLog& again);
    Done go_on_from(std::uint64_t position, std::span<const TokenId> ids);
    Result<std::uint64_t> adopt_longer(std::span<const TokenId> ids, std::uint64_t n_common);
    void leave_prefixes();
    template <class Change>
    Done change_or_restore(const Change& change);
    Done recall_logits();
    Done find_logits();
    void replay_answer();
    bool is_chosen_to_do() const { return state_ == State::kChosen && !chosen_is_computed_; }
    void take_carried();
    void end_by_stop_string(std::uint32_t which);
    Done check_cancel();
    std::span<const float> candidates() const;  // those of logits_ that may be chosen
    bool is_stop(TokenId id) const;
    Event cancelled();
    Event choose(TokenId id);
    Event end(EndReason reason, TokenId stop_token = kNoToken);
    Event text_event(TokenId id);

    const Config& config_;
    const Tokenizer* tokenizer_;
    std::unique_ptr<ForwardPass> pass_;
    KvCache& cache_;
    TokenId message_begin_ = kNoToken;  // marks are made in front of it
    std::size_t n_named_;  // ids that the tokenizer knows; rows of the embedding above them are padding
    SessionOptions options_;
    std::optional<Sampler> sampler_;
    std::optional<Detokenizer> detokenizer_;
    std::optional<StopStrings> stop_strings_;
    PrefixTree* prefixes_ = nullptr;
    AnswerConstraint constraint_;
    CancelFlag cancel_ = false;

    State state_ = State::kEmpty;
    TokenId chosen_ = kNoToken;
    // The prompt that is not yet a part of the conversation; its first n_done_ tokens are computed. While
    // is_started_, cache_ stands somewhere in it, and can be rolled back to before it.
    std::vector<TokenId> queue_;
    std::size_t n_done_ = 0;
    bool chosen_is_computed_ = false;  // on the way to a prompt's logits
    bool is_started_ = false;
    bool wants_marks_ = false;       // for the rest of the queue
    std::uint64_t nanoseconds_ = 0;  // since it was
    std::optional<Event> end_;       // generation is over until the next feed
    std::uint64_t n_generated_ = 0;
    std::uint64_t n_before_load_ = 0;  // of them, that options_.max_tokens does not count
    std::vector<float> logits_;
    std::vector<float> new_logits_;  // of work that may still be undone
    std::vector<TokenProbability> top_;
    float log_probability_ = 0.0F;
    std::string arrived_;  // text of a token before stop strings are looked for
    std::string text_;     // of the last event
    std::string carried_;  // text that a configuration set free: it comes with the next event
    SessionStatistics statistics_;

    std::unique_ptr<Trace> trace_;
    bool trace_logits_ = false;
    std::size_t n_traced_ = 0;
    std::vector<float> traced_logits_;
};

}  // namespace sluice
