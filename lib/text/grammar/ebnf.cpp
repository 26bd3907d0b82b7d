// Reads a grammar and builds its automaton as it goes. Groups nest, so the parser does, within a budget.
#include "text/grammar/ebnf.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include "base/sentence.h"
#include "base/utf8.h"
#include "text/grammar/character_class.h"
#include "text/grammar/spelling.h"

namespace sluice::grammar {
namespace {

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Result<Automaton> parse() {
        skip_space();
        while (position_ < text_.size()) SLUICE_TRY(read_rule());
        for (const auto& [name, known] : rules_) {
            if (known.is_defined) continue;
            return error_at(known.place, SLUICE_E_INVALID_ARGUMENT, "the grammar names the rule ",
                            printable(name), " and does not define it");
        }
        const auto root = rules_.find("root");
        if (root == rules_.end())
            return make_error(SLUICE_E_INVALID_ARGUMENT, "the grammar has no rule named root");
        return builder_.finish(root->second.rule, "the grammar");
    }

private:
    struct Known {
        RuleId rule = 0;
        std::size_t place = 0;  // where it was named first
        bool is_defined = false;
    };

    Error fail(std::string_view why) const { return error_at(position_, SLUICE_E_INVALID_ARGUMENT, why); }
    char here() const { return position_ < text_.size() ? text_[position_] : '\0'; }

    void skip_space() {
        while (position_ < text_.size()) {
            const char c = text_[position_];
            if (c == '#') {
                while (position_ < text_.size() && text_[position_] != '\n') ++position_;
            } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
                ++position_;
            } else {
                return;
            }
        }
    }

    std::string_view read_name() {
        const std::size_t start = position_;
        while (position_ < text_.size() && is_name_character(text_[position_])) ++position_;
        return text_.substr(start, position_ - start);
    }

    // The text goes on with a name and "::=", the beginning of the next rule.
    bool at_rule() {
        const std::size_t start = position_;
        const bool has_name = !read_name().empty();
        skip_space();
        const bool found = has_name && text_.substr(position_).starts_with("::=");
        position_ = start;
        return found;
    }

    Result<RuleId> rule_of(std::string_view name) {
        const auto known = rules_.find(name);
        if (known != rules_.end()) return known->second.rule;
        if (rules_.size() >= kMaxGrammarRules)
            return error_at(position_, SLUICE_E_LIMIT, "a grammar may have ", kMaxGrammarRules, " rules");
        const RuleId rule = builder_.add_rule(std::string(name));
        rules_.emplace(std::string(name), Known{rule, position_, false});
        return rule;
    }

    Done read_rule() {
        const std::size_t start = position_;
        const std::string_view name = read_name();
        if (name.empty()) return fail("the grammar needs a rule here: a name, then ::=");
        SLUICE_ASSIGN(rule, rule_of(name));
        skip_space();
        if (!text_.substr(position_).starts_with("::=")) return fail("after the name of a rule comes ::=");
        position_ += 3;
        Known& known = rules_.find(name)->second;
        if (known.is_defined) {
            return error_at(start, SLUICE_E_INVALID_ARGUMENT, "the rule ", printable(name),
                            " is defined twice");
        }
        known.is_defined = true;
        const Rule ends = builder_.rule(rule);
        return read_choice(ends.start, ends.end, 0);
    }

    Done read_choice(StateId from, StateId to, std::size_t depth) {
        if (depth > kMaxGrammarDepth) {
            return error_at(position_, SLUICE_E_LIMIT, "the grammar nests deeper than ", kMaxGrammarDepth,
                            " groups");
        }
        while (true) {
            SLUICE_TRY(read_sequence(from, to, depth));
            if (here() != '|') return Nothing{};
            ++position_;
        }
    }

    Done read_sequence(StateId from, StateId to, std::size_t depth) {
        skip_space();
        while (position_ < text_.size() && here() != '|' && here() != ')' && !at_rule()) {
            const StateId start = builder_.add_state();
            const StateId end = builder_.add_state();
            const StateId next = builder_.add_state();
            SLUICE_TRY(read_element(start, end, depth));
            skip_space();
            SLUICE_TRY(read_quantifiers(from, start, end, next));
            from = next;
            skip_space();
        }
        builder_.add_free(from, to);
        return Nothing{};
    }

