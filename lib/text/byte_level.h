// The byte-level alphabet of GPT-2 vocabularies: every byte is written as one printable letter.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

// The bytes that a token written in the alphabet stands for, or nothing when a letter is not in it.
std::optional<std::string> bytes_of_letters(std::string_view letters);

// The letters that a text's bytes are written as.
std::string letters_of_bytes(std::string_view bytes);

// The byte that "<0x0A>" names: exactly two hexadecimal digits. Nothing for any other text.
std::optional<unsigned char> byte_of_fallback(std::string_view token);

}  // namespace sluice
