// Numbers in texts; without the locale.
#include "text/jinja/number_text.h"

#include <charconv>
#include <limits>
#include <string>

#include "text/jinja/characters.h"

namespace sluice::jinja {
namespace {

std::string_view without_space(std::string_view text) {
    return strip_right(strip_left(text));
}

bool take_sign(std::string_view& text) {
    const bool negative = !text.empty() && text[0] == '-';
    if (negative || (!text.empty() && text[0] == '+')) text.remove_prefix(1);
    return negative;
}

// Single underscores between digits go; nothing where one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '_') {
            out += text[i];
        } else if (i == 0 || i + 1 == text.size() || text[i - 1] == '_') {
            return std::nullopt;
        }
    }
    return out;
}

std::int64_t base_of_prefix(std::string_view text) {
    if (text.size() < 2 || text[0] != '0') return 10;
    switch (text[1]) {
        case 'x':
        case 'X':
            return 16;
        case 'o':
        case 'O':
            return 8;
        case 'b':
        case 'B':
            return 2;
        default:
            return 10;
    }
}

}  // namespace

WholeText read_whole(std::string_view text, std::int64_t base) {
    text = without_space(text);
    const bool negative = take_sign(text);
    const std::int64_t prefix = base_of_prefix(text);
    if (base == 0) base = prefix;
    if (prefix == base && prefix != 10) {
        text.remove_prefix(2);
        if (!text.empty() && text[0] == '_') text.remove_prefix(1);
    }
    const auto digits = without_underscores(text);
    if (!digits || digits->empty() || base < 2 || base > 36 || digits->front() == '-') return {};
    const std::string signed_digits = (negative ? "-" : "") + *digits;
    std::int64_t value = 0;
    const char* last = signed_digits.data() + signed_digits.size();
    const auto [end, failure] = std::from_chars(signed_digits.data(), last, value, static_cast<int>(base));
    if (end != last) return {};
    if (failure == std::errc::result_out_of_range) return {std::nullopt, true};
    return failure == std::errc() ? WholeText{value, false} : WholeText{};
}

std::optional<double> read_real(std::string_view text) {
    text = without_space(text);
    const bool negative = take_sign(text);
    const auto digits = without_underscores(text);
    if (!digits || digits->empty() || digits->front() == '-') return std::nullopt;
    double value = 0;
    const char* last = digits->data() + digits->size();
    const auto [end, failure] = std::from_chars(digits->data(), last, value);
    if (end != last || failure == std::errc::invalid_argument) return std::nullopt;
    if (digits->find('(') != std::string::npos) return std::nullopt;  // nan(...) is of C alone
    if (failure == std::errc::result_out_of_range)
        value = digits->find("e-") != std::string::npos || digits->find("E-") != std::string::npos
                    ? 0
                    : std::numeric_limits<double>::infinity();
    return negative ? -value : value;
}

}  // namespace sluice::jinja
