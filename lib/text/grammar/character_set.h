// Sets of Unicode characters as sorted ranges of code points.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sluice::grammar {

constexpr std::uint32_t kMaxCodePoint = 0x10FFFF;

struct CharacterRange {
    std::uint32_t first = 0;
    std::uint32_t last = 0;  // inclusive
    bool operator==(const CharacterRange&) const = default;
};

// Surrogates, 0xD800 to 0xDFFF, are no characters and are in no set.
class CharacterSet {
public:
    CharacterSet() = default;
    static CharacterSet all();
    static CharacterSet of(std::uint32_t first, std::uint32_t last);

    void add(std::uint32_t first, std::uint32_t last);
    void add(const CharacterSet& other);
    CharacterSet complement() const;

    bool empty() const { return ranges_.empty(); }
    bool contains(std::uint32_t code) const;
    std::span<const CharacterRange> ranges() const { return ranges_; }

private:
    void settle();

    std::vector<CharacterRange> ranges_;  // sorted, apart
};

}  // namespace sluice::grammar
