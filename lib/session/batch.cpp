// A step: ask every session what it needs, share the pass's tokens out, one pass, then let every session
// choose.
#include "session/batch.h"

#include <algorithm>
#include <chrono>
#include <new>

#include "base/sentence.h"

namespace sluice {
namespace {

// Where memory runs out, the session it was for has failed, and no other.
template <class Body>
Result<Event> with_memory(const Body& body) {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return Error{SLUICE_E_OUT_OF_MEMORY, "the system has no memory left for a session's text"};
    }
}

}  // namespace

// Members whose work is not settled are taken back: when memory runs out on the way.
class Batch::Attempt {
public:
    explicit Attempt(std::vector<Member>& members) : members_(members) {}
    ~Attempt() {
        for (Member& member : members_) {
            if (!member.is_settled) member.session->undo();
        }
    }
    Attempt(const Attempt&) = delete;
    Attempt& operator=(const Attempt&) = delete;

private:
    std::vector<Member>& members_;
};

Batch::Batch(std::unique_ptr<ForwardPass> pass, Workers& workers, std::size_t n_logits,
             std::size_t max_sessions)
    : pass_(std::move(pass)),
      workers_(workers),
      n_logits_(n_logits),
      max_sessions_(max_sessions),
      logits_(max_sessions * n_logits) {
    members_.reserve(max_sessions);
    sequences_.reserve(max_sessions);
}

Result<std::unique_ptr<Batch>> Batch::create(const Config& config, std::unique_ptr<ForwardPass> pass,
                                             Workers& workers, std::size_t max_sessions) {
    if (max_sessions == 0 || max_sessions > kMaxBatchSessions) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "a batch of ", max_sessions, " sessions: 1 to ",
                          kMaxBatchSessions, " are possible");
    }
    if (max_sessions > pass->max_tokens()) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "a batch of ", max_sessions,
                          " sessions needs room for a token of each, not for ", pass->max_tokens());
    }
    return std::unique_ptr<Batch>(new Batch(std::move(pass), workers, config.vocabulary_size, max_sessions));
}

std::uint64_t Batch::planned_size(const Config& config, std::size_t max_sessions) {
    return std::uint64_t{max_sessions} * config.vocabulary_size * sizeof(float);
}

void Batch::step(std::span<Session* const> sessions, std::span<Result<Event>> outcomes) {
    ++n_steps_;
    gather(sessions, outcomes);
    const Attempt attempt(members_);
    start(outcomes);
    if (!members_.empty()) compute(outcomes);
}

// To members_; the outcome of the others is known already.
void Batch::gather(std::span<Session* const> sessions, std::span<Result<Event>> outcomes) {
    members_.clear();
    std::ptrdiff_t n_generated = 0;
    for (std::size_t i = 0; i < sessions.size(); ++i) {
        Session& session = *sessions[i];
        bool has_work = false;
        outcomes[i] = with_memory([&]() -> Result<Event> {
            SLUICE_ASSIGN(event, session.begin_next());
            if (event) return *event;
            has_work = session.has_work();
            return has_work ? Event{} : session.end_next();
        });
        if (!has_work) continue;
        const bool is_generated = session.work(1).role == TokenRole::kGenerated;
        members_.insert(is_generated ? members_.begin() + n_generated++ : members_.end(),
                        {i, &session, 1, {}, {}, false});
    }
    share_out(std::span(members_).subspan(static_cast<std::size_t>(n_generated)));
    for (Member& member : members_) member.work = member.session->work(member.share);
}

// What generated tokens, and one of each prompt, leave of the pass.
void Batch::share_out(std::span<Member> prompts) {
    const auto n_hungry = [&] {
        return std::count_if(prompts.begin(), prompts.end(),
                             [](const Member& member) { return member.share < member.session->n_queued(); });
    };
    std::size_t left = pass_->max_tokens() - members_.size();
    for (auto n = static_cast<std::size_t>(n_hungry()); n > 0 && left > 0;
         n = static_cast<std::size_t>(n_hungry())) {
        const std::size_t each = std::max<std::size_t>(1, left / n);
        for (std::size_t i = 0; i < prompts.size(); ++i) {
            // What does not divide goes to others at every step.
            Member& member = prompts[(n_steps_ + i) % prompts.size()];
            const std::size_t more = std::min({each, left, member.session->n_queued() - member.share});
            member.share += more;
            left -= more;
        }
    }
}

void Batch::start(std::span<Result<Event>> outcomes) {
    std::erase_if(members_, [&](const Member& member) {
        Done started = member.session->start(member.work);
        if (started) return false;
        outcomes[member.index] = std::move(started).error();
        return true;
    });
}

void Batch::compute(std::span<Result<Event>> outcomes) {
    const auto begin = std::chrono::steady_clock::now();
    sequences_.clear();
    for (const Member& member : members_) {
        const SessionWork& work = member.work;
        sequences_.push_back({work.tokens, work.role, work.rows, &member.session->cache(), {}});
    }
    const Done done = pass_->run_batch(sequences_, logits_, nullptr, never_);
    const auto nanoseconds =
        static_cast<std::uint64_t>(std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count());

    std::span<const float> rows = logits_;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        Member& member = members_[i];
        member.logits = rows.first(member.work.rows == LogitRows::kNone ? 0 : n_logits_);
        rows = rows.subspan(member.logits.size());
        if (!done || sequences_[i].failure) {
            outcomes[member.index] = sequences_[i].failure ? *std::move(sequences_[i].failure) : done.error();
            member.session->undo();
            member.is_settled = true;
        }
    }
    const auto settle = [&](std::size_t first, std::size_t last, std::uint32_t) {
        for (Member& member : std::span(members_).subspan(first, last - first)) {
            if (member.is_settled) continue;
            outcomes[member.index] = with_memory([&] { return finish(member, nanoseconds); });
            member.is_settled = true;
        }
    };
    // Choosing from a whole vocabulary takes a while, and nobody else's choice. What the host's threads would
    // not do is done here.
    if (!workers_.for_each(members_.size(), 1, never_, settle)) settle(0, members_.size(), 0);
}

Result<Event> Batch::finish(const Member& member, std::uint64_t nanoseconds) {
    Session& session = *member.session;
    std::copy(member.logits.begin(), member.logits.end(), session.room_for_logits().begin());
    session.complete(member.work, nanoseconds);
    return session.finish_next();
}

}  // namespace sluice
