// The table of character replacements in a SentencePiece model, such as its default "nmt_nfkc": which sequences
// of bytes become which others before a text is cut into pieces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice {

// The file holds a double-array trie (Aoe 1989, in the units of Darts-clone) over the sequences, followed by
// the replacements, each ended by a zero byte. Its units are foreign: every step is compared with their
// number, so a table that lies finds nothing or something silly, never memory that is not its own.
// Immutable; any thread.
class CharacterReplacements {
public:
    // Replaces nothing.
    CharacterReplacements() = default;

    // Errors: CORRUPT when the table's sizes contradict each other.
    static Result<CharacterReplacements> read(std::string_view table);

    // The text with every longest sequence of the table replaced, from left to right. What begins no
    // sequence stays as it is, whole characters at a time.
    std::string apply(std::string_view text) const;

private:
    struct Match {
        std::size_t size = 0;  // bytes of the text; 0 when there is none
        std::string_view replacement;
    };
    Match longest(std::string_view text) const;
    std::string_view replacement_at(std::uint32_t offset) const;

    std::vector<std::uint32_t> units_;
    std::string replacements_;
};

}  // namespace sluice
