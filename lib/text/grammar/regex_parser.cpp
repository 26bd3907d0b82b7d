// Reads a regular expression into a tree. Groups nest, so the parser does, within a budget.
#include "text/grammar/regex_parser.h"

#include <algorithm>

#include "base/sentence.h"
#include "base/utf8.h"
#include "text/grammar/automaton.h"
#include "text/grammar/character_class.h"
#include "text/grammar/regex.h"

namespace sluice::grammar {
namespace {

using Kind = RegexNode::Kind;

CharacterSet any_but_line_ends() {
    CharacterSet set = CharacterSet::of('\n', '\n');
    set.add('\r', '\r');
    set.add(0x2028, 0x2029);
    return set.complement();
}

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    Result<RegexTree> parse() {
        SLUICE_ASSIGN(root, read_choice(0));
        if (!at_end()) return fail("a closing parenthesis has no opening one");
        tree_.root = root;
        return std::move(tree_);
    }

private:
    bool at_end() const { return position_ >= text_.size(); }
    bool takes(char c) {
        if (at_end() || text_[position_] != c) return false;
        ++position_;
        return true;
    }
    Error fail(std::string_view why) const { return error_at(position_, SLUICE_E_INVALID_ARGUMENT, why); }
    Error refuse(std::string_view what) const {
        return error_at(position_, SLUICE_E_UNSUPPORTED, what, " in a regular expression is not supported");
    }
    std::uint32_t add(RegexNode node) {
        tree_.nodes.push_back(std::move(node));
        return static_cast<std::uint32_t>(tree_.nodes.size() - 1);
    }
    std::uint32_t add_characters(CharacterSet set) {
        RegexNode node;
        node.kind = Kind::kCharacters;
        node.characters = std::move(set);
        return add(std::move(node));
    }

    Result<std::uint32_t> read_choice(std::size_t depth) {
        if (depth > kMaxRegexDepth) {
            return error_at(position_, SLUICE_E_LIMIT, "a regular expression nests deeper than ",
                            kMaxRegexDepth, " groups");
        }
        RegexNode choice;
        choice.kind = Kind::kChoice;
        do {
            SLUICE_ASSIGN(sequence, read_sequence(depth));
            choice.children.push_back(sequence);
        } while (takes('|'));
        if (choice.children.size() == 1) return choice.children[0];
        return add(std::move(choice));
    }

    Result<std::uint32_t> read_sequence(std::size_t depth) {
        RegexNode sequence;
        while (!at_end() && text_[position_] != '|' && text_[position_] != ')') {
            SLUICE_ASSIGN(atom, read_atom(depth));
            SLUICE_ASSIGN(repeated, read_quantifier(atom));
            sequence.children.push_back(repeated);
        }
        return add(std::move(sequence));
    }

    Result<std::uint32_t> read_atom(std::size_t depth) {
        const char c = text_[position_];
        RegexNode node;
        switch (c) {
            case '(':
                return read_group(depth);
            case '[': {
                ++position_;
                SLUICE_ASSIGN(set, read_character_class(text_, position_));
                return add_characters(std::move(set));
            }
            case '.':
                ++position_;
                return add_characters(any_but_line_ends());
            case '^':
            case '$':
                ++position_;
                node.kind = c == '^' ? Kind::kAtStart : Kind::kAtEnd;
                return add(std::move(node));
            case '*':
            case '+':
            case '?':
                return fail("a quantifier has nothing to repeat");
            case '\\':
                return read_escape();
            default:
                break;
        }
        const CodePoint point = code_point_at(text_, position_);
        position_ += point.size;
        return add_characters(CharacterSet::of(point.code, point.code));
    }

    Result<std::uint32_t> read_escape() {
        const char letter = position_ + 1 < text_.size() ? text_[position_ + 1] : '\0';
        if (letter == 'b' || letter == 'B') return refuse("a word border");
        if (letter == 'p' || letter == 'P') return refuse("a Unicode property");
        if ((letter >= '1' && letter <= '9') || letter == 'k') return refuse("a back reference");
        ++position_;
        if (auto set = class_of_letter(letter)) {
            ++position_;
            return add_characters(std::move(*set));
        }
        SLUICE_ASSIGN(code, read_escaped_character(text_, position_));
        return add_characters(CharacterSet::of(code, code));
    }

    Result<std::uint32_t> read_group(std::size_t depth) {
        const std::string_view rest = text_.substr(position_);
        if (rest.starts_with("(?:")) {
            position_ += 3;
        } else if (rest.starts_with("(?=") || rest.starts_with("(?!") || rest.starts_with("(?<=") ||
                   rest.starts_with("(?<!")) {
            return refuse("looking around");
        } else if (rest.starts_with("(?<") || rest.starts_with("(?P<")) {
            const std::size_t end = rest.find('>');
            if (end == std::string_view::npos) return fail("the name of a group has no end");
            position_ += end + 1;
        } else if (rest.starts_with("(?")) {
            return refuse("a group with flags");
        } else {
            ++position_;
        }
        SLUICE_ASSIGN(inside, read_choice(depth + 1));
        if (!takes(')')) return fail("a group has no closing parenthesis");
        return inside;
    }

    // A number of a quantifier; nothing where none stands.
    std::optional<std::uint32_t> read_number() {
        const std::size_t start = position_;
        std::uint64_t number = 0;
        for (; !at_end() && text_[position_] >= '0' && text_[position_] <= '9'; ++position_) {
            number = std::min<std::uint64_t>(number * 10 + static_cast<std::uint64_t>(text_[position_] - '0'),
                                             kUnbounded - 1);
        }
        if (position_ == start) return std::nullopt;
        return static_cast<std::uint32_t>(number);
    }

    Result<std::uint32_t> read_quantifier(std::uint32_t atom) {
        for (bool is_first = true;; is_first = false) {
            RegexNode node;
            node.kind = Kind::kRepeat;
            node.children = {atom};
            const std::size_t start = position_;
            if (takes('*')) {
                node.min = 0;
                node.max = kUnbounded;
            } else if (takes('+')) {
                node.max = kUnbounded;
            } else if (takes('?')) {
                node.min = 0;
            } else if (takes('{')) {
                const auto min = read_number();
                const bool has_comma = takes(',');
                const auto max = has_comma ? read_number() : min;
                if (!min || !takes('}')) {
                    position_ = start;
                    return fail("a brace begins no repetition; write \\{ for the character");
                }
                node.min = *min;
                node.max = max ? *max : kUnbounded;
                if (node.max < node.min) return fail("a repetition has its bounds reversed");
            } else {
                return atom;
            }
            if (!is_first) {
                position_ = start;
                return refuse("a quantifier after a quantifier");
            }
            takes('?');
            atom = add(std::move(node));
        }
    }

    std::string_view text_;
    std::size_t position_ = 0;
    RegexTree tree_;
};

}  // namespace

Result<RegexTree> parse_regex(std::string_view expression) {
    if (expression.size() > kMaxRegexSize) {
        return make_error(SLUICE_E_LIMIT, "a regular expression has ", expression.size(), " bytes; at most ",
                          kMaxRegexSize, " are allowed");
    }
    if (!is_utf8(expression))
        return make_error(SLUICE_E_INVALID_ARGUMENT, "a regular expression is not valid UTF-8");
    return Parser(expression).parse();
}

}  // namespace sluice::grammar
