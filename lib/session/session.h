// A conversation: tokens are fed, events are pulled. Every call either completes or leaves the cache and
// the conversation as they were.
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

enum class EventKind { kText = 1, kEnd = 2 };  // numbered as SLUICE_EVENT_...
enum class EndReason {                         // numbered as SLUICE_END_...
    kNone = 0,
    kStopToken = 1,
    kStopString = 2,
    kMaxTokens = 3,
    kContextFull = 4,
    kCancelled = 5,
};

struct Event {
    EventKind kind = EventKind::kText;
    TokenId token = kNoToken;
    EndReason reason = EndReason::kNone;
    float log_probability = 0.0F;
    std::uint32_t stop_string = 0;
    std::uint64_t n_tokens = 0;  // generated since the last feed
    std::string_view text;       // lives until the next call
};

struct SessionStatistics {
    std::uint64_t prefill_tokens = 0;
    std::uint64_t prefill_nanoseconds = 0;
    std::uint64_t reused_tokens = 0;  // of prompts, that were not computed again
    std::uint64_t decode_tokens = 0;
    std::uint64_t decode_nanoseconds = 0;
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

    // Errors: INVALID_ARGUMENT (no ids, an id outside the vocabulary), CONTEXT_FULL, CANCELLED, and those of
    // ForwardPass::run.
    Done feed(std::span<const TokenId> ids);

    // Makes the conversation these tokens, as if they were fed to an empty one: what the cache holds of their
    // beginning stays, the rest is computed. The last one is always computed, for its logits, unless they are
    // there. Returns how many were not computed. Errors: as feed, CONTEXT_FULL by the capacity; then the
    // conversation is as it was.
    Result<std::uint64_t> prompt(std::span<const TokenId> ids);

    // From now on prompts begin with what the tree has of them, and leave their beginnings in it. Null: no
    // more. The tree outlives the session.
    void share_prefixes(PrefixTree* tree) { prefixes_ = tree; }

    // Goes back to the first `position` of the tokens that are computed; a chosen one that is not is forgotten.
    // Errors: INVALID_ARGUMENT (behind the end), CANCELLED, those of ForwardPass::run; then nothing has
    // changed.
    Done rewind(std::uint64_t position);

    // What a session needs to go on in another process, beside its cache and the options that it is made with.
    std::vector<std::byte> saved() const;
    // Takes the place of the conversation; `bytes` are from saved, or empty for a cache that no session had.
    // Errors: CORRUPT; then nothing has changed. The cache has the capacity of this session's.
    Done restore(KvCache cache, std::span<const std::byte> bytes);

    // Errors: STATE (nothing fed), NUMERIC, those of ForwardPass::run. A cancel is an END event.
    Result<Event> next();

    // The logits the next token is chosen from. Errors: as next, and CANCELLED.
    Result<std::span<const float>> logits();

    // For the token of the last TEXT event; empty before.
    std::span<const TokenProbability> top() const { return top_; }

    void cancel() { cancel_.store(true, std::memory_order_relaxed); }
    void reset();
    // Errors: as create. n_top may not change.
    Done configure(SessionOptions options);

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
    Done prefill(std::span<const TokenId> ids);
    void want_marks(std::span<const TokenId> ids);
    void begin_answer();
    Done go_back(std::uint64_t position);
    Result<std::uint64_t> adopt_longer(std::span<const TokenId> ids, std::uint64_t n_common);
    void leave_prefixes();
    template <class Change>
    Done change_or_restore(const Change& change);
    Done recall_logits();
    Done find_logits();
    void replay_answer();
    void take_carried();
    void end_by_stop_string(std::uint32_t which);
    Done compute_chosen();
    Done check_cancel();
    std::span<const float> candidates() const;  // those of logits_ that may be chosen
    bool is_stop(TokenId id) const;
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
    CancelFlag cancel_ = false;

    State state_ = State::kEmpty;
    TokenId chosen_ = kNoToken;
    std::optional<Event> end_;  // generation is over until the next feed
    std::uint64_t n_generated_ = 0;
    std::uint64_t n_before_load_ = 0;  // of them, that options_.max_tokens does not count
    std::vector<float> logits_;
    std::vector<float> new_logits_;  // of a feed that may still fail
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
