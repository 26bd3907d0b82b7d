// Keeps worker threads off the CPU that their caller runs on, and off each other's.
#pragma once

#include <cstdint>
#include <span>
#include <thread>
#include <vector>

namespace sluice {

// One thread at a time. Changes where our own threads may run, never the caller.
//
// A scheduler that sees two threads on one CPU, one of which rests most of the time, may leave them there
// beside an idle CPU: seen on a virtual machine with 2 CPUs, where two threads then decoded no faster than one.
class Placement {
public:
    // Does nothing where the threads, the caller's included, are more than the fast CPUs of the affinity mask,
    // or the system has no way to say it (elsewhere than on Linux with glibc).
    explicit Placement(std::uint32_t n_threads);

    // Gives each worker CPUs of its own, the caller's not among them. One look at the CPU's number unless the
    // caller has moved. A system that refuses changes nothing.
    void keep_apart(std::span<std::thread> workers);

private:
    std::vector<std::uint32_t> cpus_;  // empty: nothing to do
    int caller_cpu_ = -1;
};

}  // namespace sluice
