// A number as Python or JSON writes it, turned into JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice {

// `text` without its sign. Underscores and leading zeros go, digits are added where JSON wants one (".5",
// "5."), 0x, 0o and 0b become decimal; all other digits stay as they are written, however many. Nothing when it
// is no number, when a double would overflow to infinity, or when a hexadecimal one exceeds 64 bits.
std::optional<std::string> json_number(bool negative, std::string_view text);

}  // namespace sluice
