// The tokens of a template, one after the other, and what the two halves of the parser share.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "text/jinja/lexer.h"
#include "text/jinja/syntax.h"

namespace sluice::jinja {

class TokenReader {
public:
    TokenReader(std::vector<Token> tokens, const Limits& limits) : tokens_(std::move(tokens)), limits_(limits) {
        for (const std::string_view name : {"loop", "caller", "varargs", "kwargs"}) number_of(name);
    }

    const Token& now() const { return tokens_[at_]; }
    const Token& after() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
    std::uint32_t line() const { return now().line; }
    void skip() {
        if (at_ + 1 < tokens_.size()) ++at_;
    }

    bool is(TokenKind kind) const { return now().kind == kind; }
    bool is_sign(std::string_view sign) const { return is(TokenKind::kSign) && now().text == sign; }
    bool is_word(std::string_view word) const { return is(TokenKind::kName) && now().text == word; }
    bool is_one_of(std::initializer_list<std::string_view> words) const {
        for (const std::string_view word : words) {
            if (is_word(word)) return true;
        }
        return false;
    }
    bool take_sign(std::string_view sign) { return is_sign(sign) && (skip(), true); }
    bool take_word(std::string_view word) { return is_word(word) && (skip(), true); }

    // Errors: CORRUPT.
    Done expect_sign(std::string_view sign) { return take_sign(sign) ? Done(Nothing{}) : Done(expected(sign)); }
    Done expect_word(std::string_view word) { return take_word(word) ? Done(Nothing{}) : Done(expected(word)); }
    Done expect(TokenKind kind, std::string_view what) {
        if (!is(kind)) return expected(what);
        skip();
        return Nothing{};
    }
    Result<std::string> expect_name() {
        if (!is(TokenKind::kName)) return expected("a name");
        std::string name = now().text;
        skip();
        return name;
    }

    Error expected(std::string_view what) const {
        return error_in_line(line(), SLUICE_E_CORRUPT, "expected ", what, ", found ", spelled());
    }

    NameId number_of(std::string_view name) {
        const auto [at, is_new] = names_.emplace(std::string(name), static_cast<NameId>(spellings_.size()));
        if (is_new) spellings_.push_back(at->first);
        return at->second;
    }

    // One level of the source's nesting. Errors: LIMIT.
    Done check_depth() const {
        if (depth_ <= limits_.max_depth) return Nothing{};
        return error_in_line(line(), SLUICE_E_LIMIT, "nested deeper than ", limits_.max_depth);
    }

protected:
    friend class Nested;

    std::string spelled() const {
        switch (now().kind) {
            case TokenKind::kText:
                return "text outside of tags";
            case TokenKind::kVariableBegin:
                return "{{";
            case TokenKind::kVariableEnd:
                return "}}";
            case TokenKind::kBlockBegin:
                return "{%";
            case TokenKind::kBlockEnd:
                return "%}";
            case TokenKind::kString:
                return "the string '" + printable(now().text, 32) + "'";
            case TokenKind::kEnd:
                return "the end of the template";
            default:
                return printable(now().text, 32);
        }
    }

    std::vector<Token> tokens_;
    std::size_t at_ = 0;
    const Limits& limits_;
    std::uint32_t depth_ = 0;
    std::unordered_map<std::string, NameId> names_;
    std::vector<std::string> spellings_;
};

// Counts a level of nesting while it lives.
class Nested {
public:
    explicit Nested(TokenReader& reader) : reader_(reader) { ++reader_.depth_; }
    ~Nested() { --reader_.depth_; }
    Nested(const Nested&) = delete;
    Nested& operator=(const Nested&) = delete;

private:
    TokenReader& reader_;
};

}  // namespace sluice::jinja
