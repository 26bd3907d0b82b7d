// Sentences for people from pieces: `sentence("tensor ", name, " has ", rows, " rows")`.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice {

inline void append_piece(std::string& text, std::string_view piece) {
    text += piece;
}
inline void append_piece(std::string& text, char piece) {
    text += piece;
}

// Numbers without the locale: std::to_chars knows none.
template <class Number>
requires(std::integral<Number> || std::floating_point<Number>) void append_piece(std::string& text,
                                                                                 Number piece) {
    char digits[64];
    const auto end = std::to_chars(digits, digits + sizeof digits, piece).ptr;
    text.append(digits, static_cast<std::size_t>(end - digits));
}

template <class... Pieces>
std::string sentence(const Pieces&... pieces) {
    std::string text;
    (append_piece(text, pieces), ...);
    return text;
}

template <class... Pieces>
Error make_error(std::int32_t status, const Pieces&... pieces) {
    return Error{status, sentence(pieces...)};
}

// An error at a place in a file.
template <class... Pieces>
Error error_at(std::uint64_t offset, std::int32_t status, const Pieces&... pieces) {
    return Error{status, sentence(pieces..., " (at byte ", offset, ")"), static_cast<std::int64_t>(offset)};
}

}  // namespace sluice
