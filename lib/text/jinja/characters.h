// Characters (code points) of valid UTF-8 as Python's str sees them: positions, white space, letters, cases.
// Cases are the simple ones of Unicode, one character for one, and of the longer ones only that of the sharp s.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::jinja {

std::size_t count_characters(std::string_view text);

// The byte at which a character begins; text.size() at or past the end.
std::size_t byte_of_character(std::string_view text, std::size_t character);

// str.isspace, str.isalpha, str.isdecimal or isnumeric, of one character.
bool is_space(std::uint32_t code);
bool is_letter(std::uint32_t code);
bool is_decimal(std::uint32_t code);
bool is_digit(std::uint32_t code);
bool is_numeric(std::uint32_t code);
bool is_upper(std::uint32_t code);
bool is_lower(std::uint32_t code);
bool is_printable(std::uint32_t code);  // as repr asks
bool is_word(std::uint32_t code);       // \w of Python's regular expressions

void append_upper(std::string& text, std::uint32_t code);
void append_lower(std::string& text, std::uint32_t code);
void append_title(std::string& text, std::uint32_t code);

std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);

// Without white space, or without the characters of `set`, at either end.
std::string_view strip_left(std::string_view text);
std::string_view strip_right(std::string_view text);
std::string_view strip_left(std::string_view text, std::string_view set);
std::string_view strip_right(std::string_view text, std::string_view set);

// The bytes of white space at the start of text.
std::size_t space_size(std::string_view text);

}  // namespace sluice::jinja