    Done read_element(StateId from, StateId to, std::size_t depth) {
        Speller speller(builder_, Spelling::kPlain);
        const char c = here();
        if (c == '"') {
            ++position_;
            return read_literal(from, to);
        }
        if (c == '[') {
            ++position_;
            SLUICE_ASSIGN(set, read_character_class(text_, position_));
            speller.add(from, set, to);
            return Nothing{};
        }
        if (c == '.') {
            ++position_;
            speller.add(from, CharacterSet::all(), to);
            return Nothing{};
        }
        if (c == '(') {
            ++position_;
            SLUICE_TRY(read_choice(from, to, depth + 1));
            if (here() != ')') return fail("a group has no closing parenthesis");
            ++position_;
            return Nothing{};
        }
        const std::string_view name = read_name();
        if (name.empty()) {
            const CodePoint point = code_point_at(text_, position_);
            return error_at(position_, SLUICE_E_INVALID_ARGUMENT, "the grammar has ",
                            printable(text_.substr(position_, point.size)), " where it cannot stand");
        }
        SLUICE_ASSIGN(rule, rule_of(name));
        builder_.add_call(from, rule, to);
        return Nothing{};
    }

    Done read_literal(StateId from, StateId to) {
        const std::size_t start = position_;
        std::string literal;
        while (position_ < text_.size() && text_[position_] != '"') {
            if (text_[position_] == '\\') {
                ++position_;
                SLUICE_ASSIGN(code, read_escaped_character(text_, position_));
                append_utf8(literal, code);
            } else {
                literal += text_[position_++];
            }
        }
        if (position_ >= text_.size())
            return error_at(start, SLUICE_E_INVALID_ARGUMENT, "a literal has no closing quote");
        ++position_;
        builder_.add_text(from, literal, to);
        return Nothing{};
    }

    std::optional<std::uint32_t> read_number() {
        const std::size_t start = position_;
        std::uint64_t number = 0;
        for (; here() >= '0' && here() <= '9'; ++position_)
            number =
                std::min<std::uint64_t>(number * 10 + static_cast<std::uint64_t>(here() - '0'), kUnbounded - 1);
        if (position_ == start) return std::nullopt;
        return static_cast<std::uint32_t>(number);
    }

    // from -> [start ... end, repeated] -> next
    Done read_quantifiers(StateId from, StateId start, StateId end, StateId next) {
        std::uint32_t min = 1;
        std::uint32_t max = 1;
        const char c = here();
        if (c == '*' || c == '+' || c == '?') {
            ++position_;
            min = c == '+' ? 1 : 0;
            max = c == '?' ? 1 : kUnbounded;
        } else if (c == '{') {
            ++position_;
            skip_space();
            const auto first = read_number();
            skip_space();
            const bool has_comma = here() == ',';
            if (has_comma) ++position_;
            skip_space();
            const auto last = has_comma ? read_number() : first;
            skip_space();
            if (!first || here() != '}') return fail("a repetition is written {m}, {m,} or {m,n}");
            ++position_;
            min = *first;
            max = last ? *last : kUnbounded;
            if (max < min) return fail("a repetition has its bounds reversed");
        }
        skip_space();
        if (here() == '*' || here() == '+' || here() == '?' || here() == '{')
            return fail("a quantifier after a quantifier; put the inner one into a group");
        if (min <= 1 && (max == 1 || max == kUnbounded)) {
            builder_.add_free(from, start);
            builder_.add_free(end, next);
            if (min == 0) builder_.add_free(from, next);
            if (max == kUnbounded) builder_.add_free(end, start);
            return Nothing{};
        }
        // Counted: what is repeated becomes a rule without a name.
        const RuleId rule = builder_.add_rule("{" + std::to_string(min) + ",...}");
        const Rule ends = builder_.rule(rule);
        builder_.add_free(ends.start, start);
        builder_.add_free(end, ends.end);
        builder_.add_call(from, rule, next, min, max);
        return Nothing{};
    }

    std::string_view text_;
    std::size_t position_ = 0;
    AutomatonBuilder builder_;
    std::map<std::string, Known, std::less<>> rules_;
};

}  // namespace

Result<Automaton> compile_grammar(std::string_view grammar) {
    if (grammar.size() > kMaxGrammarSize) {
        return make_error(SLUICE_E_LIMIT, "the grammar has ", grammar.size(), " bytes; at most ",
                          kMaxGrammarSize, " are allowed");
    }
    if (!is_utf8(grammar)) return make_error(SLUICE_E_INVALID_ARGUMENT, "the grammar is not valid UTF-8");
    return Parser(grammar).parse();
}

}  // namespace sluice::grammar
