// Threads that share a loop's pieces without a lock, spin between loops, and sleep when none comes.
//
// How a loop goes. The caller that holds is_busy_ writes loop_, n_undone_ and then every share, the last with
// release order. Whoever subtracts 1 from a share and finds that it was above 0 has taken one piece. When its
// pieces have ended it subtracts their number from n_undone_, and the caller returns when that is 0.
//
// Why it is right:
// - Taking a piece is the only way in. Every write to a share after the caller's is a read-modify-write, so
//   one that finds a number above 0 reads from the caller's release (or continues its sequence) and sees the
//   whole loop. Nobody reads loop_ or the end of a share before that.
// - While a piece that somebody took has not been subtracted from n_undone_, the caller cannot return, so loop_
//   and what it points to stay. After the subtraction the thread touches only the Workers, which live until it
//   is joined.
// - A thread that is late finds shares at 0 and goes back to rest, or those of a later loop and takes part in
//   that one, rightly: whatever it believed about the loop before, what it has taken is a piece of the present
//   one. So shares need no generation, and a thread that stands still holds up nobody unless it has begun a
//   piece.
// - The subtractions from n_undone_ are releases in one sequence, so the caller that reads 0 sees all the work.
//
// Why no thread sleeps through a loop that needs it. A thread adds itself to n_parked_ and then looks at
// generation_ again; the caller adds 1 to generation_ and then looks at n_parked_. All four are sequentially
// consistent, so at least one of the two sees the other. The thread holds mutex_ from there until it waits, and
// the caller takes mutex_ to call it, so the call cannot fall in between. The same holds for the caller that
// waits, with caller_is_parked_ and n_undone_. A loop would be complete even if nobody woke: the caller takes
// what is left.
#include "base/threads.h"

#include <algorithm>
#include <exception>

#include "base/sentence.h"

namespace sluice {
namespace {

// A pause takes 27 ns on Zen 5 (measured) and 140 cycles, about 40 ns, on Intel since Skylake (Intel's
// optimisation manual), so this is 50 to 80 us: more than the work between two loops of a token. The yields are
// for others who wait for this CPU; where nobody waits they take 0.6 us each (measured).
constexpr int kPauses = 2048;
constexpr int kYields = 64;

// Leaves the core's units to its other hyper-thread for a moment.
inline void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    // `yield` takes no time on most cores, so a number of them would not bound the wait.
    asm volatile("isb" ::: "memory");
#elif defined(__arm__)
    asm volatile("yield" ::: "memory");
#endif
}

// Whether `ready` came true within the patience that there is.
template <class Ready>
bool spin_until(const Ready& ready) {
    for (int i = 0; i < kPauses; ++i) {
        if (ready()) return true;
        pause_briefly();
    }
    for (int i = 0; i < kYields; ++i) {
        if (ready()) return true;
        std::this_thread::yield();
    }
    return ready();
}

// How many of a share's pieces a thread takes at once: the next quarter while there are many, single ones
// towards the end, when others may be waiting. To take some waits for all memory that was asked for, and a body
// may have something to prepare.
std::size_t pieces_at_once(std::size_t n_untaken) {
    constexpr std::size_t kMost = 8;
    return std::clamp<std::size_t>(n_untaken / 4, 1, kMost);
}

// Says what is unusual about the number of threads. A line that only informs may fail for want of memory.
void tell(const Log& log, std::uint32_t wanted, std::uint32_t started, std::uint32_t n_cpus,
          std::uint32_t n_cores) {
    try {
        if (started < wanted)
            log.warning(sentence("the system refused thread ", started + 1, " of ", wanted, "; going on with ",
                                 started));
        if (wanted > n_cpus)
            log.warning(sentence(wanted, " threads are more than the ", n_cpus,
                                 " CPUs that this process may use; at most ", n_cpus, " compute at a time"));
        else if (wanted > n_cores)
            log.info(sentence(wanted, " threads are more than the ", n_cores,
                              " fast physical cores that this process may use"));
    } catch (const std::exception&) {
        return;
    }
}

}  // namespace

