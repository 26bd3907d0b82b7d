#include <limits>
#include <mutex>
#include <thread>

#include "base/threads.h"
#include "support/catch.h"

using namespace sluice;

namespace {

// Counts how often each index of a loop was visited.
std::vector<int> visits(Workers& workers, std::size_t count, std::size_t grain) {
    std::vector<std::atomic<int>> seen(count);
    const CancelFlag cancel = false;
    const Done done =
        workers.for_each(count, grain, cancel, [&](std::size_t first, std::size_t last, std::uint32_t worker) {
            if (worker >= workers.size() || (last - first) / 8 > grain) return;
            for (std::size_t i = first; i < last; ++i) seen[i].fetch_add(1);
        });
    REQUIRE(done.ok());
    return {seen.begin(), seen.end()};
}

// One piece of the share that its first piece belongs to is done by another than who holds the first.
bool is_stolen_from_the_blocked(Workers& workers) {
    std::atomic<bool> is_second_done = false;
    std::thread::id of_first;
    std::thread::id of_second;
    const CancelFlag cancel = false;
    // Two workers: pieces 0 and 1 are the one's, 2 and 3 the other's.
    const Done done = workers.for_each(4, 1, cancel, [&](std::size_t piece, std::size_t, std::uint32_t) {
        if (piece == 0) {
            of_first = std::this_thread::get_id();
            while (!is_second_done) std::this_thread::yield();
        } else if (piece == 1) {
            of_second = std::this_thread::get_id();
            is_second_done = true;
        }
    });
    return done.ok() && of_first != of_second;
}

}  // namespace

TEST_CASE("workers: every index is visited once, whatever the threads and the grain") {
    const Log log;
    for (std::uint32_t n_threads = 1; n_threads <= 8; ++n_threads) {
        Workers workers(n_threads, log);
        CHECK(workers.size() == n_threads);
        for (const std::size_t count : {0U, 1U, 2U, 7U, 8U, 9U, 64U, 1000U}) {
            for (const std::size_t grain : {1U, 2U, 3U, 8U, 125U, 999U, 5000U})
                CHECK(visits(workers, count, grain) == std::vector<int>(count, 1));
        }
    }
}

TEST_CASE("workers: a grain of 0 is taken for 1") {
    const Log log;
    Workers workers(2, log);
    std::atomic<int> n_pieces = 0;
    const CancelFlag cancel = false;
    REQUIRE(workers.for_each(5, 0, cancel, [&](std::size_t, std::size_t, std::uint32_t) { ++n_pieces; }).ok());
    CHECK(n_pieces == 5);
}

TEST_CASE("workers: ranges at the end of the numbers do not wrap") {
    const Log log;
    Workers workers(2, log);
    const std::size_t largest = std::numeric_limits<std::size_t>::max();
    std::atomic<std::size_t> sum = 0;
    const CancelFlag cancel = false;
    const auto add = [&](std::size_t first, std::size_t last, std::uint32_t) { sum += last - first; };
    REQUIRE(workers.for_each(largest, largest / 2, cancel, add).ok());
    CHECK(sum == largest);
}

TEST_CASE("workers: callers on several threads do not disturb each other") {
    const Log log;
    Workers workers(2, log);
    std::vector<std::thread> callers;
    std::atomic<int> n_right = 0;
    for (int i = 0; i < 4; ++i) {
        callers.emplace_back([&] {
            const CancelFlag cancel = false;
            for (int round = 0; round < 200; ++round) {
                std::atomic<std::size_t> sum = 0;
                const Done done =
                    workers.for_each(100, 7, cancel, [&](std::size_t first, std::size_t last, std::uint32_t) {
                        for (std::size_t k = first; k < last; ++k) sum.fetch_add(k);
                    });
                if (done && sum == 4950) ++n_right;
            }
        });
    }
    for (std::thread& caller : callers) caller.join();
    CHECK(n_right == 800);
}

TEST_CASE("workers: a loop inside a loop is done by whoever asks for it") {
    const Log log;
    Workers workers(3, log);
    const CancelFlag cancel = false;
    std::atomic<std::size_t> n_inner = 0;
    std::atomic<int> n_failed = 0;
    const Done done = workers.for_each(20, 1, cancel, [&](std::size_t, std::size_t, std::uint32_t) {
        const auto self = std::this_thread::get_id();
        const Done inner =
            workers.for_each(10, 1, cancel, [&](std::size_t first, std::size_t last, std::uint32_t) {
                if (std::this_thread::get_id() == self) n_inner += static_cast<int>(last - first);
            });
        if (!inner) ++n_failed;
    });
    REQUIRE(done.ok());
    CHECK(n_failed == 0);
    CHECK(n_inner == 200);
}

