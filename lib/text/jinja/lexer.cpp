// The rules of white space are those of the lexer of jinja2 3.1, found by trying it.
#include "text/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/utf8.h"
#include "text/jinja/characters.h"
#include "text/jinja/string_literal.h"

namespace sluice::jinja {
namespace {

// "\r\n" and "\r" become "\n"; one newline at the end goes.
std::string normalised(std::string_view source) {
    std::string text;
    text.reserve(source.size());
    for (std::size_t i = 0; i < source.size(); ++i) {
        if (source[i] != '\r') {
            text += source[i];
        } else {
            text += '\n';
            if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
        }
    }
    if (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

bool is_ascii_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

class Lexer {
public:
    explicit Lexer(std::string_view source) : source_(source) {}

    Result<std::vector<Token>> run() {
        while (at_ < source_.size()) {
            const std::size_t begin = find_tag();
            if (begin == std::string_view::npos) {
                put(TokenKind::kText, source_.substr(at_));
                move_to(source_.size());
                break;
            }
            const char kind = source_[begin + 1];
            char sign = begin + 2 < source_.size() ? source_[begin + 2] : '\0';
            if (sign != '-' && sign != '+') sign = '\0';
            put_text(source_.substr(at_, begin - at_), kind, sign);
            move_to(begin);
            const std::size_t body = begin + (sign == '\0' ? 2 : 3);
            if (kind == '#') {
                SLUICE_TRY(skip_comment(body));
            } else if (const auto raw = kind == '%' ? raw_body(body) : std::nullopt) {
                SLUICE_TRY(read_raw(*raw));
            } else {
                put(kind == '%' ? TokenKind::kBlockBegin : TokenKind::kVariableBegin, {});
                move_to(body);
                SLUICE_TRY(read_tag(kind));
            }
        }
        put(TokenKind::kEnd, {});
        return std::move(tokens_);
    }

private:
    std::size_t find_tag() const {
        for (std::size_t at = source_.find('{', at_); at != std::string_view::npos && at + 1 < source_.size();
             at = source_.find('{', at + 1)) {
            const char next = source_[at + 1];
            if (next == '%' || next == '{' || next == '#') return at;
        }
        return std::string_view::npos;
    }

    void move_to(std::size_t at) {
        line_ +=
            static_cast<std::uint32_t>(std::count(source_.begin() + static_cast<std::ptrdiff_t>(at_),
                                                  source_.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
        at_ = at;
    }

    void put(TokenKind kind, std::string_view text) {
        if (kind == TokenKind::kText && text.empty()) return;
        tokens_.push_back({kind, line_, std::string(text)});
    }

    // The text in front of a tag, less what the tag takes away.
    void put_text(std::string_view text, char kind, char sign) {
        if (sign == '-') {
            text = strip_right(text);
        } else if (sign != '+' && kind != '{') {
            const std::size_t newline = text.rfind('\n');
            const std::size_t line = newline == std::string_view::npos ? 0 : newline + 1;
            if ((line > 0 || line_starts_) && space_size(text.substr(line)) == text.size() - line)
                text = text.substr(0, line);
        }
        put(TokenKind::kText, text);
    }

    bool has(std::size_t at, std::string_view what) const { return source_.substr(at, what.size()) == what; }

    // Past the end of a tag that stands at `at` (in front of its sign): what follows it is taken away too.
    void move_past(std::size_t at, bool trims) {
        const char sign = source_[at];
        std::size_t end = at + (sign == '-' || sign == '+' ? 3 : 2);
        if (sign == '-') {
            end += space_size(source_.substr(end));
        } else if (sign != '+' && trims && has(end, "\n")) {
            ++end;
        }
        line_starts_ = source_[end - 1] == '\n';
        move_to(end);
    }

    Done skip_comment(std::size_t body) {
        const std::size_t end = source_.find("#}", body);
        if (end == std::string_view::npos)
            return error_in_line(line_, SLUICE_E_CORRUPT, "a comment begins here and has no end #}");
        const bool has_sign = end > body && (source_[end - 1] == '-' || source_[end - 1] == '+');
        move_past(has_sign ? end - 1 : end, true);
        return Nothing{};
    }

    // Whether a tag is just this word: where its end, with its sign, stands.
    std::optional<std::size_t> lone_word(std::size_t at, std::string_view word, bool may_have_plus) const {
        at += space_size(source_.substr(at));
        if (!has(at, word)) return std::nullopt;
        at += word.size();
        at += space_size(source_.substr(at));
        const bool ends = has(at, "%}") || has(at, "-%}") || (may_have_plus && has(at, "+%}"));
        return ends ? std::optional(at) : std::nullopt;
    }

    std::optional<std::size_t> raw_body(std::size_t body) const { return lone_word(body, "raw", false); }

    Done read_raw(std::size_t begin_end) {
        const std::uint32_t first_line = line_;
        move_past(begin_end, false);
        for (std::size_t at = source_.find("{%", at_); at != std::string_view::npos;
             at = source_.find("{%", at + 2)) {
            char sign = at + 2 < source_.size() ? source_[at + 2] : '\0';
            if (sign != '-' && sign != '+') sign = '\0';
            const auto end = lone_word(at + (sign == '\0' ? 2 : 3), "endraw", true);
            if (!end) continue;
            put_text(source_.substr(at_, at - at_), '%', sign);
            move_past(*end, true);
            return Nothing{};
        }
        return error_in_line(first_line, SLUICE_E_CORRUPT, "a raw block begins here and has no endraw");
    }

    // The tokens of one tag and its end.
    Done read_tag(char kind) {
        const std::string_view end = kind == '%' ? "%}" : "}}";
        std::string open;  // brackets that are not closed
        while (at_ < source_.size()) {
            if (open.empty()) {
                const char sign = source_[at_];
                const bool signed_end = (sign == '-' || (sign == '+' && kind == '%')) && has(at_ + 1, end);
                if (signed_end || has(at_, end)) {
                    put(kind == '%' ? TokenKind::kBlockEnd : TokenKind::kVariableEnd, {});
                    move_past(at_, kind == '%');
                    return Nothing{};
                }
            }
            if (const std::size_t space = space_size(source_.substr(at_)); space > 0) {
                move_to(at_ + space);
                continue;
            }
            SLUICE_TRY(read_token(open));
        }
        return Nothing{};  // the parser finds the end where it expects something else
    }

    Done read_token(std::string& open) {
        const char first = source_[at_];
        if (is_ascii_digit(first)) return read_number();
        if (first == '\'' || first == '"') return read_string(first);
        const CodePoint point = code_point_at(source_, at_);
        if (is_word(point.code)) {
            std::size_t end = at_;
            while (end < source_.size()) {
                const CodePoint next = code_point_at(source_, end);
                if (!is_word(next.code)) break;
                end += next.size;
            }
            put(TokenKind::kName, source_.substr(at_, end - at_));
            move_to(end);
            return Nothing{};
        }
        return read_sign(open);
    }

    // Digits with single underscores between them.
    std::size_t digits_end(std::size_t at) const {
        while (at < source_.size() &&
               (is_ascii_digit(source_[at]) || (source_[at] == '_' && at + 1 < source_.size() &&
                                                is_ascii_digit(source_[at + 1]) && source_[at - 1] != '_')))
            ++at;
        return at;
    }

    std::size_t exponent_end(std::size_t at) const {
        if (!has(at, "e") && !has(at, "E")) return at;
        std::size_t digits = at + 1;
        if (has(digits, "+") || has(digits, "-")) ++digits;
        return digits < source_.size() && is_ascii_digit(source_[digits]) ? digits_end(digits) : at;
    }

    Done read_number() {
        constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF_";
        std::size_t end = at_;
        TokenKind kind = TokenKind::kInteger;
        if (source_[at_] == '0' && at_ + 2 < source_.size() &&
            std::string_view("xXoObB").find(source_[at_ + 1]) != std::string_view::npos) {
            const std::string_view digits =
                std::string_view("xX").find(source_[at_ + 1]) != std::string_view::npos   ? kHexDigits
                : std::string_view("oO").find(source_[at_ + 1]) != std::string_view::npos ? "01234567_"
                                                                                          : "01_";
            end = std::min(source_.find_first_not_of(digits, at_ + 2), source_.size());
        } else {
            end = digits_end(at_);
            if (has(end, ".") && end + 1 < source_.size() && is_ascii_digit(source_[end + 1]) &&
                (at_ == 0 || source_[at_ - 1] != '.')) {
                end = digits_end(end + 1);
                kind = TokenKind::kFloat;
            }
            if (const std::size_t past = exponent_end(end); past != end) {
                end = past;
                kind = TokenKind::kFloat;
            }
            if (kind == TokenKind::kInteger && source_[at_] == '0' &&
                source_.substr(at_, end - at_).find_first_not_of("0_") != std::string_view::npos)
                return error_in_line(line_, SLUICE_E_CORRUPT, "a number begins with 0");
        }
        std::string digits(source_.substr(at_, end - at_));
        digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
        put(kind, digits);
        move_to(end);
        return Nothing{};
    }

    Done read_string(char quote) {
        std::size_t end = at_ + 1;
        while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
        if (end >= source_.size())
            return error_in_line(line_, SLUICE_E_CORRUPT, "a string begins here and has no end ", quote);
        auto decoded = decode_string(source_.substr(at_ + 1, end - at_ - 1));
        if (!decoded) return error_in_line(line_, decoded.error().status, decoded.error().message);
        put(TokenKind::kString, *decoded);
        move_to(end + 1);
        return Nothing{};
    }

    Done read_sign(std::string& open) {
        constexpr std::array<std::string_view, 26> kSigns = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                                             "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                             ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};
        for (const std::string_view sign : kSigns) {
            if (!has(at_, sign)) continue;
            const char bracket = sign[0];
            if (bracket == '(' || bracket == '[' || bracket == '{') open += bracket;
            if (bracket == ')' || bracket == ']' || bracket == '}') {
                const char wanted = bracket == ')' ? '(' : bracket == ']' ? '[' : '{';
                if (open.empty() || open.back() != wanted)
                    return error_in_line(line_, SLUICE_E_CORRUPT, "a ", bracket, " without its ", wanted);
                open.pop_back();
            }
            put(TokenKind::kSign, sign);
            move_to(at_ + sign.size());
            return Nothing{};
        }
        const CodePoint point = code_point_at(source_, at_);
        return error_in_line(line_, SLUICE_E_CORRUPT, "expected an expression, found the character ",
                             printable(source_.substr(at_, point.size)));
    }

    std::string_view source_;
    std::size_t at_ = 0;
    std::uint32_t line_ = 1;
    bool line_starts_ = true;
    std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view source, const Limits& limits) {
    if (source.size() > limits.max_source)
        return make_error(SLUICE_E_LIMIT, "the template has ", source.size(), " bytes, more than ",
                          limits.max_source);
    if (!is_utf8(source)) return make_error(SLUICE_E_CORRUPT, "the template is not valid UTF-8");
    const std::string text = normalised(source);
    return Lexer(text).run();
}

}  // namespace sluice::jinja
