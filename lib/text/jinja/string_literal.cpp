// The escapes of Python's string literals.
#include "text/jinja/string_literal.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice::jinja {
namespace {

std::optional<std::uint32_t> digit_of(char byte, std::uint32_t base) {
    std::uint32_t digit = 99;
    if (byte >= '0' && byte <= '9') digit = static_cast<std::uint32_t>(byte - '0');
    if (byte >= 'a' && byte <= 'f') digit = static_cast<std::uint32_t>(byte - 'a') + 10;
    if (byte >= 'A' && byte <= 'F') digit = static_cast<std::uint32_t>(byte - 'A') + 10;
    return digit < base ? std::optional(digit) : std::nullopt;
}

// The number that the most digits, up to `most`, at `at` spell; moves past them.
std::uint32_t number_at(std::string_view body, std::size_t& at, std::size_t most, std::uint32_t base,
                        std::size_t& n_digits) {
    std::uint32_t code = 0;
    for (n_digits = 0; n_digits < most && at < body.size(); ++n_digits, ++at) {
        const auto digit = digit_of(body[at], base);
        if (!digit) break;
        code = code * base + *digit;
    }
    return code;
}

char simple_escape(char letter) {
    switch (letter) {
        case 'n':
            return '\n';
        case 't':
            return '\t';
        case 'r':
            return '\r';
        case 'a':
            return '\a';
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'v':
            return '\v';
        case '\\':
        case '\'':
        case '"':
            return letter;
        default:
            return '\0';
    }
}

}  // namespace

Result<std::string> decode_string(std::string_view body) {
    std::string out;
    for (std::size_t at = 0; at < body.size();) {
        if (body[at] != '\\' || at + 1 == body.size()) {
            out += body[at++];
            continue;
        }
        const char letter = body[at + 1];
        at += 2;
        std::size_t n_digits = 0;
        if (const char simple = simple_escape(letter); simple != '\0') {
            out += simple;
        } else if (letter == '\n') {
            // The line goes on.
        } else if (digit_of(letter, 8)) {
            --at;
            append_utf8(out, number_at(body, at, 3, 8, n_digits));
        } else if (letter == 'x' || letter == 'u' || letter == 'U') {
            const std::size_t wanted = letter == 'x' ? 2 : letter == 'u' ? 4 : 8;
            const std::uint32_t code = number_at(body, at, wanted, 16, n_digits);
            if (n_digits < wanted)
                return make_error(SLUICE_E_CORRUPT, "a string's escape \\", letter, " needs ", wanted,
                                  " hexadecimal digits, found ", n_digits);
            if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
                return make_error(SLUICE_E_CORRUPT, "a string's escape \\", letter,
                                  " names no character: ", code);
            append_utf8(out, code);
        } else if (letter == 'N') {
            return make_error(SLUICE_E_UNSUPPORTED, "a string names a character with \\N");
        } else {
            out += '\\';
            out += letter;
        }
    }
    return out;
}

}  // namespace sluice::jinja
