// A session as bytes. Text that is held back is not among them: it follows from the tokens of the answer.
#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

#include "base/sentence.h"
#include "session/session.h"

namespace sluice {
namespace {

constexpr std::uint32_t kVersion = 1;

// Little-endian, as in the file.
struct Saved {
    std::uint32_t version;
    std::uint32_t has_chosen;
    std::int32_t chosen;
    std::uint32_t has_end;
    std::int32_t end_reason;
    std::int32_t end_token;
    std::uint32_t end_stop_string;
    std::uint32_t reserved;
    std::uint64_t n_generated;
    std::array<std::uint64_t, 4> random;
};
static_assert(sizeof(Saved) == 72 && std::is_trivially_copyable_v<Saved>, "no padding");

bool is_possible(const Saved& saved, const Config& config, std::uint64_t n_tokens) {
    const auto is_token = [&](std::int32_t id) {
        return id >= 0 && static_cast<std::uint32_t>(id) < config.vocabulary_size;
    };
    const auto reason = static_cast<EndReason>(saved.end_reason);
    const bool has_reason =
        reason == EndReason::kStopToken || reason == EndReason::kStopString || reason == EndReason::kConstraint;
    return saved.version == kVersion && saved.has_chosen <= 1 && saved.has_end <= 1 && saved.reserved == 0 &&
           (saved.has_chosen == 0 || is_token(saved.chosen)) && (saved.has_end == 0 || has_reason) &&
           (saved.end_token == kNoToken || is_token(saved.end_token)) &&
           saved.n_generated <= n_tokens + saved.has_chosen &&
           std::any_of(saved.random.begin(), saved.random.end(), [](std::uint64_t word) { return word != 0; });
}

}  // namespace

std::vector<std::byte> Session::saved() const {
    Saved saved = {};
    saved.version = kVersion;
    saved.has_chosen = state_ == State::kChosen ? 1 : 0;
    saved.chosen = state_ == State::kChosen ? chosen_ : kNoToken;
    // Limits are the options', which may be others next time; what the model said has ended for good.
    const bool has_end =
        end_ && (end_->reason == EndReason::kStopToken || end_->reason == EndReason::kStopString ||
                 end_->reason == EndReason::kConstraint);
    saved.has_end = has_end ? 1 : 0;
    saved.end_reason = has_end ? static_cast<std::int32_t>(end_->reason) : 0;
    saved.end_token = has_end ? end_->token : kNoToken;
    saved.end_stop_string = has_end ? end_->stop_string : 0;
    saved.n_generated = n_generated_;
    saved.random = sampler_->random().state();
    std::vector<std::byte> bytes(sizeof saved);
    std::memcpy(bytes.data(), &saved, sizeof saved);
    return bytes;
}

Done Session::restore(KvCache cache, std::span<const std::byte> bytes) {
    Saved saved = {};
    if (!bytes.empty()) {
        if (bytes.size() != sizeof saved) {
            return make_error(SLUICE_E_CORRUPT, "a saved session has ", bytes.size(), " bytes and not ",
                              sizeof saved);
        }
        std::memcpy(&saved, bytes.data(), sizeof saved);
        if (!is_possible(saved, config_, cache.position())) {
            return make_error(SLUICE_E_CORRUPT, "a saved session holds numbers that cannot be");
        }
    }
    cache_ = std::move(cache);
    sampler_->truncate(0);
    sampler_->accept(cache_.tokens());
    begin_answer();
    state_ = cache_.position() == 0 ? State::kEmpty : State::kBehind;
    if (bytes.empty()) return Nothing{};
    if (saved.has_chosen == 1) {
        state_ = State::kChosen;
        chosen_ = saved.chosen;
        sampler_->accept({&chosen_, 1});
    }
    n_generated_ = saved.n_generated;
    n_before_load_ = saved.n_generated;
    sampler_->set_random(Random(saved.random));
    if (saved.has_end == 1) {
        end_ = Event{EventKind::kEnd,
                     saved.end_token,
                     static_cast<EndReason>(saved.end_reason),
                     0.0F,
                     saved.end_stop_string,
                     n_generated_,
                     {}};
    } else {
        replay_answer();
    }
    return Nothing{};
}

// What of the answer's text is held back, and was not shown yet; and where its constraint stands.
void Session::replay_answer() {
    std::vector<TokenId> answer(cache_.tokens().begin(), cache_.tokens().end());
    if (state_ == State::kChosen) answer.push_back(chosen_);
    const std::span<const TokenId> generated = std::span(answer).last(static_cast<std::size_t>(n_generated_));
    constraint_.follow(generated);
    if (!detokenizer_) return;
    std::string shown;
    for (const TokenId id : generated) {
        arrived_.clear();
        detokenizer_->push(id, arrived_);
        if (const auto which = stop_strings_->push(arrived_, shown)) return end_by_stop_string(*which);
    }
}

}  // namespace sluice
