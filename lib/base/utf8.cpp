// UTF-8 after table 3-7 of the Unicode standard: which second bytes a lead byte admits.
#include "base/utf8.h"

namespace sluice {
namespace {

// A lead byte's sequence: its length and the range of its second byte.
struct Sequence {
    std::uint32_t size;
    unsigned char second_least;
    unsigned char second_most;
};

Sequence sequence_of(unsigned char lead) {
    if (lead < 0x80) return {1, 0, 0};
    if (lead >= 0xC2 && lead <= 0xDF) return {2, 0x80, 0xBF};
    if (lead == 0xE0) return {3, 0xA0, 0xBF};
    if (lead == 0xED) return {3, 0x80, 0x9F};
    if (lead >= 0xE1 && lead <= 0xEF) return {3, 0x80, 0xBF};
    if (lead == 0xF0) return {4, 0x90, 0xBF};
    if (lead >= 0xF1 && lead <= 0xF3) return {4, 0x80, 0xBF};
    if (lead == 0xF4) return {4, 0x80, 0x8F};
    return {0, 0, 0};
}

// How many bytes from position form the longest beginning of a valid sequence; 0 for a bad lead byte.
std::uint32_t well_formed_size(std::string_view text, std::size_t position, const Sequence& sequence) {
    if (sequence.size == 0) return 0;
    std::uint32_t n = 1;
    while (n < sequence.size && position + n < text.size()) {
        const auto byte = static_cast<unsigned char>(text[position + n]);
        const unsigned char least = n == 1 ? sequence.second_least : 0x80;
        const unsigned char most = n == 1 ? sequence.second_most : 0xBF;
        if (byte < least || byte > most) break;
        ++n;
    }
    return n;
}

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

}  // namespace

CodePoint code_point_at(std::string_view text, std::size_t position) {
    const auto lead = static_cast<unsigned char>(text[position]);
    const Sequence sequence = sequence_of(lead);
    if (sequence.size == 1) return {lead, 1, true};
    if (sequence.size == 0 || well_formed_size(text, position, sequence) != sequence.size)
        return {lead, 1, false};
    std::uint32_t code = lead & (0x7Fu >> sequence.size);
    for (std::uint32_t i = 1; i < sequence.size; ++i) {
        code = code << 6 | (static_cast<unsigned char>(text[position + i]) & 0x3Fu);
    }
    return {code, sequence.size, true};
}

void append_utf8(std::string& text, std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { text += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | code >> 6);
        put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put(0xE0 | code >> 12);
        put(0x80 | (code >> 6 & 0x3F));
        put(0x80 | (code & 0x3F));
    } else {
        put(0xF0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3F));
        put(0x80 | (code >> 6 & 0x3F));
        put(0x80 | (code & 0x3F));
    }
}

bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        if (!point.valid) return false;
        at += point.size;
    }
    return true;
}

std::string replace_invalid_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    append_valid_utf8(out, text);
    return out;
}

void append_valid_utf8(std::string& out, std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        if (point.valid) {
            out.append(text.substr(at, point.size));
            at += point.size;
            continue;
        }
        const Sequence sequence = sequence_of(static_cast<unsigned char>(text[at]));
        const std::uint32_t skipped = well_formed_size(text, at, sequence);
        out.append(kReplacement);
        at += skipped == 0 ? 1 : skipped;
    }
}

std::size_t complete_utf8_size(std::string_view text) {
    const std::size_t furthest = text.size() < 3 ? text.size() : 3;
    for (std::size_t back = 1; back <= furthest; ++back) {
        const std::size_t at = text.size() - back;
        const Sequence sequence = sequence_of(static_cast<unsigned char>(text[at]));
        if (sequence.size <= 1) continue;
        const bool cut_short = sequence.size > back && well_formed_size(text, at, sequence) == back;
        return cut_short ? at : text.size();
    }
    return text.size();
}

std::string printable(std::string_view text, std::size_t max_size) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = code_point_at(text, at);
        std::string piece;
        // C1 controls move a terminal's cursor like C0 ones do.
        const bool is_control = point.code < 0x20 || (point.code >= 0x7F && point.code < 0xA0);
        if (point.valid && !is_control) {
            piece = text.substr(at, point.size);
        } else {
            for (std::uint32_t i = 0; i < point.size; ++i) {
                const auto byte = static_cast<unsigned char>(text[at + i]);
                piece += "\\x";
                piece += kDigits[byte >> 4];
                piece += kDigits[byte & 15];
            }
        }
        if (out.size() + piece.size() > max_size) return out + "...";
        out += piece;
        at += point.size;
    }
    return out;
}

}  // namespace sluice