Workers::Workers(std::uint32_t n_threads, const Log& log) : n_cpus_(schedulable_cpus()) {
    const std::uint32_t n_cores = usable_cpus();
    const std::uint32_t wanted = std::max(1U, n_threads);
    shares_ = std::make_unique<Share[]>(wanted);
    threads_.reserve(wanted - 1);
    placement_.emplace(wanted);
    {
        const std::lock_guard lock(mutex_);  // a thread reads the members below when it gets this lock
        for (std::uint32_t worker = 1; worker < wanted; ++worker) {
            // The wall around std::thread: a system that refuses a thread says so by an exception. None may
            // leave this constructor, since threads that already run would then end the process.
            try {
                threads_.emplace_back([this, worker] { serve(worker); });
            } catch (const std::exception&) {  // std::system_error, or no memory for what starts a thread
                break;
            }
        }
        n_threads_ = static_cast<std::uint32_t>(threads_.size()) + 1;
    }
    tell(log, wanted, n_threads_, n_cpus_, n_cores);
}

Workers::Workers(std::uint32_t n_threads, sluice_executor_fn executor, void* user, sluice_destroy_fn destroy)
    : n_threads_(std::max(1U, n_threads)),
      shares_(std::make_unique<Share[]>(n_threads_)),
      executor_(executor),
      executor_user_(user),
      executor_destroy_(destroy) {}

Workers::~Workers() {
    is_stopping_.store(true, std::memory_order_relaxed);
    generation_.fetch_add(1);
    wake_parked(n_threads_);
    for (std::thread& thread : threads_) thread.join();
    if (executor_destroy_ != nullptr) executor_destroy_(executor_user_);
}

void Workers::Loop::run_pieces(std::size_t piece, std::size_t n_pieces, std::uint32_t worker) const {
    const std::size_t first = piece * grain;
    const bool is_last = piece + n_pieces == this->n_pieces();
    call(context, first, is_last ? count : first + n_pieces * grain, worker);
}

Done Workers::run(const Loop& loop) {
    const std::size_t n_pieces = loop.n_pieces();
    std::int32_t answer = 0;
    if (n_threads_ == 1 || n_pieces <= 1 || is_busy_.exchange(true, std::memory_order_acquire)) {
        std::size_t n_at_once = 0;
        for (std::size_t piece = 0; piece < n_pieces; piece += n_at_once) {
            if (loop.cancel->load(std::memory_order_relaxed)) break;
            n_at_once = pieces_at_once(n_pieces - piece);
            loop.run_pieces(piece, n_at_once, 0);
        }
    } else {
        if (placement_) placement_->keep_apart(threads_);
        hand_out(loop);
        if (executor_ == nullptr) {
            wake_for(n_pieces);
        } else {
            const auto task = [](void* context, std::uint32_t index) {
                static_cast<Workers*>(context)->take_pieces(index);
            };
            answer = executor_(executor_user_, task, this, n_threads_);
        }
        // Also after an executor that did not run every task, or refused.
        if (answer == 0) {
            take_pieces(0);
        } else {
            count_done(drop_pieces());
        }
        wait_for_pieces();
        is_busy_.store(false, std::memory_order_release);
    }
    if (answer != 0) return make_error(SLUICE_E_CALLBACK_FAILED, "the host's executor answered ", answer);
    if (loop.cancel->load(std::memory_order_relaxed)) return make_error(SLUICE_E_CANCELLED, "cancelled");
    return Nothing{};
}

// Equal shares; where they do not come out even, the first have one piece more.
void Workers::hand_out(const Loop& loop) {
    const std::size_t n_pieces = loop.n_pieces();
    const std::size_t least = n_pieces / n_threads_;
    const std::size_t n_greater = n_pieces % n_threads_;
    loop_ = loop;
    n_undone_.store(static_cast<std::int64_t>(n_pieces), std::memory_order_relaxed);
    std::size_t end = 0;
    for (std::uint32_t worker = 0; worker < n_threads_; ++worker) {
        const std::size_t n_own = least + (worker < n_greater ? 1 : 0);
        end += n_own;
        shares_[worker].end = end;
        shares_[worker].n_untaken.store(static_cast<std::int64_t>(n_own), std::memory_order_release);
    }
}

