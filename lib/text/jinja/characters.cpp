// What Unicode says of characters comes from utf8proc.
#include "text/jinja/characters.h"

#include <algorithm>

#include <utf8proc.h>

#include "base/utf8.h"

namespace sluice::jinja {
namespace {

constexpr std::uint32_t kSharpS = 0xDF;

utf8proc_category_t category_of(std::uint32_t code) {
    return utf8proc_category(static_cast<utf8proc_int32_t>(code));
}

std::uint32_t cased(std::uint32_t code, utf8proc_int32_t (*to)(utf8proc_int32_t)) {
    return static_cast<std::uint32_t>(to(static_cast<utf8proc_int32_t>(code)));
}

bool contains(std::string_view set, std::string_view character) {
    return set.find(character) != std::string_view::npos;
}

// Where the last character begins. Requires text not to be empty.
std::size_t last_character(std::string_view text) {
    std::size_t at = text.size() - 1;
    while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
    return at;
}

}  // namespace

std::size_t count_characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

std::size_t byte_of_character(std::string_view text, std::size_t character) {
    std::size_t at = 0;
    for (; at < text.size(); ++at) {
        if ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) continue;
        if (character == 0) return at;
        --character;
    }
    return text.size();
}

bool is_space(std::uint32_t code) {
    // Those of the classes Zs, B, S and WS: https://docs.python.org/3/library/stdtypes.html#str.isspace
    return (code >= 0x09 && code <= 0x0D) || (code >= 0x1C && code <= 0x20) || code == 0x85 || code == 0xA0 ||
           code == 0x1680 || (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 ||
           code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_letter(std::uint32_t code) {
    const auto category = category_of(code);
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal(std::uint32_t code) {
    return category_of(code) == UTF8PROC_CATEGORY_ND;
}

bool is_digit(std::uint32_t code) {
    return is_decimal(code) || code == 0xB2 || code == 0xB3 || code == 0xB9 || code == 0x2070 ||
           (code >= 0x2074 && code <= 0x2079) || (code >= 0x2080 && code <= 0x2089);
}

bool is_numeric(std::uint32_t code) {
    const auto category = category_of(code);
    return category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
}

bool is_upper(std::uint32_t code) {
    return category_of(code) == UTF8PROC_CATEGORY_LU;
}

bool is_lower(std::uint32_t code) {
    return category_of(code) == UTF8PROC_CATEGORY_LL;
}

bool is_printable(std::uint32_t code) {
    if (code == ' ') return true;
    const auto category = category_of(code);
    return category != UTF8PROC_CATEGORY_CN && category < UTF8PROC_CATEGORY_ZS;
}

bool is_word(std::uint32_t code) {
    if (code < 0x80)
        return (code >= '0' && code <= '9') || (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') ||
               code == '_';
    return is_letter(code) || is_numeric(code);
}

void append_upper(std::string& text, std::uint32_t code) {
    if (code == kSharpS) {
        text += "SS";
    } else {
        append_utf8(text, cased(code, utf8proc_toupper));
    }
}

void append_lower(std::string& text, std::uint32_t code) {
    append_utf8(text, cased(code, utf8proc_tolower));
}

void append_title(std::string& text, std::uint32_t code) {
    if (code == kSharpS) {
        text += "Ss";
    } else {
        append_utf8(text, cased(code, utf8proc_totitle));
    }
}

std::string to_upper(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        append_upper(out, point.code);
        at += point.size;
    }
    return out;
}

std::string to_lower(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        append_lower(out, point.code);
        at += point.size;
    }
    return out;
}

std::size_t space_size(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        const CodePoint point = code_point_at(text, at);
        if (!is_space(point.code)) break;
        at += point.size;
    }
    return at;
}

std::string_view strip_left(std::string_view text) {
    return text.substr(space_size(text));
}

std::string_view strip_right(std::string_view text) {
    while (!text.empty()) {
        const std::size_t at = last_character(text);
        if (!is_space(code_point_at(text, at).code)) break;
        text = text.substr(0, at);
    }
    return text;
}

std::string_view strip_left(std::string_view text, std::string_view set) {
    while (!text.empty()) {
        const std::size_t size = code_point_at(text, 0).size;
        if (!contains(set, text.substr(0, size))) break;
        text = text.substr(size);
    }
    return text;
}

std::string_view strip_right(std::string_view text, std::string_view set) {
    while (!text.empty()) {
        const std::size_t at = last_character(text);
        if (!contains(set, text.substr(at))) break;
        text = text.substr(0, at);
    }
    return text;
}

}  // namespace sluice::jinja
