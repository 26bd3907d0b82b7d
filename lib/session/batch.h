// Several conversations in one pass: what each of them needs computed next, generated tokens and parts of
// prompts together, so that every weight is read once for all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "forward/forward.h"
#include "session/session.h"

namespace sluice {

constexpr std::size_t kMaxBatchSessions = 256;

// One thread at a time. step allocates nothing, unless a session fails.
class Batch {
public:
    // Of at most max_sessions sessions over the pass's model; a step computes at most pass->max_tokens()
    // tokens. Borrows the workers.
    // Errors: INVALID_ARGUMENT (max_sessions is 0, over kMaxBatchSessions, or over pass->max_tokens()).
    static Result<std::unique_ptr<Batch>> create(const Config& config, std::unique_ptr<ForwardPass> pass,
                                                 Workers& workers, std::size_t max_sessions);
    // Bytes of a batch without its pass: a row of logits for each session.
    static std::uint64_t planned_size(const Config& config, std::size_t max_sessions);

    // Brings every session to its next event, the one that Session::next would give, with the same bits; one
    // whose prompt is not all computed yet tells its progress. Every session with a chosen token to compute has
    // it computed; prompts share what is left of the pass's tokens equally, and what one does not need goes to
    // the others.
    // outcomes[i] is the event of sessions[i], or the error that it met: STATE, NUMERIC, OUT_OF_MEMORY. Such a
    // session is as before its step, its prompt uncomputed; the others are not touched by it.
    // A cancel is seen at the beginning of a step. Requires distinct sessions, at most max_sessions, as many
    // outcomes, and room in each cache for what its session has queued.
    // Errors, of all sessions that had something to compute: those of ForwardPass::run_batch.
    void step(std::span<Session* const> sessions, std::span<Result<Event>> outcomes);

    std::size_t max_sessions() const { return max_sessions_; }

private:
    struct Member {
        std::size_t index = 0;  // of the session, in what step was given
        Session* session = nullptr;
        std::size_t share = 0;  // tokens that it may compute
        SessionWork work;
        std::span<const float> logits;  // of the work
        bool is_settled = false;        // the step did it or took it back
    };
    class Attempt;

    Batch(std::unique_ptr<ForwardPass> pass, Workers& workers, std::size_t n_logits, std::size_t max_sessions);

    void gather(std::span<Session* const> sessions, std::span<Result<Event>> outcomes);
    void share_out(std::span<Member> prompts);
    void start(std::span<Result<Event>> outcomes);
    void compute(std::span<Result<Event>> outcomes);
    static Result<Event> finish(const Member& member, std::uint64_t nanoseconds);

    std::unique_ptr<ForwardPass> pass_;
    Workers& workers_;
    std::size_t n_logits_;  // of a row
    std::size_t max_sessions_;
    std::size_t n_steps_ = 0;
    std::vector<Member> members_;      // those with something to compute: first those with a chosen token
    std::vector<Sequence> sequences_;  // theirs
    std::vector<float> logits_;
    CancelFlag never_ = false;
};

}  // namespace sluice
