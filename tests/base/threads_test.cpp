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
            if (worker >= workers.size() || last - first > grain) return;
            for (std::size_t i = first; i < last; ++i) seen[i].fetch_add(1);
        });
    REQUIRE(done.ok());
    return {seen.begin(), seen.end()};
}

}  // namespace

TEST_CASE("workers: every index is visited once, whatever the threads and the grain") {
    const Log log;
    for (const std::uint32_t n_threads : {1u, 2u, 5u}) {
        Workers workers(n_threads, log);
        for (const std::size_t count : {0u, 1u, 7u, 1000u}) {
            for (const std::size_t grain : {1u, 3u, 5000u})
                CHECK(visits(workers, count, grain) == std::vector<int>(count, 1));
        }
    }
}

TEST_CASE("workers: many short loops in a row all complete") {
    const Log log;
    Workers workers(3, log);
    for (int i = 0; i < 2000; ++i) REQUIRE(visits(workers, 10, 1) == std::vector<int>(10, 1));
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

TEST_CASE("workers: a cancelled loop stops taking pieces and says so") {
    const Log log;
    Workers workers(2, log);
    CancelFlag cancel = false;
    std::atomic<std::size_t> n_done = 0;
    const Done done = workers.for_each(1000000, 1, cancel, [&](std::size_t, std::size_t, std::uint32_t) {
        if (n_done.fetch_add(1) == 10) cancel = true;
    });
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().status == SLUICE_E_CANCELLED);
    CHECK(n_done < 1000000);
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
    }
    CHECK(host.n_destroyed == 1);
}
