// What a session does with its past: going back, and keeping what a new prompt has in common with it.
#include <algorithm>
#include <chrono>
#include <utility>

#include "base/sentence.h"
#include "session/elapsed.h"
#include "session/session.h"

namespace sluice {
namespace {

// Marks between the borders of messages, for prompts without any. Going back to a place without a mark costs
// the tokens that the convolutions look back over, some tens, so there is little to gain from more.
constexpr std::uint64_t kMarkEvery = 1024;

std::size_t common_beginning(std::span<const TokenId> a, std::span<const TokenId> b) {
    const auto ends = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    return static_cast<std::size_t>(ends.first - a.begin());
}

// A copy of the cache shares its pages, so it costs some hundred KiB.
class Restored {
public:
    Restored(KvCache& cache, KvCache before) : cache_(&cache), before_(std::move(before)) {}
    ~Restored() {
        if (cache_ != nullptr) *cache_ = std::move(before_);
    }
    Restored(const Restored&) = delete;
    Restored& operator=(const Restored&) = delete;
    void keep_change() { cache_ = nullptr; }

private:
    KvCache* cache_;
    KvCache before_;
};

}  // namespace

// In front of each message, where a prompt with other messages would part; at the end, where an answer begins;
// and one token before, from where an answer is begun anew.
void Session::want_marks(std::span<const TokenId> ids, std::size_t n_again) {
    const std::uint64_t begin = cache_.position();
    std::vector<std::uint64_t> positions;
    for (std::size_t i = n_again + 1; i <= ids.size(); ++i) {
        const bool is_border = i < ids.size() && ids[i] == message_begin_ && message_begin_ != kNoToken;
        const bool is_near_end = i + 1 >= ids.size();
        if (is_border || is_near_end || (begin + i) % kMarkEvery == 0) positions.push_back(begin + i);
    }
    cache_.want_marks(positions);
}

Done Session::go_back(std::uint64_t position) {
    SLUICE_ASSIGN(again, cache_.rewind(position));
    return compute_again(again);
}

// What the convolutions need, in the roles that the tokens had.
Done Session::compute_again(const TokenLog& again) {
    const std::span<const TokenId> ids(again.ids);
    for (std::size_t at = 0; at < ids.size();) {
        const std::size_t count = std::min(again.run_from(at), pass_->max_tokens());
        SLUICE_TRY(pass_->run(ids.subspan(at, count), again.roles[at], cache_, LogitRows::kNone, {}, nullptr,
                              cancel_));
        at += count;
    }
    return Nothing{};
}

// Nothing that `change` does to the cache stays if it fails, also where memory runs out on the way.
template <class Change>
Done Session::change_or_restore(const Change& change) {
    SLUICE_ASSIGN(before, cache_.fork());
    Restored restored(cache_, std::move(before));
    Done done = change();
    if (done) {
        restored.keep_change();
    } else {
        cancel_.store(false, std::memory_order_relaxed);
    }
    return done;
}

// Goes back and computes what follows: in one pass where everything is a prompt's, because a pass of some tens
// of tokens reads nearly all experts, as one of twice as many does.
Done Session::go_on_from(std::uint64_t position, std::span<const TokenId> ids) {
    SLUICE_ASSIGN(again, cache_.rewind(position));
    const bool is_prompt = again.run_from(0) == again.ids.size() && !again.ids.empty() &&
                           again.roles.front() == TokenRole::kPrompt && trace_ == nullptr;
    if (!is_prompt) {
        SLUICE_TRY(compute_again(again));
        return prefill(ids);
    }
    const std::size_t n_again = again.ids.size();
    again.ids.insert(again.ids.end(), ids.begin(), ids.end());
    return prefill(again.ids, n_again);
}

Done Session::recall_logits() {
    const TokenId last = cache_.tokens().back();
    const TokenRole role = cache_.log().roles.back();
    const auto compute_last = [&]() -> Done {
        SLUICE_TRY(go_back(cache_.position() - 1));
        return pass_->run({&last, 1}, role, cache_, LogitRows::kLast, logits_, nullptr, cancel_);
    };
    SLUICE_TRY(change_or_restore(compute_last));
    state_ = State::kReady;
    return Nothing{};
}

// Where the tree has more of the prompt than the cache, the cache becomes a copy of that.
Result<std::uint64_t> Session::adopt_longer(std::span<const TokenId> ids, std::uint64_t n_common) {
    if (prefixes_ == nullptr) return n_common;
    SLUICE_ASSIGN(found, prefixes_->find(ids.first(ids.size() - 1), cache_.options(), n_common));
    if (!found) return n_common;
    cache_.adopt(std::move(found->cache));
    return found->n_common;
}

// The first message and all messages but the last, or the whole of a prompt without messages. What there is no
// memory for is not left.
void Session::leave_prefixes() {
    if (prefixes_ == nullptr) return;
    const std::span<const TokenId> ids = cache_.tokens();
    const auto begins = [&](TokenId id) { return id == message_begin_ && message_begin_ != kNoToken; };
    const auto first = std::find_if(ids.begin() + 1, ids.end(), begins);
    const auto last = std::find_if(ids.rbegin(), ids.rend() - 1, begins);
    const auto first_border = static_cast<std::uint64_t>(first - ids.begin());
    const auto last_border =
        first == ids.end() ? ids.size() : static_cast<std::uint64_t>(ids.rend() - last - 1);
    for (const std::uint64_t border : {first_border, last_border}) {
        if (border < ids.size() && !cache_.marks().has(border)) continue;
        auto copy = cache_.fork();
        if (!copy) return;
        if (!copy->rewind(border) || !prefixes_->keep(*copy)) return;
    }
}

Done Session::check_queue() const {
    if (queue_.empty()) return Nothing{};
    return make_error(SLUICE_E_STATE, queue_.size(), " tokens are queued: compute them or reset first");
}

Result<std::uint64_t> Session::prompt(std::span<const TokenId> ids) {
    SLUICE_TRY(check_queue());
    SLUICE_TRY(check_ids(ids));
    if (ids.size() > cache_.capacity()) {
        return make_error(SLUICE_E_CONTEXT_FULL, ids.size(), " tokens do not fit: there is room for ",
                          cache_.capacity());
    }
    const std::size_t common = common_beginning(ids, cache_.tokens());
    const bool holds_more = common < cache_.position();
    if (!holds_more && state_ == State::kChosen && common < ids.size() && ids[common] == chosen_) {
        // Feeding computes the chosen token, in its role.
        if (common + 1 < ids.size()) {
            SLUICE_TRY(feed(ids.subspan(common + 1)));
        } else {
            SLUICE_TRY(check_cancel());
            SLUICE_TRY(find_logits());
            begin_answer();
        }
        statistics_.reused_tokens += common;
        return common;
    }
    if (!holds_more && common == ids.size() && state_ == State::kReady) {
        begin_answer();
        statistics_.reused_tokens += common;
        return common;
    }

    SLUICE_TRY(check_cancel());
    const auto start = std::chrono::steady_clock::now();
    std::size_t n_kept = std::min(common, ids.size() - 1);
    const auto compute_rest = [&]() -> Done {
        SLUICE_ASSIGN(n_found, adopt_longer(ids, n_kept));
        n_kept = static_cast<std::size_t>(n_found);
        return go_on_from(n_kept, ids.subspan(n_kept));
    };
    SLUICE_TRY(change_or_restore(compute_rest));
    std::swap(logits_, new_logits_);
    sampler_->truncate(std::min(common, n_kept));
    sampler_->accept(ids.subspan(std::min(common, n_kept)));
    begin_answer();
    leave_prefixes();
    statistics_.reused_tokens += n_kept;
    statistics_.prefill_tokens += ids.size() - n_kept;
    statistics_.prefill_nanoseconds += nanoseconds_since(start);
    return n_kept;
}

Done Session::rewind(std::uint64_t position) {
    SLUICE_TRY(check_queue());
    SLUICE_TRY(check_cancel());
    if (position > 0 || cache_.position() > 0) {
        SLUICE_TRY(change_or_restore([&] { return go_back(position); }));
    }
    sampler_->truncate(static_cast<std::size_t>(position));
    begin_answer();
    state_ = position == 0 ? State::kEmpty : State::kBehind;
    return Nothing{};
}

}  // namespace sluice
