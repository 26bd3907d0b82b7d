// UTF-8: reading it without trusting it, and holding back a character that has not fully arrived.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

// One code point of a text, and how many bytes it took. Where the bytes are not UTF-8 (overlong,
// surrogate, above U+10FFFF, cut short), valid is false, size is 1 and code is the byte.
struct CodePoint {
    std::uint32_t code = 0;
    std::uint32_t size = 1;
    bool valid = false;
};

// Requires position < text.size().
CodePoint code_point_at(std::string_view text, std::size_t position);

void append_utf8(std::string& text, std::uint32_t code);

bool is_utf8(std::string_view text);

// The text with every maximal ill-formed part replaced by U+FFFD, as the WHATWG and Unicode 15, section
// 3.9, advise.
std::string replace_invalid_utf8(std::string_view text);
// The same, appended to `out`: without an allocation where out has room.
void append_valid_utf8(std::string& out, std::string_view text);

// How many bytes at the start of text end with whole characters: less than text.size() only when the
// last one to three bytes begin a valid character that is not complete.
std::size_t complete_utf8_size(std::string_view text);

// A foreign name or text for a log or an error message: control characters escaped, at most max_size
// bytes, "..." where cut.
std::string printable(std::string_view text, std::size_t max_size = 96);

}  // namespace sluice
