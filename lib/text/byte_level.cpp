// The byte-level alphabet: printable Latin-1 letters stand for themselves, the other 68 bytes for U+0100 on,
// in order (the bytes_to_unicode of GPT-2's published encoder).
#include "text/byte_level.h"

#include <cstdint>

#include "base/utf8.h"

namespace sluice {
namespace {

constexpr std::uint32_t kFirstStandIn = 0x100;

constexpr bool stands_for_itself(std::uint32_t byte) {
    return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

constexpr int kStandIns = 68;

constexpr std::array<unsigned char, kStandIns> kByteOfStandIn = [] {
    std::array<unsigned char, kStandIns> bytes{};
    std::size_t n = 0;
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        if (!stands_for_itself(byte)) bytes[n++] = static_cast<unsigned char>(byte);
    }
    return bytes;
}();

constexpr std::array<std::uint32_t, 256> kLetterOfByte = [] {
    std::array<std::uint32_t, 256> letters{};
    std::uint32_t next = kFirstStandIn;
    for (std::uint32_t byte = 0; byte < 256; ++byte) letters[byte] = stands_for_itself(byte) ? byte : next++;
    return letters;
}();

int hexadecimal(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return -1;
}

}  // namespace

std::optional<std::string> bytes_of_letters(std::string_view letters) {
    std::string bytes;
    bytes.reserve(letters.size());
    for (std::size_t position = 0; position < letters.size();) {
        const CodePoint point = code_point_at(letters, position);
        if (!point.valid) return std::nullopt;
        if (point.code < 0x100 && stands_for_itself(point.code)) {
            bytes += static_cast<char>(point.code);
        } else if (point.code >= kFirstStandIn && point.code < kFirstStandIn + kStandIns) {
            bytes += static_cast<char>(kByteOfStandIn[point.code - kFirstStandIn]);
        } else {
            return std::nullopt;
        }
        position += point.size;
    }
    return bytes;
}

std::string letters_of_bytes(std::string_view bytes) {
    std::string letters;
    for (const char byte : bytes) append_utf8(letters, kLetterOfByte[static_cast<unsigned char>(byte)]);
    return letters;
}

std::optional<unsigned char> byte_of_fallback(std::string_view token) {
    if (token.size() != 6 || token.substr(0, 3) != "<0x" || token[5] != '>') return std::nullopt;
    const int high = hexadecimal(token[3]);
    const int low = hexadecimal(token[4]);
    if (high < 0 || low < 0) return std::nullopt;
    return static_cast<unsigned char>(high * 16 + low);
}

}  // namespace sluice
