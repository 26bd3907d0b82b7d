// Python's numeric literals after its language reference, section 2.4.4 to 2.4.6.
#include "text/output_parser/number_literal.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>

#include "text/output_parser/characters.h"

namespace sluice {
namespace {

// Takes digits from the front of `text`. False where an underscore does not stand between two digits.
bool take_digits(std::string_view& text, std::string& digits) {
    while (!text.empty()) {
        if (text.front() == '_') {
            if (digits.empty() || text.size() < 2 || !is_decimal_digit(text[1])) return false;
        } else if (is_decimal_digit(text.front())) {
            digits += text.front();
        } else {
            break;
        }
        text.remove_prefix(1);
    }
    return true;
}

std::optional<std::string> with_base(std::string_view text, int base) {
    std::string digits;
    for (const char byte : text) {
        if (byte != '_') digits += byte;
    }
    std::uint64_t value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
    if (error != std::errc() || stop != end) return std::nullopt;
    return std::to_string(value);
}

// Of a number that is out of range: whether it is above 1. An exponent that does not fit is larger than any
// count of digits in front of it.
bool is_large(std::string_view whole, std::string_view fraction, std::string_view exponent,
              std::string_view number) {
    const bool is_negative = number.find("e-") != number.npos || number.find("E-") != number.npos;
    std::int64_t power = 0;
    const auto parsed = std::from_chars(exponent.data(), exponent.data() + exponent.size(), power);
    if (parsed.ec == std::errc::result_out_of_range) return !is_negative;
    const std::size_t zeros = std::min(fraction.find_first_not_of('0'), fraction.size());
    const auto n_before_point =
        whole.empty() ? -static_cast<std::int64_t>(zeros) : static_cast<std::int64_t>(whole.size());
    return n_before_point + (is_negative ? -power : power) > 0;
}

}  // namespace

std::optional<std::string> json_number(bool negative, std::string_view text) {
    std::string out = negative ? "-" : "";
    if (text.size() > 2 && text[0] == '0') {
        const char kind = static_cast<char>(text[1] | 0x20);
        const int base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 0;
        if (base != 0) {
            const auto value = with_base(text.substr(2), base);
            if (!value) return std::nullopt;
            return out + *value;
        }
    }
    std::string whole;
    std::string fraction;
    std::string exponent;
    if (!take_digits(text, whole)) return std::nullopt;
    const bool has_point = !text.empty() && text.front() == '.';
    if (has_point) {
        text.remove_prefix(1);
        if (!take_digits(text, fraction)) return std::nullopt;
    }
    if (whole.empty() && fraction.empty()) return std::nullopt;
    const std::size_t zeros = std::min(whole.find_first_not_of('0'), whole.size());
    whole.erase(0, zeros);
    out += whole.empty() ? "0" : whole;
    if (has_point) out += '.' + (fraction.empty() ? "0" : fraction);
    const bool has_exponent = !text.empty() && (text.front() == 'e' || text.front() == 'E');
    if (has_exponent) {
        out += text.front();
        text.remove_prefix(1);
        if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
            out += text.front();
            text.remove_prefix(1);
        }
        if (!take_digits(text, exponent) || exponent.empty()) return std::nullopt;
        out += exponent;
    }
    if (!text.empty()) return std::nullopt;
    if (!has_point && !has_exponent) return out;
    double value = 0;
    const auto parsed = std::from_chars(out.data(), out.data() + out.size(), value);
    // from_chars says the same for what is too large and for what is too near to zero; only the former is
    // refused.
    if (parsed.ec == std::errc::result_out_of_range && is_large(whole, fraction, exponent, out))
        return std::nullopt;
    return out;
}

}  // namespace sluice
