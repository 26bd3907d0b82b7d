// What a session has to compute: its chosen token and the prompt that is queued, in one pass or in many.
#include <algorithm>
#include <chrono>

#include "base/sentence.h"
#include "session/elapsed.h"
#include "session/session.h"

namespace sluice {

Done Session::check_prompt(std::span<const TokenId> ids) const {
    SLUICE_TRY(check_ids(ids));
    const std::uint64_t n_tokens = ids.size() + n_queued() + (is_chosen_to_do() ? 1 : 0);
    if (n_tokens <= cache_.room()) return Nothing{};
    return make_error(SLUICE_E_CONTEXT_FULL, n_tokens, " tokens do not fit: ", cache_.position(), " of ",
                      cache_.capacity(), " are taken");
}

Done Session::queue(std::span<const TokenId> ids) {
    SLUICE_TRY(check_prompt(ids));
    queue_.insert(queue_.end(), ids.begin(), ids.end());
    wants_marks_ = true;
    return Nothing{};
}

Done Session::feed(std::span<const TokenId> ids) {
    SLUICE_TRY(check_prompt(ids));
    if (trace_ != nullptr && (n_queued() > 0 || ids.size() > pass_->max_tokens())) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "a traced feed of ", n_queued(), " queued and ",
                          ids.size(), " new tokens is more than a chunk of ", pass_->max_tokens(), " new ones");
    }
    SLUICE_TRY(check_cancel());

    const std::size_t n_before = queue_.size();
    queue_.insert(queue_.end(), ids.begin(), ids.end());
    wants_marks_ = true;
    return compute_work(n_before, true);
}

SessionWork Session::work(std::size_t max_tokens) const {
    if (is_chosen_to_do()) {
        return {{&chosen_, 1}, TokenRole::kGenerated, queue_.empty() ? LogitRows::kLast : LogitRows::kNone};
    }
    const std::size_t count = std::min(n_queued(), max_tokens);
    return {{queue_.data() + n_done_, count},
            TokenRole::kPrompt,
            count == n_queued() ? LogitRows::kLast : LogitRows::kNone};
}

Done Session::start(const SessionWork& now) {
    SLUICE_TRY(cache_.make_room(now.tokens.size()));
    if (!is_started_) {
        cache_.begin();
        nanoseconds_ = 0;
        is_started_ = true;
    }
    if (wants_marks_ && now.role == TokenRole::kPrompt) {
        want_marks(std::span(queue_).subspan(n_done_), 0);
        wants_marks_ = false;
    }
    return Nothing{};
}

void Session::undo() {
    if (!is_started_) return;
    cache_.roll_back();
    n_done_ = 0;
    chosen_is_computed_ = false;
    is_started_ = false;
    wants_marks_ = true;
}

void Session::complete(const SessionWork& done, std::uint64_t nanoseconds) {
    nanoseconds_ += nanoseconds;
    if (done.rows == LogitRows::kLast) std::swap(logits_, new_logits_);
    if (done.role == TokenRole::kPrompt) {
        n_done_ += done.tokens.size();
        if (n_queued() == 0) finish_prompt();
        return;
    }
    if (!queue_.empty()) {
        chosen_is_computed_ = true;
        return;
    }
    state_ = State::kReady;
    is_started_ = false;
    ++statistics_.decode_tokens;
    statistics_.decode_nanoseconds += nanoseconds_;
}

void Session::finish_prompt() {
    statistics_.prefill_tokens += queue_.size() + (chosen_is_computed_ ? 1 : 0);
    statistics_.prefill_nanoseconds += nanoseconds_;
    sampler_->accept(queue_);
    queue_.clear();
    n_done_ = 0;
    chosen_is_computed_ = false;
    is_started_ = false;
    begin_answer();
}

// Takes the session back to before its work, and its queue to the first n_kept tokens, unless the work is kept;
// also when memory runs out on the way.
class Session::Attempt {
public:
    Attempt(Session& session, std::size_t n_kept) : session_(&session), n_kept_(n_kept) {}
    ~Attempt() {
        if (session_ == nullptr) return;
        session_->undo();
        session_->queue_.resize(n_kept_);
    }
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;
    void keep() { session_ = nullptr; }

private:
    Session* session_;
    std::size_t n_kept_;
};

// All that there is, with the session's own pass.
Done Session::compute_work(std::size_t n_kept, bool is_feed) {
    Attempt attempt(*this, n_kept);
    while (has_work()) {
        const auto begin = std::chrono::steady_clock::now();
        const SessionWork now = work(pass_->max_tokens());
        SLUICE_TRY(start(now));
        const bool is_traced = is_feed && trace_ != nullptr && now.role == TokenRole::kPrompt;
        Done done = is_traced
                        ? prefill(now.tokens)
                        : pass_->run(now.tokens, now.role, cache_, now.rows, new_logits_, nullptr, cancel_);
        if (!done) {
            cancel_.store(false, std::memory_order_relaxed);
            return done;
        }
        complete(now, nanoseconds_since(begin));
    }
    attempt.keep();
    return Nothing{};
}

}  // namespace sluice
