// Reads a string in quotes, Python's or JSON's, byte by byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

// Everything between the quotes is a string: line ends too, and an escape that means nothing (\d, \u12) stays
// as it is written, since models write patterns and Windows paths without doubling the backslash. Halves of
// surrogate pairs meet; a half alone becomes U+FFFD. One more leniency: a quote with a letter, digit or '_'
// directly after it belongs to the string, because the family's templates show strings in single quotes without
// escaping any ('it's').
class StringLiteral {
public:
    enum class Notation { kPython, kPythonRaw, kJson };

    // Starts after the opening quote, ' or ". With keep_text, the text so far stays in front: adjacent strings.
    void open(char quote, Notation notation, bool keep_text);
    // False: the string has ended before this byte.
    bool push(char byte);
    // Whether the string would be closed if nothing followed.
    bool is_closed() const { return state_ == State::kQuote || state_ == State::kTwoQuotes; }

    char quote() const { return quote_; }
    std::string& text() { return text_; }  // bytes as they came; may be ill-formed UTF-8

private:
    enum class State {
        kFirst,      // directly after the opening quote
        kTwoQuotes,  // an empty string, unless a third quote makes it a triple one
        kBody,
        kQuote,  // a quote that closes, unless a word goes on after it
        kEscape,
        kEscapedReturn,  // backslash, carriage return
        kDigits,         // of \x, \u, \U
        kOctal,
    };

    bool push_body(char byte);
    void push_escape(char byte);
    void put(std::uint32_t code);
    void flush_surrogate();

    std::string text_;
    State state_ = State::kBody;
    Notation notation_ = Notation::kPython;
    char quote_ = '"';
    bool triple_ = false;
    std::uint32_t n_quotes_ = 0;  // at the end of a triple string
    std::string escape_;          // what an unfinished escape has shown
    std::uint32_t n_digits_ = 0;  // that the escape wants
    std::uint32_t code_ = 0;
    std::uint32_t high_surrogate_ = 0;
};

}  // namespace sluice
