// Escapes after the Python 3 language reference, section 2.4.1, and RFC 8259, section 7.
#include "text/output_parser/string_literal.h"

#include "base/utf8.h"
#include "text/output_parser/characters.h"

namespace sluice {

void StringLiteral::open(char quote, Notation notation, bool keep_text) {
    if (!keep_text) text_.clear();
    state_ = State::kFirst;
    notation_ = notation;
    quote_ = quote;
    triple_ = false;
    n_quotes_ = 0;
    high_surrogate_ = 0;
}

bool StringLiteral::push(char byte) {
    switch (state_) {
        case State::kFirst:
            if (byte == quote_) {
                state_ = State::kTwoQuotes;
                return true;
            }
            state_ = State::kBody;
            return push_body(byte);
        case State::kTwoQuotes:
            if (byte != quote_ || notation_ == Notation::kJson) return false;
            triple_ = true;
            state_ = State::kBody;
            return true;
        case State::kBody:
            return push_body(byte);
        case State::kQuote:
            if (triple_ || !is_word_byte(byte)) return false;
            flush_surrogate();
            text_ += quote_;
            state_ = State::kBody;
            return push_body(byte);
        case State::kEscape:
            push_escape(byte);
            return true;
        case State::kEscapedReturn:
            state_ = State::kBody;
            return byte == '\n' || push_body(byte);
        case State::kDigits:
            if (const int digit = hex_digit(byte); digit >= 0) {
                escape_ += byte;
                code_ = code_ << 4 | static_cast<std::uint32_t>(digit);
                if (--n_digits_ > 0) return true;
                state_ = State::kBody;
                if (code_ <= 0x10FFFF) {
                    put(code_);
                } else {
                    flush_surrogate();
                    text_ += escape_;
                }
                return true;
            }
            flush_surrogate();
            text_ += escape_;
            state_ = State::kBody;
            return push_body(byte);
        case State::kOctal:
            if (byte >= '0' && byte <= '7') {
                code_ = code_ << 3 | static_cast<std::uint32_t>(byte - '0');
                if (--n_digits_ > 0) return true;
                put(code_);
                state_ = State::kBody;
                return true;
            }
            put(code_);
            state_ = State::kBody;
            return push_body(byte);
    }
    return false;
}

bool StringLiteral::push_body(char byte) {
    if (triple_ && byte == quote_) {
        if (++n_quotes_ == 3) state_ = State::kQuote;
        return true;
    }
    // One or two quotes inside a triple string were text after all.
    if (n_quotes_ > 0) {
        flush_surrogate();
        text_.append(n_quotes_, quote_);
        n_quotes_ = 0;
    }
    if (byte == quote_) {
        flush_surrogate();
        state_ = State::kQuote;
    } else if (byte == '\\') {
        state_ = State::kEscape;
    } else {
        flush_surrogate();
        text_ += byte;
    }
    return true;
}

void StringLiteral::push_escape(char byte) {
    state_ = State::kBody;
    escape_ = {'\\', byte};
    code_ = 0;
    const auto keep = [&] {
        flush_surrogate();
        text_ += escape_;
    };
    // A backslash in a raw string only keeps the quote after it from closing.
    if (notation_ == Notation::kPythonRaw) return keep();
    const bool python = notation_ == Notation::kPython;
    switch (byte) {
        case 'n':
            return put('\n');
        case 't':
            return put('\t');
        case 'r':
            return put('\r');
        case 'b':
            return put('\b');
        case 'f':
            return put('\f');
        case '\\':
        case '"':
        case '\'':
            return put(static_cast<unsigned char>(byte));
        case '/':
            return python ? keep() : put('/');
        case 'u':
        case 'U':
        case 'x':
            if (byte != 'u' && !python) return keep();
            n_digits_ = byte == 'x' ? 2 : byte == 'u' ? 4 : 8;
            state_ = State::kDigits;
            return;
        default:
            break;
    }
    if (!python) return keep();
    switch (byte) {
        case 'a':
            return put('\a');
        case 'v':
            return put('\v');
        case '\n':
            return flush_surrogate();
        case '\r':
            state_ = State::kEscapedReturn;
            return flush_surrogate();
        default:
            break;
    }
    if (byte < '0' || byte > '7') return keep();
    code_ = static_cast<std::uint32_t>(byte - '0');
    n_digits_ = 2;
    state_ = State::kOctal;
}

void StringLiteral::put(std::uint32_t code) {
    if (high_surrogate_ != 0 && code >= 0xDC00 && code <= 0xDFFF) {
        append_utf8(text_, 0x10000 + ((high_surrogate_ - 0xD800) << 10) + (code - 0xDC00));
        high_surrogate_ = 0;
        return;
    }
    flush_surrogate();
    if (code >= 0xD800 && code <= 0xDBFF) {
        high_surrogate_ = code;
    } else if (code >= 0xDC00 && code <= 0xDFFF) {
        append_utf8(text_, 0xFFFD);
    } else {
        append_utf8(text_, code);
    }
}

void StringLiteral::flush_surrogate() {
    if (high_surrogate_ != 0) append_utf8(text_, 0xFFFD);
    high_surrogate_ = 0;
}

}  // namespace sluice
