#include "base/cpu_count.h"

#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

#include "support/catch.h"

using namespace sluice;

TEST_CASE("cpu count: a number at the beginning of a system's file is read, anything else is not") {
    CHECK(leading_number("0\n") == 0U);
    CHECK(leading_number("0-1\n") == 0U);
    CHECK(leading_number("12,76\n") == 12U);
    CHECK(leading_number("1024") == 1024U);
    CHECK_FALSE(leading_number("").has_value());
    CHECK_FALSE(leading_number("\n").has_value());
    CHECK_FALSE(leading_number("-1\n").has_value());
    CHECK_FALSE(leading_number("none").has_value());
    CHECK_FALSE(leading_number("4294967296").has_value());
}

TEST_CASE("cpu count: a container's quota is rounded up to whole CPUs") {
    CHECK(quota_cpus("200000 100000\n") == 2U);
    CHECK(quota_cpus("150000 100000\n") == 2U);
    CHECK(quota_cpus("1000 100000\n") == 1U);
    CHECK(quota_cpus("0 100000\n") == 1U);
    CHECK(quota_cpus("18446744073709551615 1\n") == UINT32_MAX);
    CHECK_FALSE(quota_cpus("max 100000\n").has_value());
    CHECK_FALSE(quota_cpus("100000 0\n").has_value());
    CHECK_FALSE(quota_cpus("100000").has_value());
    CHECK_FALSE(quota_cpus("100000 ").has_value());
    CHECK_FALSE(quota_cpus("").has_value());
}

TEST_CASE("cpu count: hyper-threads of one core count once") {
    const std::vector<CpuFacts> split = {{0, {}}, {1, {}}, {0, {}}, {1, {}}};
    CHECK(count_fast_cores(split) == 2);
    const std::vector<CpuFacts> adjacent = {{0, {}}, {0, {}}, {2, {}}, {2, {}}, {4, {}}};
    CHECK(count_fast_cores(adjacent) == 3);
    // An affinity mask with only the second hyper-thread of a core.
    const std::vector<CpuFacts> second = {{0, 1024}};
    CHECK(count_fast_cores(second) == 1);
}

TEST_CASE("cpu count: cores slower than half the fastest are left out") {
    const std::vector<CpuFacts> phone = {{0, 160}, {1, 160}, {2, 498}, {3, 512}, {4, 513}, {5, 1024}};
    CHECK(count_fast_cores(phone) == 3);
    const std::vector<CpuFacts> alike = {{0, 446}, {1, 446}};
    CHECK(count_fast_cores(alike) == 2);
    const std::vector<CpuFacts> odd = {{0, 1023}, {1, 512}, {2, 511}};
    CHECK(count_fast_cores(odd) == 2);
    const std::vector<CpuFacts> zero = {{0, 0}, {1, 0}};
    CHECK(count_fast_cores(zero) == 2);
}

TEST_CASE("cpu count: what the system does not tell changes nothing") {
    const std::vector<CpuFacts> no_core = {{0, {}}, {{}, {}}, {0, {}}};
    CHECK(count_fast_cores(no_core) == 3);
    const std::vector<CpuFacts> no_capacity = {{0, 1024}, {1, {}}, {2, 100}};
    CHECK(count_fast_cores(no_capacity) == 3);
    CHECK(count_fast_cores({}) == 0);
}

TEST_CASE("cpu count: there is a CPU to run on, and no more cores than CPUs") {
    CHECK(usable_cpus() >= 1);
    CHECK(usable_cpus() <= schedulable_cpus());
}

#if defined(__linux__)
TEST_CASE("cpu count: an affinity mask of one CPU counts as one") {
    cpu_set_t before;
    REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &before)) ++cpu;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    const std::uint32_t n_schedulable = schedulable_cpus();
    const std::uint32_t n_usable = usable_cpus();
    REQUIRE(sched_setaffinity(0, sizeof before, &before) == 0);
    CHECK(n_schedulable == 1);
    CHECK(n_usable == 1);
}
#endif
