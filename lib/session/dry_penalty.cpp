// Matches are found by a Z-function over the reversed window: linear, however repetitive the text is.
#include "session/dry_penalty.h"

#include <algorithm>

#include "session/saturate.h"

namespace sluice {
namespace {

// base^length leaves the range of float after 160 tokens with the default base.
constexpr double kMaxPenalty = 1e30;

}  // namespace

DryPenalty::DryPenalty(const DryOptions& options, std::span<const TokenId> breakers, std::size_t n_tokens,
                       std::size_t capacity)
    : options_(options) {
    if (options.multiplier == 0.0F) return;
    const std::size_t n_seen = options.window == 0 ? capacity : std::min(options.window, capacity);
    breakers_.resize(n_tokens);
    for (const TokenId id : breakers) breakers_[static_cast<std::size_t>(id)] = 1;
    matches_.resize(n_seen);
    longest_.resize(n_tokens);
    found_.reserve(std::min(n_seen, n_tokens));
}

void DryPenalty::apply(std::span<const TokenId> history, std::span<float> scores) {
    if (options_.multiplier == 0.0F) return;
    const auto seen = history.last(std::min(history.size(), matches_.size()));
    std::size_t limit = 0;
    while (limit < seen.size() && !is_breaker(seen[seen.size() - 1 - limit])) ++limit;
    if (limit < options_.allowed_length) return;

    find_matches(seen);
    for (std::size_t distance = 1; distance < seen.size(); ++distance) {
        const std::size_t length = std::min<std::size_t>(matches_[distance], limit);
        const TokenId next = seen[seen.size() - distance];
        if (length < options_.allowed_length || next < 0 || static_cast<std::size_t>(next) >= longest_.size() ||
            is_breaker(next)) {
            continue;
        }
        std::uint32_t& longest = longest_[static_cast<std::size_t>(next)];
        if (longest == 0) found_.push_back(next);
        longest = std::max(longest, static_cast<std::uint32_t>(length));
    }
    for (const TokenId id : found_) {
        std::uint32_t& longest = longest_[static_cast<std::size_t>(id)];
        float& score = scores[static_cast<std::size_t>(id)];
        score = saturate(score - penalty(longest));
        longest = 0;
    }
    found_.clear();
}

std::size_t DryPenalty::memory() const {
    return breakers_.capacity() + (matches_.capacity() + longest_.capacity()) * sizeof(std::uint32_t) +
           found_.capacity() * sizeof(TokenId);
}

bool DryPenalty::is_breaker(TokenId id) const {
    return id >= 0 && static_cast<std::size_t>(id) < breakers_.size() &&
           breakers_[static_cast<std::size_t>(id)] != 0;
}

// matches_[d]: how many of the last tokens equal those that end d tokens earlier.
void DryPenalty::find_matches(std::span<const TokenId> seen) {
    const std::size_t n = seen.size();
    const auto back = [&](std::size_t i) { return seen[n - 1 - i]; };
    std::size_t left = 0;  // [left, right): the match that reaches farthest back
    std::size_t right = 0;
    for (std::size_t i = 1; i < n; ++i) {
        std::size_t length = i < right ? std::min<std::size_t>(right - i, matches_[i - left]) : 0;
        while (i + length < n && back(length) == back(i + length)) ++length;
        matches_[i] = static_cast<std::uint32_t>(length);
        if (i + length > right) {
            left = i;
            right = i + length;
        }
    }
}

// By squaring, not std::pow: the same bits on every machine.
double DryPenalty::penalty(std::size_t length) const {
    double result = options_.multiplier;
    double power = options_.base;
    for (std::size_t rest = length - options_.allowed_length; rest > 0 && result < kMaxPenalty; rest /= 2) {
        if (rest % 2 == 1) result *= power;
        power *= power;
    }
    return std::min(result, kMaxPenalty);
}

}  // namespace sluice