// The own share upwards, then the others' in turn, each until it is used up: nobody starts where another
// starts.
void Workers::take_pieces(std::uint32_t worker) {
    std::int64_t n_done = 0;
    for (std::uint32_t i = 0; i < n_threads_; ++i) {
        Share& share = shares_[i < n_threads_ - worker ? worker + i : worker + i - n_threads_];
        // The look before the try leaves the cache line of an empty share where it is.
        while (true) {
            const std::int64_t n_seen = share.n_untaken.load(std::memory_order_relaxed);
            if (n_seen <= 0) break;
            const auto n_wanted = static_cast<std::int64_t>(pieces_at_once(static_cast<std::size_t>(n_seen)));
            const std::int64_t n_untaken = share.n_untaken.fetch_sub(n_wanted, std::memory_order_acquire);
            if (n_untaken <= 0) break;
            const std::int64_t n_taken = std::min(n_wanted, n_untaken);
            n_done += n_taken;
            if (loop_.cancel->load(std::memory_order_relaxed)) {
                n_done += drop_pieces();
            } else {
                loop_.run_pieces(share.end - static_cast<std::size_t>(n_untaken),
                                 static_cast<std::size_t>(n_taken), worker);
            }
        }
    }
    if (n_done > 0) count_done(n_done);
}

// Takes what nobody took and does not do it; how many pieces that was.
std::int64_t Workers::drop_pieces() {
    std::int64_t n_dropped = 0;
    for (std::uint32_t i = 0; i < n_threads_; ++i)
        n_dropped += std::max<std::int64_t>(0, shares_[i].n_untaken.exchange(0, std::memory_order_relaxed));
    return n_dropped;
}

void Workers::count_done(std::int64_t n_pieces) {
    if (n_undone_.fetch_sub(n_pieces) != n_pieces || !caller_is_parked_.load()) return;
    // Empty: the caller either has not looked at n_undone_ under this lock, or waits.
    { const std::lock_guard lock(mutex_); }
    finished_.notify_one();
}

void Workers::wait_for_pieces() {
    if (spin_until([this] { return n_undone_.load(std::memory_order_acquire) == 0; })) return;
    std::unique_lock lock(mutex_);
    caller_is_parked_.store(true);
    finished_.wait(lock, [this] { return n_undone_.load() == 0; });
    caller_is_parked_.store(false, std::memory_order_relaxed);
}

// Wakes as many threads as the loop, just handed out, and the CPUs have use for. Those that are awake come by
// themselves: without sleepers this is one addition.
void Workers::wake_for(std::size_t n_pieces) {
    generation_.fetch_add(1);
    const std::uint32_t n_parked = n_parked_.load();
    if (n_parked == 0) return;
    const auto n_useful = static_cast<std::uint32_t>(std::min<std::size_t>(n_pieces, n_cpus_)) - 1;
    const std::uint32_t n_awake = n_threads_ - 1 - n_parked;
    if (n_useful > n_awake) wake_parked(n_useful - n_awake);
}

void Workers::wake_parked(std::uint32_t n_most) {
    std::uint32_t n_called = 0;
    std::uint32_t n_left = 0;
    {
        const std::lock_guard lock(mutex_);
        n_called = std::min(n_most, n_parked_.load(std::memory_order_relaxed));
        n_left = n_parked_.fetch_sub(n_called) - n_called;
        n_calls_ += n_called;
    }
    if (n_left == 0) {
        called_.notify_all();
    } else {
        for (std::uint32_t i = 0; i < n_called; ++i) called_.notify_one();
    }
}

void Workers::serve(std::uint32_t worker) {
    { const std::lock_guard lock(mutex_); }  // the constructor holds it until the members are set
    std::uint64_t seen = 0;
    while (true) {
        wait_for_loop(seen);
        seen = generation_.load(std::memory_order_acquire);
        if (is_stopping_.load(std::memory_order_relaxed)) return;
        take_pieces(worker);
    }
}

void Workers::wait_for_loop(std::uint64_t seen) {
    // A thread too many for the CPUs would spin, or work, in the place of one that has begun a piece.
    const bool is_surplus = n_threads_ - n_parked_.load(std::memory_order_relaxed) > n_cpus_;
    const auto is_new = [&] { return generation_.load(std::memory_order_acquire) != seen; };
    if (is_surplus || !spin_until(is_new)) park(seen);
}

void Workers::park(std::uint64_t seen) {
    std::unique_lock lock(mutex_);
    n_parked_.fetch_add(1);
    if (generation_.load() != seen) {
        n_parked_.fetch_sub(1);
        return;
    }
    called_.wait(lock, [this] { return n_calls_ > 0; });
    --n_calls_;
}

}  // namespace sluice
