// One Knuth-Morris-Pratt matcher per stop string: with at most 64 of them as quick as a common automaton,
// a hundredth of its memory, and linear for every text.
#include "session/stop_rules.h"

#include <algorithm>
#include <utility>

#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice {
namespace {

// The first bytes matched after `byte`, when `n_matched` were before it. Requires n_matched < string.size().
std::uint16_t advance(std::string_view string, const std::vector<std::uint16_t>& fallback,
                      std::uint16_t n_matched, char byte) {
    while (n_matched > 0 && string[n_matched] != byte) n_matched = fallback[n_matched - 1U];
    return string[n_matched] == byte ? static_cast<std::uint16_t>(n_matched + 1) : n_matched;
}

std::vector<std::uint16_t> make_fallback(std::string_view string) {
    std::vector<std::uint16_t> fallback(string.size());
    for (std::size_t i = 1; i < string.size(); ++i) {
        fallback[i] = advance(string, fallback, fallback[i - 1], string[i]);
    }
    return fallback;
}

}  // namespace

Result<StopStrings> StopStrings::create(std::vector<std::string> strings) {
    if (strings.size() > kMaxStopStrings) {
        return make_error(SLUICE_E_LIMIT, strings.size(), " stop strings are more than ", kMaxStopStrings);
    }
    std::size_t longest = 0;
    for (std::size_t i = 0; i < strings.size(); ++i) {
        const std::string& string = strings[i];
        if (string.empty()) return make_error(SLUICE_E_INVALID_ARGUMENT, "stop string ", i, " is empty");
        if (string.size() > kMaxStopStringSize) {
            return make_error(SLUICE_E_LIMIT, "stop string ", i, " has ", string.size(), " bytes, more than ",
                              kMaxStopStringSize);
        }
        if (!is_utf8(string)) return make_error(SLUICE_E_INVALID_ARGUMENT, "stop string ", i, " is not UTF-8");
        longest = std::max(longest, string.size());
    }
    StopStrings made;
    for (const std::string& string : strings) made.fallbacks_.push_back(make_fallback(string));
    made.n_matched_.resize(strings.size());
    made.held_.reserve(longest);
    made.strings_ = std::move(strings);
    return made;
}

std::optional<std::uint32_t> StopStrings::push(std::string_view text, std::string& out) {
    const auto match = find_match(text);
    // A stop string begins with the first byte of a character, so what is held back does too.
    const std::size_t n_open = n_matched_.empty() ? 0 : *std::max_element(n_matched_.begin(), n_matched_.end());
    const std::size_t n_certain = match ? match->begin : held_.size() + text.size() - n_open;
    const std::size_t n_from_held = std::min(n_certain, held_.size());
    out.append(held_, 0, n_from_held);
    out.append(text.substr(0, n_certain - n_from_held));
    if (match) {
        reset();
        return match->index;
    }
    held_.erase(0, n_from_held);
    held_.append(text.substr(n_certain - n_from_held));
    return std::nullopt;
}

void StopStrings::finish(std::string& out) {
    out.append(held_);
    reset();
}

void StopStrings::reset() {
    held_.clear();
    std::fill(n_matched_.begin(), n_matched_.end(), std::uint16_t{0});
}

std::size_t StopStrings::memory() const {
    std::size_t size = held_.capacity() + n_matched_.capacity() * sizeof(std::uint16_t);
    for (const auto& string : strings_) size += sizeof(std::string) + string.capacity();
    for (const auto& fallback : fallbacks_)
        size += sizeof(std::vector<std::uint16_t>) + fallback.capacity() * sizeof(std::uint16_t);
    return size;
}

std::optional<StopStrings::Match> StopStrings::find_match(std::string_view text) {
    std::optional<Match> first;
    for (std::size_t k = 0; k < strings_.size(); ++k) {
        const std::string_view string = strings_[k];
        std::uint16_t n_matched = n_matched_[k];
        for (std::size_t i = 0; i < text.size(); ++i) {
            n_matched = advance(string, fallbacks_[k], n_matched, text[i]);
            if (n_matched < string.size()) continue;
            const std::size_t begin = held_.size() + i + 1 - string.size();
            if (!first || begin < first->begin || (begin == first->begin && string.size() > first->size)) {
                first = Match{begin, string.size(), static_cast<std::uint32_t>(k)};
            }
            break;  // its later occurrences begin later
        }
        n_matched_[k] = n_matched;
    }
    return first;
}

}  // namespace sluice
