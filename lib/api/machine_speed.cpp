// Threads work in steps of some microseconds, and the work of all is added up in windows of one clock. So
// nobody has to wait for the others to start, and a window counts only what truly ran at the same time.
#include "api/machine_speed.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <vector>

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;
using Nanoseconds = std::chrono::nanoseconds;

// Short beside the time slices that a host takes away, long beside a step.
constexpr Nanoseconds kLongestWindow = std::chrono::milliseconds(4);
// Reading the clock takes less than a hundredth of it.
constexpr Nanoseconds kShortestStep = std::chrono::microseconds(20);
constexpr std::size_t kFirstStepSize = 8;
constexpr std::size_t kLastStepSize = std::size_t{1} << 20;

// Several times the last cache of today's servers, and of one thread's share of it.
constexpr std::uint64_t kLeastSize = std::uint64_t{256} << 20;
constexpr std::uint64_t kLeastPart = std::uint64_t{32} << 20;
constexpr std::size_t kPage = 4096;  // the smallest that systems have
constexpr std::size_t kPageWords = kPage / sizeof(std::uint64_t);

std::uint64_t per_second(std::uint64_t amount, Nanoseconds time) {
    const double seconds = std::chrono::duration<double>(time).count();
    return seconds > 0 ? static_cast<std::uint64_t>(static_cast<double>(amount) / seconds) : 0;
}

// Amounts of work, added from any thread.
class Windows {
public:
    explicit Windows(Nanoseconds length)
        : window_(std::min(kLongestWindow, length / 4)),
          amounts_(static_cast<std::size_t>(length / window_)),
          start_(Clock::now()) {}

    bool are_over(Clock::time_point now) const { return now - start_ >= window_ * n_windows(); }

    // Work that was done evenly from begin to end.
    void add(Clock::time_point begin, Clock::time_point end, std::uint64_t amount) {
        total_.fetch_add(amount, std::memory_order_relaxed);
        const Nanoseconds taken = std::max(Nanoseconds(1), Nanoseconds(end - begin));
        for (auto k = (begin - start_) / window_; k < n_windows() && start_ + k * window_ < end; ++k) {
            const Nanoseconds inside =
                std::min(end, start_ + (k + 1) * window_) - std::max(begin, start_ + k * window_);
            const double share = static_cast<double>(inside.count()) / static_cast<double>(taken.count());
            amounts_[static_cast<std::size_t>(k)].fetch_add(
                static_cast<std::uint64_t>(static_cast<double>(amount) * share), std::memory_order_relaxed);
        }
    }

    // Requires that nobody adds any more.
    Rate rate() const {
        std::vector<std::uint64_t> sorted(amounts_.begin(), amounts_.end());
        std::sort(sorted.begin(), sorted.end());
        // Where every window passed before the first step began, the mean is what there is.
        const std::uint64_t mean = per_second(total_.load(), Clock::now() - start_);
        const std::uint64_t median = per_second(sorted[sorted.size() / 2], window_);
        return {std::max(mean, per_second(sorted.back(), window_)), median > 0 ? median : mean};
    }

private:
    std::ptrdiff_t n_windows() const { return static_cast<std::ptrdiff_t>(amounts_.size()); }

    Nanoseconds window_;
    std::vector<std::atomic<std::uint64_t>> amounts_;
    std::atomic<std::uint64_t> total_ = 0;
    Clock::time_point start_;
};

// Calls step(piece, size), which answers how much it did, again and again: one piece for each thread.
template <class Step>
Result<Rate> measure(Workers& workers, Nanoseconds length, Step&& step) {
    const CancelFlag never = false;
    Windows windows(length);
    SLUICE_TRY(workers.for_each(workers.size(), 1, never, [&](std::size_t piece, std::size_t, std::uint32_t) {
        std::size_t size = kFirstStepSize;
        Clock::time_point begin = Clock::now();
        do {
            const std::uint64_t amount = step(piece, size);
            const Clock::time_point end = Clock::now();
            windows.add(begin, end, amount);
            if (end - begin < kShortestStep && size < kLastStepSize) size *= 2;
            begin = end;
        } while (!windows.are_over(begin));
    }));
    return windows.rate();
}

// The sum of all words of some pages, so that no compiler leaves one out. A processor's own prefetch stops at
// each page; asking for the next one was worth a tenth (measured on Zen 5 in a virtual machine).
std::uint64_t read_pages(const std::uint64_t* words, std::size_t n_pages) {
    std::uint64_t sums[8] = {};
    for (std::size_t i = 0; i < n_pages * kPageWords; i += 8) {
        __builtin_prefetch(words + i + kPageWords);
        for (std::size_t lane = 0; lane < 8; ++lane) sums[lane] += words[i + lane];
    }
    std::uint64_t sum = 0;
    for (const std::uint64_t lane : sums) sum += lane;
    return sum;
}

Result<Rate> measure_reading(Workers& workers, MemoryBudget& budget, Nanoseconds length) {
    const std::size_t n_parts = workers.size();
    SLUICE_ASSIGN(block, Block::allocate(budget, std::max(kLeastSize, n_parts * kLeastPart),
                                         "the memory whose reading is measured"));
    auto* words = reinterpret_cast<std::uint64_t*>(block.data());
    const std::size_t part_pages = static_cast<std::size_t>(block.size()) / kPage / n_parts;

    // A system gives a page its memory when it is first written.
    const CancelFlag never = false;
    SLUICE_TRY(workers.for_each(n_parts, 1, never, [&](std::size_t first, std::size_t last, std::uint32_t) {
        for (std::size_t page = first * part_pages; page < last * part_pages; ++page) {
            words[page * kPageWords] = 1;
        }
    }));

    std::vector<std::size_t> places(n_parts, 0);  // pages of each part that were read
    return measure(workers, length, [&](std::size_t part, std::size_t size) {
        std::size_t& place = places[part];
        const std::size_t n_pages = std::min(size, part_pages - place);
        const std::uint64_t sum = read_pages(words + (part * part_pages + place) * kPageWords, n_pages);
        place = (place + n_pages) % part_pages;
        return sum * kPage;  // every page sums to 1
    });
}

}  // namespace

Result<MachineSpeed> measure_machine(Workers& workers, const Kernels* kernels, MemoryBudget& budget,
                                     std::uint32_t milliseconds) {
    const Nanoseconds length = std::chrono::milliseconds(std::max(1U, milliseconds));
    MachineSpeed speed;
    SLUICE_ASSIGN(bytes, measure_reading(workers, budget, length));
    speed.bytes = bytes;
    if (kernels == nullptr || kernels->int8_peak == nullptr) return speed;
    SLUICE_ASSIGN(multiply_adds, measure(workers, length, [kernels](std::size_t, std::size_t n_rounds) {
                      return kernels->int8_peak(n_rounds);
                  }));
    speed.int8_multiply_adds = multiply_adds;
    return speed;
}

}  // namespace sluice
