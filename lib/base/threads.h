// The engine's worker threads: one parallel loop at a time, the caller takes part.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include <sluice/engine.h>

#include "base/log.h"
#include "base/result.h"

namespace sluice {

// A cancellation that a loop looks at before every piece of work. Any thread.
using CancelFlag = std::atomic<bool>;

// Runs loops over independent pieces of work. What a piece computes may not depend on who runs it.
// Any thread: a caller that finds the threads busy with another's loop does its own work alone.
class Workers {
public:
    // n_threads counts the caller; threads that the system refuses are done without, and logged.
    Workers(std::uint32_t n_threads, const Log& log);
    // The host's threads instead of ours.
    Workers(std::uint32_t n_threads, sluice_executor_fn executor, void* user, sluice_destroy_fn destroy);
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    // Threads that may be inside one loop at the same time; `worker` below is less than this.
    std::uint32_t size() const { return n_threads_; }

    // Calls body(first, last, worker) for disjoint ranges [first, last) of at most `grain` that cover
    // [0, count). Returns when all have ended. Does not allocate.
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
        std::size_t count;
        std::size_t grain;
        const CancelFlag* cancel;
        void (*call)(void* context, std::size_t first, std::size_t last, std::uint32_t worker);
        void* context;
    };

    Done run(const Loop& loop);
    Done run_on_executor(const Loop& loop);
    static void take_pieces(const Loop& loop, std::atomic<std::size_t>& next, std::uint32_t worker);
    void serve(std::uint32_t worker);

    std::uint32_t n_threads_ = 1;
    sluice_executor_fn executor_ = nullptr;
    void* executor_user_ = nullptr;
    sluice_destroy_fn executor_destroy_ = nullptr;

    std::mutex turn_;  // held by the caller whose loop the threads run
    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable finished_;
    const Loop* loop_ = nullptr;         // under mutex_
    std::uint64_t generation_ = 0;       // under mutex_
    std::uint32_t n_running_ = 0;        // under mutex_
    bool stopping_ = false;              // under mutex_
    std::atomic<std::size_t> next_ = 0;  // first piece that nobody took
    std::vector<std::thread> threads_;
};

// CPUs that this process may use: the affinity mask, cut by a container's quota. At least 1.
std::uint32_t usable_cpus();

}  // namespace sluice
