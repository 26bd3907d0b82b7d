// The pre-tokenizer as a scanner by hand: a backtracking regex would need a stack or quadratic time on runs
// of a million spaces or letters.
#include "text/pre_tokenizer.h"

#include <utf8proc.h>

#include <cstdint>

#include "base/utf8.h"

namespace sluice {
namespace {

enum class Class { kLetter, kNumber, kLineEnd, kSpace, kSymbol, kEnd };

struct Character {
    Class kind = Class::kEnd;
    std::uint32_t code = 0;
    std::size_t end = 0;  // where the next one starts
};

// Unicode's White_Space beyond ASCII, as \s has it. U+001C to U+001F and U+200B are not among them.
bool is_wide_space(std::uint32_t code) {
    return code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
           code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

Class classify_ascii(std::uint32_t code) {
    if ((code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z')) return Class::kLetter;
    if (code >= '0' && code <= '9') return Class::kNumber;
    if (code == '\r' || code == '\n') return Class::kLineEnd;
    if (code == ' ' || (code >= 0x09 && code <= 0x0D)) return Class::kSpace;
    return Class::kSymbol;
}

Class classify(std::uint32_t code) {
    if (is_wide_space(code)) return Class::kSpace;
    switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
        case UTF8PROC_CATEGORY_LU:
        case UTF8PROC_CATEGORY_LL:
        case UTF8PROC_CATEGORY_LT:
        case UTF8PROC_CATEGORY_LM:
        case UTF8PROC_CATEGORY_LO:
            return Class::kLetter;
        case UTF8PROC_CATEGORY_ND:
        case UTF8PROC_CATEGORY_NL:
        case UTF8PROC_CATEGORY_NO:
            return Class::kNumber;
        default:
            return Class::kSymbol;
    }
}

Character character_at(std::string_view text, std::size_t position) {
    if (position >= text.size()) return {Class::kEnd, 0, position};
    const auto byte = static_cast<unsigned char>(text[position]);
    if (byte < 0x80) return {classify_ascii(byte), byte, position + 1};
    const CodePoint point = code_point_at(text, position);
    return {point.valid ? classify(point.code) : Class::kSymbol, point.code, position + point.size};
}

std::size_t skip(std::string_view text, std::size_t position, Class kind) {
    Character next = character_at(text, position);
    while (next.kind == kind) {
        position = next.end;
        next = character_at(text, position);
    }
    return position;
}

std::uint32_t ascii_lower(std::uint32_t code) {
    if (code == 0x17F) return 's';  // the long s folds to s
    return code >= 'A' && code <= 'Z' ? code + ('a' - 'A') : code;
}

// The end of 's 't 'm 'd 'll 've 're after an apostrophe that ends at position, or 0.
std::size_t contraction_end(std::string_view text, std::size_t position) {
    const Character first = character_at(text, position);
    if (first.kind != Class::kLetter) return 0;
    const std::uint32_t letter = ascii_lower(first.code);
    if (letter == 's' || letter == 'd' || letter == 'm' || letter == 't') return first.end;
    const Character second = character_at(text, first.end);
    if (second.kind != Class::kLetter) return 0;
    const std::uint32_t other = ascii_lower(second.code);
    const bool found = (letter == 'l' && other == 'l') || ((letter == 'v' || letter == 'r') && other == 'e');
    return found ? second.end : 0;
}

// ` ?[^\s\p{L}\p{N}]+[\r\n]*` from its first symbol on.
std::size_t symbols_end(std::string_view text, std::size_t position) {
    return skip(text, skip(text, position, Class::kSymbol), Class::kLineEnd);
}

std::size_t up_to_three_numbers(std::string_view text, std::size_t position) {
    for (int i = 0; i < 3; ++i) {
        const Character next = character_at(text, position);
        if (next.kind != Class::kNumber) break;
        position = next.end;
    }
    return position;
}

// `\s*[\r\n]|\s+(?!\S)|\s`: as far as the last line end of the run; else the run, but its last character
// stays for what follows, if something does and it is not alone.
std::size_t white_space_end(std::string_view text, std::size_t begin) {
    std::size_t last_line_end = 0;
    std::size_t last_start = begin;
    std::size_t position = begin;
    for (;;) {
        const Character next = character_at(text, position);
        if (next.kind != Class::kSpace && next.kind != Class::kLineEnd) break;
        if (next.kind == Class::kLineEnd) last_line_end = next.end;
        last_start = position;
        position = next.end;
    }
    if (last_line_end != 0) return last_line_end;
    return position == text.size() || last_start == begin ? position : last_start;
}

}  // namespace

std::size_t piece_end(std::string_view text, std::size_t begin) {
    const Character first = character_at(text, begin);
    if (first.kind == Class::kLetter) return skip(text, first.end, Class::kLetter);
    if (first.kind == Class::kNumber) return up_to_three_numbers(text, begin);
    if (first.code == '\'') {
        if (const std::size_t end = contraction_end(text, first.end)) return end;
    }
    if (first.kind == Class::kLineEnd) return white_space_end(text, begin);
    const Character second = character_at(text, first.end);
    if (second.kind == Class::kLetter) return skip(text, second.end, Class::kLetter);
    if (first.kind == Class::kSymbol) return symbols_end(text, begin);
    if (first.code == ' ' && second.kind == Class::kSymbol) return symbols_end(text, first.end);
    return white_space_end(text, begin);
}

}  // namespace sluice
