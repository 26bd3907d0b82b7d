// The engine's worker threads: one parallel loop at a time, the caller takes part.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

#include <sluice/engine.h>

#include "base/cpu_count.h"
#include "base/log.h"
#include "base/placement.h"
#include "base/result.h"

namespace sluice {

// A cancellation that a loop looks at before every piece of work. Any thread.
using CancelFlag = std::atomic<bool>;

// Runs loops over independent pieces of work. What a piece computes may not depend on who runs it.
// Any thread: a caller that finds the threads busy with another's loop does its own work alone, also one that
// calls from inside a loop.
// Between loops the threads spin for some 0.1 ms, so that a loop soon after costs no system call, then sleep.
// Where there are more threads than CPUs, no more of them are awake than there are CPUs.
class Workers {
public:
    // n_threads counts the caller; threads that the system refuses are done without, and logged, as is a number
    // greater than the machine's.
    Workers(std::uint32_t n_threads, const Log& log);
    // The host's threads instead of ours.
    Workers(std::uint32_t n_threads, sluice_executor_fn executor, void* user, sluice_destroy_fn destroy);
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    // Threads that may be inside one loop at the same time; `worker` below is less than this.
    std::uint32_t size() const { return n_threads_; }

    // Calls body(first, last, worker) for disjoint ranges [first, last) that cover [0, count): one piece of
    // `grain` or up to eight that follow each other; the last piece may be shorter. Each worker goes upwards
    // through an equal share of the pieces, by fewer at a time towards its end, then takes from the shares of
    // those who are behind; the caller waits for nobody who has not begun a range. Returns when all have ended.
    // Does not allocate. The body may not throw, nor wait for another range.
    // Errors: CANCELLED (some ranges were not done), CALLBACK_FAILED (the executor refused).
    template <class Body>
    Done for_each(std::size_t count, std::size_t grain, const CancelFlag& cancel, Body&& body) {
        using Plain = std::remove_reference_t<Body>;
        const Loop loop{count, grain == 0 ? 1 : grain, &cancel,
                        [](void* context, std::size_t first, std::size_t last, std::uint32_t worker) {
                            (*static_cast<Plain*>(context))(first, last, worker);
                        },
                        const_cast<void*>(static_cast<const void*>(&body))};
        return run(loop);
    }

private:
    struct Loop {
        std::size_t count = 0;
        std::size_t grain = 1;
        const CancelFlag* cancel = nullptr;
        void (*call)(void* context, std::size_t first, std::size_t last, std::uint32_t worker) = nullptr;
        void* context = nullptr;

        std::size_t n_pieces() const { return count / grain + (count % grain != 0 ? 1 : 0); }
        void run_pieces(std::size_t piece, std::size_t n_pieces, std::uint32_t worker) const;
    };

    // Two cache lines: processors fetch them in pairs (Intel's optimisation manual, spatial prefetcher), and
    // Apple's lines are that long.
    static constexpr std::size_t kApart = 128;

    // Consecutive pieces [end - n_untaken, end). Below 0 after tries to take from an empty share.
    struct alignas(kApart) Share {
        std::atomic<std::int64_t> n_untaken = 0;
        std::size_t end = 0;
    };

    Done run(const Loop& loop);
    void hand_out(const Loop& loop);
    void take_pieces(std::uint32_t worker);
    std::int64_t drop_pieces();
    void count_done(std::int64_t n_pieces);
    void wait_for_pieces();
    void serve(std::uint32_t worker);
    void wait_for_loop(std::uint64_t seen);
    void park(std::uint64_t seen);
    void wake_for(std::size_t n_pieces);
    void wake_parked(std::uint32_t n_most);

    std::uint32_t n_threads_ = 1;
    std::uint32_t n_cpus_ = 1;
    std::unique_ptr<Share[]> shares_;  // one for each of n_threads_
    std::vector<std::thread> threads_;
    std::optional<Placement> placement_;  // ours, not the executor's; used by the caller that holds is_busy_
    sluice_executor_fn executor_ = nullptr;
    void* executor_user_ = nullptr;
    sluice_destroy_fn executor_destroy_ = nullptr;

    // For the protocol between these see threads.cpp.
    alignas(kApart) std::atomic<bool> is_busy_ = false;  // true while a caller's loop is the one below
    Loop loop_;
    alignas(kApart) std::atomic<std::uint64_t> generation_ = 0;  // counts loops; threads at rest watch it
    std::atomic<bool> is_stopping_ = false;
    alignas(kApart) std::atomic<std::int64_t> n_undone_ = 0;  // pieces of the loop that have not ended
    // Threads asleep and not called; changed under mutex_, as is caller_is_parked_.
    alignas(kApart) std::atomic<std::uint32_t> n_parked_ = 0;
    std::atomic<bool> caller_is_parked_ = false;
    std::mutex mutex_;
    std::uint32_t n_calls_ = 0;  // under mutex_: threads that may get up and have not yet
    std::condition_variable called_;
    std::condition_variable finished_;
};

}  // namespace sluice
