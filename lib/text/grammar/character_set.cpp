// Sets of characters: ranges are kept sorted and joined.
#include "text/grammar/character_set.h"

#include <algorithm>

namespace sluice::grammar {
namespace {

constexpr std::uint32_t kFirstSurrogate = 0xD800;
constexpr std::uint32_t kLastSurrogate = 0xDFFF;

}  // namespace

CharacterSet CharacterSet::all() {
    return of(0, kMaxCodePoint);
}

CharacterSet CharacterSet::of(std::uint32_t first, std::uint32_t last) {
    CharacterSet set;
    set.add(first, last);
    return set;
}

void CharacterSet::add(std::uint32_t first, std::uint32_t last) {
    last = std::min(last, kMaxCodePoint);
    if (first > last) return;
    if (first < kFirstSurrogate) ranges_.push_back({first, std::min(last, kFirstSurrogate - 1)});
    if (last > kLastSurrogate) ranges_.push_back({std::max(first, kLastSurrogate + 1), last});
    settle();
}

void CharacterSet::add(const CharacterSet& other) {
    ranges_.insert(ranges_.end(), other.ranges_.begin(), other.ranges_.end());
    settle();
}

void CharacterSet::settle() {
    std::sort(ranges_.begin(), ranges_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<CharacterRange> joined;
    for (const CharacterRange& range : ranges_) {
        if (!joined.empty() && range.first <= joined.back().last + 1) {
            joined.back().last = std::max(joined.back().last, range.last);
        } else {
            joined.push_back(range);
        }
    }
    ranges_ = std::move(joined);
}

CharacterSet CharacterSet::complement() const {
    CharacterSet set;
    std::uint32_t next = 0;
    std::vector<CharacterRange> gaps;
    for (const CharacterRange& range : ranges_) {
        if (range.first > next) gaps.push_back({next, range.first - 1});
        next = range.last + 1;
    }
    if (next <= kMaxCodePoint) gaps.push_back({next, kMaxCodePoint});
    for (const CharacterRange& gap : gaps) set.add(gap.first, gap.last);
    return set;
}

bool CharacterSet::contains(std::uint32_t code) const {
    const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), code,
                                        [](std::uint32_t c, const CharacterRange& r) { return c < r.first; });
    return after != ranges_.begin() && code <= std::prev(after)->last;
}

}  // namespace sluice::grammar
