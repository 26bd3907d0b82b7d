// Threads between loops: spinning, asleep, on their way, too many, refused.
#include <chrono>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>
#include <fstream>
#endif

#include "base/threads.h"
#include "support/catch.h"

using namespace sluice;

namespace {

// Long enough that threads at rest sleep on any machine but a very slow one; nothing depends on it.
void let_them_park() {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

// The sum of 0 to count - 1 by a loop, or what a wrong loop makes of it.
std::size_t sum_of(Workers& workers, std::size_t count) {
    const CancelFlag cancel = false;
    std::atomic<std::size_t> sum = 0;
    const Done done =
        workers.for_each(count, 1, cancel, [&](std::size_t first, std::size_t last, std::uint32_t) {
            for (std::size_t i = first; i < last; ++i) sum.fetch_add(i, std::memory_order_relaxed);
        });
    return done.ok() ? sum.load() : 0;
}

// Log lines of level info and above, "LEVEL TEXT".
struct Lines {
    std::vector<std::string> lines;
    Log log{SLUICE_LOG_INFO,
            [](void* user, std::int32_t level, const char* text, std::uint64_t) {
                static_cast<Lines*>(user)->lines.push_back(std::to_string(level) + " " + text);
            },
            this, nullptr};
};

}  // namespace

TEST_CASE("workers: thousands of tiny loops back to back all complete") {
    const Log log;
    for (std::uint32_t n_threads = 1; n_threads <= 8; ++n_threads) {
        Workers workers(n_threads, log);
        int n_wrong = 0;
        for (int i = 0; i < 3000; ++i) n_wrong += sum_of(workers, 10) == 45 ? 0 : 1;
        CHECK(n_wrong == 0);
    }
}

TEST_CASE("workers: what the pieces wrote is seen by the caller, and by the pieces of the next loop") {
    const Log log;
    Workers workers(4, log);
    const CancelFlag cancel = false;
    std::vector<int> cells(64, 0);  // plain memory: a race is the thread sanitizer's to find
    for (int round = 0; round < 2000; ++round) {
        // Piece i reads what another piece wrote in the round before.
        std::vector<int> next(64, 0);
        REQUIRE(workers
                    .for_each(64, 3, cancel,
                              [&](std::size_t first, std::size_t last, std::uint32_t) {
                                  for (std::size_t i = first; i < last; ++i) next[i] = cells[63 - i] + 1;
                              })
                    .ok());
        cells = next;
    }
    CHECK(cells == std::vector<int>(64, 2000));
}

TEST_CASE("workers: loops after the threads went to sleep complete") {
    const Log log;
    for (const std::uint32_t n_threads : {2U, 3U, 8U}) {
        Workers workers(n_threads, log);
        for (int i = 0; i < 20; ++i) {
            let_them_park();
            REQUIRE(sum_of(workers, 3) == 3);
            REQUIRE(sum_of(workers, 100) == 4950);
        }
    }
}

TEST_CASE("workers: loops at about the time the threads go to sleep complete") {
    const Log log;
    Workers workers(2, log);
    for (int i = 0; i < 300; ++i) {
        std::this_thread::sleep_for(std::chrono::microseconds(i));
        REQUIRE(sum_of(workers, 5) == 10);
    }
}

TEST_CASE("workers: a caller that waits long for the last piece is woken") {
    const Log log;
    Workers workers(2, log);
    const CancelFlag cancel = false;
    for (int i = 0; i < 20; ++i) {
        std::atomic<int> n_done = 0;
        REQUIRE(workers
                    .for_each(2, 1, cancel,
                              [&](std::size_t, std::size_t, std::uint32_t worker) {
                                  if (worker != 0) let_them_park();
                                  ++n_done;
                              })
                    .ok());
        REQUIRE(n_done == 2);
    }
}

TEST_CASE("workers: they end while their threads start, spin and sleep") {
    const Log log;
    for (const std::uint32_t n_threads : {1U, 2U, 8U}) {
        for (int i = 0; i < 20; ++i) {
            { const Workers starting(n_threads, log); }
            {
                Workers spinning(n_threads, log);
                CHECK(sum_of(spinning, 10) == 45);
            }
            {
                const Workers asleep(n_threads, log);
                let_them_park();
            }
        }
    }
}

TEST_CASE("workers: more threads than CPUs is said in the log") {
    Lines lines;
    const std::uint32_t n_cpus = schedulable_cpus();
    { const Workers workers(1, lines.log); }
    CHECK(lines.lines.empty());
    Workers workers(n_cpus + 1, lines.log);
    CHECK(workers.size() == n_cpus + 1);
    REQUIRE(lines.lines.size() == 1);
    CHECK(lines.lines[0].find(std::to_string(SLUICE_LOG_WARNING) + " " + std::to_string(n_cpus + 1) +
                              " threads are more than the " + std::to_string(n_cpus) + " CPUs") == 0);
    CHECK(sum_of(workers, 100) == 4950);
}

#if defined(__linux__)
TEST_CASE("workers: on an affinity mask of one CPU loops complete, and the log tells") {
    cpu_set_t before;
    REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &before)) ++cpu;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    Lines lines;
    std::size_t n_right = 0;
    {
        Workers workers(4, lines.log);
        for (int i = 0; i < 500; ++i) n_right += sum_of(workers, 10) == 45 ? 1 : 0;
        let_them_park();
        n_right += sum_of(workers, 100) == 4950 ? 1 : 0;
    }
    REQUIRE(sched_setaffinity(0, sizeof before, &before) == 0);
    CHECK(n_right == 501);
    REQUIRE(lines.lines.size() == 1);
    CHECK(lines.lines[0].find("4 threads are more than the 1 CPUs") != std::string::npos);
}

// A sanitizer's own memory would not fit under the limit either.
#if !defined(SLUICE_SLOW_BUILD)
TEST_CASE("workers: threads that the system refuses are done without, and the log tells") {
    std::size_t n_pages = 0;
    std::ifstream("/proc/self/statm") >> n_pages;
    REQUIRE(n_pages > 0);
    rlimit before{};
    REQUIRE(getrlimit(RLIMIT_AS, &before) == 0);
    // Room for the stacks of a few threads, not for 200: 8 MiB each by default.
    rlimit low = before;
    low.rlim_cur = n_pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + (std::size_t{100} << 20);
    REQUIRE(setrlimit(RLIMIT_AS, &low) == 0);
    Lines lines;
    std::uint32_t size = 0;
    bool is_right = false;
    {
        Workers workers(200, lines.log);
        size = workers.size();
        is_right = sum_of(workers, 1000) == 499500;
    }
    REQUIRE(setrlimit(RLIMIT_AS, &before) == 0);
    CHECK(size > 1);
    CHECK(size < 200);
    CHECK(is_right);
    REQUIRE_FALSE(lines.lines.empty());
    CHECK(lines.lines[0].find("the system refused thread " + std::to_string(size + 1) + " of 200") !=
          std::string::npos);
}
#endif
#endif
