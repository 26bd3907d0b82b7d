// Threads that sleep on a condition variable between loops. Pieces are taken from one counter, so a slow
// or busy core takes fewer of them; who takes which piece never changes a result.
#include "base/threads.h"

#include <algorithm>
#include <cstdio>
#include <system_error>

#if defined(__linux__)
#include <sched.h>
#include <unistd.h>
#endif

#include "base/sentence.h"

namespace sluice {

Workers::Workers(std::uint32_t n_threads, const Log& log) {
    const std::uint32_t wanted = std::max(1U, n_threads);
    threads_.reserve(wanted - 1);
    for (std::uint32_t worker = 1; worker < wanted; ++worker) {
        // The wall around std::thread: a system that refuses a thread says so by an exception. None may leave
        // this constructor, since threads that already run would then end the process.
        try {
            threads_.emplace_back([this, worker] { serve(worker); });
        } catch (const std::exception&) {  // std::system_error, or no memory for what starts a thread
            break;
        }
    }
    n_threads_ = static_cast<std::uint32_t>(threads_.size()) + 1;
    if (n_threads_ == wanted) return;
    try {
        log.warning(sentence("the system refused thread ", n_threads_ + 1, " of ", wanted, "; going on with ",
                             n_threads_));
    } catch (const std::bad_alloc&) {
        return;  // no memory for a line that only informs
    }
}

Workers::Workers(std::uint32_t n_threads, sluice_executor_fn executor, void* user, sluice_destroy_fn destroy)
    : n_threads_(std::max(1U, n_threads)),
      executor_(executor),
      executor_user_(user),
      executor_destroy_(destroy) {}

Workers::~Workers() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    if (executor_destroy_ != nullptr) executor_destroy_(executor_user_);
}

void Workers::take_pieces(const Loop& loop, std::atomic<std::size_t>& next, std::uint32_t worker) {
    while (!loop.cancel->load(std::memory_order_relaxed)) {
        const std::size_t first = next.fetch_add(loop.grain, std::memory_order_relaxed);
        if (first >= loop.count) return;
        loop.call(loop.context, first, std::min(loop.count, first + loop.grain), worker);
    }
}

Done Workers::run(const Loop& loop) {
    const std::unique_lock turn(turn_, std::try_to_lock);
    const bool alone = n_threads_ == 1 || loop.count <= loop.grain || !turn.owns_lock();
    if (alone) {
        std::atomic<std::size_t> next = 0;
        take_pieces(loop, next, 0);
    } else if (executor_ != nullptr) {
        SLUICE_TRY(run_on_executor(loop));
    } else {
        {
            const std::lock_guard lock(mutex_);
            next_.store(0, std::memory_order_relaxed);
            loop_ = &loop;
            n_running_ = static_cast<std::uint32_t>(threads_.size());
            ++generation_;
        }
        wake_.notify_all();
        take_pieces(loop, next_, 0);
        std::unique_lock lock(mutex_);
        finished_.wait(lock, [this] { return n_running_ == 0; });
    }
    if (loop.cancel->load(std::memory_order_relaxed)) return make_error(SLUICE_E_CANCELLED, "cancelled");
    return Nothing{};
}

Done Workers::run_on_executor(const Loop& loop) {
    struct Shared {
        const Loop& loop;
        std::atomic<std::size_t> next = 0;
    } shared{loop};
    const auto task = [](void* context, std::uint32_t index) {
        auto& its = *static_cast<Shared*>(context);
        take_pieces(its.loop, its.next, index);
    };
    const std::int32_t answer = executor_(executor_user_, task, &shared, n_threads_);
    if (answer != 0) return make_error(SLUICE_E_CALLBACK_FAILED, "the host's executor answered ", answer);
    // An executor that ran no task would leave work undone: finish it here.
    take_pieces(loop, shared.next, 0);
    return Nothing{};
}

void Workers::serve(std::uint32_t worker) {
    std::uint64_t seen = 0;
    std::unique_lock lock(mutex_);
    while (true) {
        wake_.wait(lock, [&] { return stopping_ || generation_ != seen; });
        if (stopping_) return;
        seen = generation_;
        const Loop& loop = *loop_;
        lock.unlock();
        take_pieces(loop, next_, worker);
        lock.lock();
        if (--n_running_ == 0) finished_.notify_one();
    }
}

std::uint32_t usable_cpus() {
    std::uint32_t n_cpus = std::max(1U, std::thread::hardware_concurrency());
#if defined(__linux__)
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) == 0)
        n_cpus = static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&mask)));
    // "QUOTA PERIOD" in microseconds, or "max PERIOD" (Linux, Documentation/admin-guide/cgroup-v2).
    if (std::FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "re"); file != nullptr) {
        char text[64] = {};
        const std::size_t size = std::fread(text, 1, sizeof text - 1, file);
        std::fclose(file);
        std::uint64_t quota = 0;
        std::uint64_t period = 0;
        const char* end = text + size;
        const auto first = std::from_chars(text, end, quota);
        if (first.ec == std::errc{} && first.ptr != end &&
            std::from_chars(first.ptr + 1, end, period).ec == std::errc{} && period > 0) {
            const std::uint64_t whole = std::max<std::uint64_t>(1, (quota + period - 1) / period);
            n_cpus = static_cast<std::uint32_t>(std::min<std::uint64_t>(n_cpus, whole));
        }
    }
#endif
    return n_cpus;
}

}  // namespace sluice
