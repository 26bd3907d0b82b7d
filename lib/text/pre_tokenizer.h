// Cuts text into the pieces inside which byte pairs are merged: the rule of the LFM2 family.
#pragma once

#include <cstddef>
#include <string_view>

namespace sluice {

// The family's rule as tokenizer.json files spell it, for the vocabularies of 128K and of 65K tokens.
// They cut every text alike (reference: lfm2.md, section 5), so one scanner serves both.
constexpr std::string_view kFamilyPattern =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s)";
constexpr std::string_view kOlderFamilyPattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// Where the piece that starts at begin ends. Pieces are never empty and leave nothing out; walking a whole
// text takes time linear in its size. A byte that is not UTF-8 counts as one symbol, like punctuation.
// Requires begin < text.size(), and that begin is 0 or the end of a piece.
std::size_t piece_end(std::string_view text, std::size_t begin);

}  // namespace sluice
