// Classes of characters and escapes.
#include "text/grammar/character_class.h"

#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice::grammar {
namespace {

CharacterSet digits() {
    return CharacterSet::of('0', '9');
}

CharacterSet word() {
    CharacterSet set = digits();
    set.add('a', 'z');
    set.add('A', 'Z');
    set.add('_', '_');
    return set;
}

CharacterSet space() {
    CharacterSet set = CharacterSet::of(0x09, 0x0D);
    set.add(' ', ' ');
    set.add(0xA0, 0xA0);
    set.add(0x1680, 0x1680);
    set.add(0x2000, 0x200A);
    set.add(0x2028, 0x2029);
    set.add(0x202F, 0x202F);
    set.add(0x205F, 0x205F);
    set.add(0x3000, 0x3000);
    return set;
}

std::optional<std::uint32_t> hex_digit(char c) {
    if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<std::uint32_t>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<std::uint32_t>(c - 'A' + 10);
    return std::nullopt;
}

Result<std::uint32_t> read_hex(std::string_view text, std::size_t& position, std::size_t n) {
    std::uint32_t code = 0;
    for (std::size_t i = 0; i < n; ++i, ++position) {
        const auto digit = position < text.size() ? hex_digit(text[position]) : std::nullopt;
        if (!digit)
            return error_at(position, SLUICE_E_INVALID_ARGUMENT, "an escape needs ", n, " hexadecimal digits");
        code = code << 4 | *digit;
    }
    return code;
}

bool is_high_surrogate(std::uint32_t code) {
    return code >= 0xD800 && code <= 0xDBFF;
}

Result<std::uint32_t> read_unicode(std::string_view text, std::size_t& position) {
    const std::size_t start = position;
    std::uint32_t code = 0;
    if (position < text.size() && text[position] == '{') {
        ++position;
        std::size_t n_digits = 0;
        for (; position < text.size() && text[position] != '}' && n_digits <= 6; ++position, ++n_digits) {
            const auto digit = hex_digit(text[position]);
            if (!digit) break;
            code = code << 4 | *digit;
        }
        if (n_digits == 0 || n_digits > 6 || position >= text.size() || text[position] != '}')
            return error_at(start, SLUICE_E_INVALID_ARGUMENT, "\\u{ needs 1 to 6 hexadecimal digits and }");
        ++position;
    } else {
        SLUICE_ASSIGN(unit, read_hex(text, position, 4));
        code = unit;
        if (is_high_surrogate(code) && text.substr(position, 2) == "\\u") {
            position += 2;
            SLUICE_ASSIGN(low, read_hex(text, position, 4));
            if (low < 0xDC00 || low > 0xDFFF)
                return error_at(start, SLUICE_E_INVALID_ARGUMENT, "half a surrogate pair is no character");
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    if (code > kMaxCodePoint || (code >= 0xD800 && code <= 0xDFFF))
        return error_at(start, SLUICE_E_INVALID_ARGUMENT, "an escape stands for no character");
    return code;
}

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::optional<CharacterSet> class_of_letter(char letter) {
    switch (letter) {
        case 'd':
            return digits();
        case 'D':
            return digits().complement();
        case 'w':
            return word();
        case 'W':
            return word().complement();
        case 's':
            return space();
        case 'S':
            return space().complement();
        default:
            return std::nullopt;
    }
}

Result<std::uint32_t> read_escaped_character(std::string_view text, std::size_t& position) {
    if (position >= text.size())
        return error_at(position, SLUICE_E_INVALID_ARGUMENT, "a backslash has nothing to escape");
    const char c = text[position];
    const std::size_t start = position++;
    switch (c) {
        case 't':
            return std::uint32_t{'\t'};
        case 'n':
            return std::uint32_t{'\n'};
        case 'r':
            return std::uint32_t{'\r'};
        case 'f':
            return std::uint32_t{'\f'};
        case 'v':
            return std::uint32_t{'\v'};
        case 'x':
            return read_hex(text, position, 2);
        case 'u':
            return read_unicode(text, position);
        case 'U': {
            SLUICE_ASSIGN(code, read_hex(text, position, 8));
            if (code > kMaxCodePoint || (code >= 0xD800 && code <= 0xDFFF))
                return error_at(start, SLUICE_E_INVALID_ARGUMENT, "an escape stands for no character");
            return code;
        }
        case '0':
            if (position >= text.size() || text[position] < '0' || text[position] > '9')
                return std::uint32_t{0};
            break;
        default:
            break;
    }
    if (is_letter_or_digit(c))
        return error_at(start, SLUICE_E_UNSUPPORTED, "the escape \\", std::string_view(&c, 1),
                        " is not supported");
    const CodePoint point = code_point_at(text, start);
    position = start + point.size;
    return point.code;
}

Result<CharacterSet> read_character_class(std::string_view text, std::size_t& position) {
    const std::size_t start = position;
    CharacterSet set;
    const bool is_negated = position < text.size() && text[position] == '^';
    if (is_negated) ++position;

    // One member: a character, or a class of its own such as \d, which begins no range.
    std::optional<CharacterSet> whole;
    const auto read_member = [&]() -> Result<std::uint32_t> {
        whole.reset();
        if (text[position] != '\\') {
            const CodePoint point = code_point_at(text, position);
            position += point.size;
            return point.code;
        }
        ++position;
        if (position < text.size()) {
            whole = class_of_letter(text[position]);
            if (whole) {
                ++position;
                return std::uint32_t{0};
            }
            if (text[position] == 'b') {
                ++position;
                return std::uint32_t{'\b'};
            }
        }
        return read_escaped_character(text, position);
    };
    while (position < text.size() && text[position] != ']') {
        SLUICE_ASSIGN(first, read_member());
        if (whole) {
            set.add(*whole);
            continue;
        }
        const bool is_range = position + 1 < text.size() && text[position] == '-' && text[position + 1] != ']';
        if (!is_range) {
            set.add(first, first);
            continue;
        }
        const std::size_t dash = position++;
        SLUICE_ASSIGN(last, read_member());
        if (whole) {
            set.add(first, first);
            set.add('-', '-');
            set.add(*whole);
            continue;
        }
        if (last < first) return error_at(dash, SLUICE_E_INVALID_ARGUMENT, "a range of characters is reversed");
        set.add(first, last);
    }
    if (position >= text.size())
        return error_at(start, SLUICE_E_INVALID_ARGUMENT, "a class of characters has no closing bracket");
    ++position;
    return is_negated ? set.complement() : set;
}

}  // namespace sluice::grammar
