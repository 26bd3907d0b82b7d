// Texts as numbers, read as Python's int() and float() read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::jinja {

struct WholeText {
    std::optional<std::int64_t> value;  // nothing: not an integer
    bool is_too_large = false;          // an integer that 64 bits cannot hold
};

// White space around it, a sign, underscores between digits; a prefix 0x, 0o, 0b of its own base or of base 0.
WholeText read_whole(std::string_view text, std::int64_t base);

std::optional<double> read_real(std::string_view text);

}  // namespace sluice::jinja