TEST_CASE("workers: a cancelled loop stops taking pieces and says so") {
    const Log log;
    for (const std::uint32_t n_threads : {1U, 2U, 5U}) {
        Workers workers(n_threads, log);
        CancelFlag cancel = false;
        std::atomic<std::size_t> n_done = 0;
        const Done done = workers.for_each(1000000, 1, cancel, [&](std::size_t, std::size_t, std::uint32_t) {
            if (n_done.fetch_add(1) == 10) cancel = true;
        });
        REQUIRE_FALSE(done.ok());
        CHECK(done.error().status == SLUICE_E_CANCELLED);
        CHECK(n_done < 1000000);
        // What was dropped does not come back.
        CHECK(visits(workers, 100, 3) == std::vector<int>(100, 1));
    }
}

TEST_CASE("workers: a loop that is cancelled before it begins does nothing") {
    const Log log;
    Workers workers(4, log);
    const CancelFlag cancel = true;
    std::atomic<int> n_done = 0;
    const Done done =
        workers.for_each(1000, 1, cancel, [&](std::size_t, std::size_t, std::uint32_t) { ++n_done; });
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().status == SLUICE_E_CANCELLED);
    CHECK(n_done == 0);
}

TEST_CASE("workers: a host's executor is used, and its refusal is an error") {
    struct Host {
        int n_calls = 0;
        bool refuses = false;
        int n_destroyed = 0;
    } host;
    const auto execute = [](void* user, sluice_task_fn task, void* context,
                            std::uint32_t n_tasks) -> std::int32_t {
        auto& its = *static_cast<Host*>(user);
        ++its.n_calls;
        if (its.refuses) return 42;
        for (std::uint32_t i = n_tasks; i > 0; --i) task(context, i - 1);
        return 0;
    };
    {
        Workers workers(4, execute, &host, [](void* user) { ++static_cast<Host*>(user)->n_destroyed; });
        CHECK(visits(workers, 100, 3) == std::vector<int>(100, 1));
        CHECK(host.n_calls == 1);
        host.refuses = true;
        const CancelFlag cancel = false;
        const Done done = workers.for_each(100, 3, cancel, [](std::size_t, std::size_t, std::uint32_t) {});
        REQUIRE_FALSE(done.ok());
        CHECK(done.error().status == SLUICE_E_CALLBACK_FAILED);
        host.refuses = false;
        CHECK(visits(workers, 100, 3) == std::vector<int>(100, 1));
    }
    CHECK(host.n_destroyed == 1);
}

TEST_CASE("workers: an executor that runs some tasks, or none, leaves nothing undone") {
    for (const std::uint32_t n_run : {0U, 1U, 3U}) {
        std::uint32_t n_tasks_run = n_run;
        const auto execute = [](void* user, sluice_task_fn task, void* context, std::uint32_t) -> std::int32_t {
            for (std::uint32_t i = 0; i < *static_cast<std::uint32_t*>(user); ++i) task(context, i);
            return 0;
        };
        Workers workers(4, execute, &n_tasks_run, nullptr);
        CHECK(visits(workers, 50, 1) == std::vector<int>(50, 1));
    }
}

TEST_CASE("workers: a worker goes upwards through its share, then through those of the next") {
    const auto execute = [](void*, sluice_task_fn task, void* context, std::uint32_t) -> std::int32_t {
        task(context, 2);
        return 0;
    };
    Workers workers(4, execute, nullptr, nullptr);
    std::vector<std::size_t> firsts;
    const CancelFlag cancel = false;
    // Pieces 0 to 2, 3 to 5, 6 and 7, 8 and 9 are the shares.
    REQUIRE(workers
                .for_each(29, 3, cancel,
                          [&](std::size_t first, std::size_t, std::uint32_t worker) {
                              if (worker == 2) firsts.push_back(first / 3);
                          })
                .ok());
    CHECK(firsts == std::vector<std::size_t>{6, 7, 8, 9, 0, 1, 2, 3, 4, 5});
}

TEST_CASE("workers: who is held up in a piece loses the others of its share to those who are free") {
    const auto execute = [](void*, sluice_task_fn task, void* context, std::uint32_t n_tasks) -> std::int32_t {
        std::vector<std::thread> threads;
        for (std::uint32_t i = 0; i < n_tasks; ++i) threads.emplace_back([=] { task(context, i); });
        for (std::thread& thread : threads) thread.join();
        return 0;
    };
    Workers hosted(2, execute, nullptr, nullptr);
    for (int i = 0; i < 20; ++i) CHECK(is_stolen_from_the_blocked(hosted));
    // On one CPU the caller works alone, and a piece may not wait for another.
    if (schedulable_cpus() < 2) return;
    const Log log;
    Workers own(2, log);
    for (int i = 0; i < 20; ++i) CHECK(is_stolen_from_the_blocked(own));
}
