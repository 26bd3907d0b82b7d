// The operating system, POSIX. Ctrl-C is waited for on a thread: what it sets off may then do anything, which
// a signal handler may not.
#include "host.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <ctime>
#include <mutex>
#include <thread>

namespace command {

bool stdin_is_terminal() {
    return isatty(STDIN_FILENO) == 1;
}
bool stdout_is_terminal() {
    return isatty(STDOUT_FILENO) == 1;
}
bool stderr_is_terminal() {
    return isatty(STDERR_FILENO) == 1;
}

void use_binary_streams() {}

std::ptrdiff_t read_some(char* bytes, std::size_t size) {
    for (;;) {
        const ssize_t n = read(STDIN_FILENO, bytes, size);
        if (n >= 0 || errno != EINTR) return n;
    }
}

void survive_file_size_limit() {
    signal(SIGXFSZ, SIG_IGN);
}

std::int64_t local_time() {
    const std::time_t now = std::time(nullptr);
    std::tm local = {};
    if (localtime_r(&now, &local) == nullptr) return now;
    return std::int64_t{now} + local.tm_gmtoff;
}

std::uint64_t peak_memory() {
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) != 0 || usage.ru_maxrss < 0) return 0;
#if defined(__APPLE__)
    return static_cast<std::uint64_t>(usage.ru_maxrss);
#else
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
#endif
}

namespace {

// SIGINT, and SIGUSR1 with which the destructor wakes the waiting thread.
sigset_t awaited_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);
    return signals;
}

void end_by_interrupt() {
    sigset_t interrupt;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    signal(SIGINT, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &interrupt, nullptr);
    raise(SIGINT);
}

}  // namespace

struct Interrupt::State {
    std::mutex mutex;
    std::function<void()> action;
    std::atomic<bool> happened{false};
    std::atomic<bool> over{false};
    sigset_t mask_before{};
    std::thread waiter;

    void wait() {
        const sigset_t signals = awaited_signals();
        for (;;) {
            int received = 0;
            if (sigwait(&signals, &received) != 0 || over) return;
            if (received != SIGINT) continue;
            const std::lock_guard lock(mutex);
            if (!action || happened) {
                end_by_interrupt();
                return;
            }
            happened = true;
            action();
        }
    }
};

Interrupt::Interrupt() : state_(std::make_unique<State>()) {
    const sigset_t signals = awaited_signals();
    pthread_sigmask(SIG_BLOCK, &signals, &state_->mask_before);
    state_->waiter = std::thread([this] { state_->wait(); });
}

Interrupt::~Interrupt() {
    state_->over = true;
    pthread_kill(state_->waiter.native_handle(), SIGUSR1);
    state_->waiter.join();
    pthread_sigmask(SIG_SETMASK, &state_->mask_before, nullptr);
}

void Interrupt::set_action(std::function<void()> action) {
    const std::lock_guard lock(state_->mutex);
    state_->action = std::move(action);
}

bool Interrupt::happened() const {
    return state_->happened;
}

}  // namespace command
