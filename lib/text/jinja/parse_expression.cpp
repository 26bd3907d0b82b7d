// Expressions, in the grammar of jinja2 3.1: condition, or, and, not, comparison, + -, ~, * / // %, **, sign,
// suffixes. Each level that is a chain makes one flat node.
#include "text/jinja/parse_expression.h"

#include <charconv>
#include <limits>
#include <optional>

namespace sluice::jinja {
namespace {

ExpressionRef make(ExpressionKind kind, std::uint32_t line) {
    auto made = std::make_unique<Expression>();
    made->kind = kind;
    made->line = line;
    return made;
}

ExpressionRef constant(std::uint32_t line, Value value) {
    ExpressionRef made = make(ExpressionKind::kConstant, line);
    made->constant = std::move(value);
    return made;
}

struct Sign {
    std::string_view text;
    Operator meaning;
};

// The levels of operators, loosest first.
enum Level {
    kOrLevel,
    kAndLevel,
    kNotLevel,
    kComparisonLevel,
    kSumLevel,
    kConcatenationLevel,
    kProductLevel,
    kPowerLevel,
    kUnary
};

constexpr Sign kSums[] = {{"+", Operator::kAdd}, {"-", Operator::kSubtract}};
constexpr Sign kProducts[] = {{"*", Operator::kMultiply},
                              {"/", Operator::kDivide},
                              {"//", Operator::kFloorDivide},
                              {"%", Operator::kModulo}};
constexpr Sign kPowers[] = {{"**", Operator::kPower}};
constexpr Sign kComparisons[] = {{"==", Operator::kEqual},  {"!=", Operator::kNotEqual},
                                 {"<", Operator::kLess},    {"<=", Operator::kLessEqual},
                                 {">", Operator::kGreater}, {">=", Operator::kGreaterEqual}};

template <std::size_t N>
std::optional<Operator> find_sign(const Token& token, const Sign (&signs)[N]) {
    if (token.kind != TokenKind::kSign) return std::nullopt;
    for (const Sign& sign : signs) {
        if (token.text == sign.text) return sign.meaning;
    }
    return std::nullopt;
}

// What joins operands on a level; only three kinds have operators to choose from.
struct Joint {
    ExpressionKind kind;
    std::optional<Operator> meaning;
    int n_tokens = 1;
};

std::optional<Joint> joint_of(ExpressionKind kind, std::optional<Operator> meaning) {
    return meaning ? std::optional(Joint{kind, meaning}) : std::nullopt;
}

bool is_word_token(const Token& token, std::string_view word) {
    return token.kind == TokenKind::kName && token.text == word;
}

std::optional<Joint> joint_at(const Token& token, const Token& after, int level) {
    switch (level) {
        case kOrLevel:
            return is_word_token(token, "or") ? std::optional(Joint{ExpressionKind::kOr, {}}) : std::nullopt;
        case kAndLevel:
            return is_word_token(token, "and") ? std::optional(Joint{ExpressionKind::kAnd, {}}) : std::nullopt;
        case kComparisonLevel:
            if (is_word_token(token, "in")) return Joint{ExpressionKind::kComparison, Operator::kIn};
            if (is_word_token(token, "not") && is_word_token(after, "in"))
                return Joint{ExpressionKind::kComparison, Operator::kNotIn, 2};
            return joint_of(ExpressionKind::kComparison, find_sign(token, kComparisons));
        case kSumLevel:
            return joint_of(ExpressionKind::kArithmetic, find_sign(token, kSums));
        case kConcatenationLevel:
            if (token.kind != TokenKind::kSign || token.text != "~") return std::nullopt;
            return Joint{ExpressionKind::kConcatenate, {}};
        case kProductLevel:
            return joint_of(ExpressionKind::kArithmetic, find_sign(token, kProducts));
        case kPowerLevel:
            return joint_of(ExpressionKind::kArithmetic, find_sign(token, kPowers));
        default:
            return std::nullopt;
    }
}

}  // namespace

Result<ExpressionRef> ExpressionParser::parse_expression() {
    const Nested nested(*this);
    SLUICE_TRY(check_depth());
    const std::uint32_t first_line = line();
    SLUICE_ASSIGN(value, parse_level(kOrLevel));
    while (take_word("if")) {
        ExpressionRef condition = make(ExpressionKind::kCondition, first_line);
        condition->parts.push_back(std::move(value));
        SLUICE_ASSIGN(test, parse_level(kOrLevel));
        condition->parts.push_back(std::move(test));
        if (take_word("else")) {
            SLUICE_ASSIGN(other, parse_expression());
            condition->parts.push_back(std::move(other));
        } else {
            condition->parts.push_back(nullptr);
        }
        value = std::move(condition);
        if (is_word("if")) {
            // A value of a value of a value: each level is one of nesting.
            return error_in_line(line(), SLUICE_E_UNSUPPORTED,
                                 "a condition after a condition needs parentheses");
        }
    }
    return std::move(value);
}

// "not", once or several times, and the comparison behind it.
Result<ExpressionRef> ExpressionParser::parse_not() {
    bool negated = false;
    const std::uint32_t first_line = line();
    while (take_word("not")) negated = !negated;
    SLUICE_ASSIGN(operand, parse_level(kComparisonLevel));
    ExpressionRef inner = make(ExpressionKind::kNot, first_line);
    inner->parts.push_back(std::move(operand));
    if (negated) return inner;
    ExpressionRef outer = make(ExpressionKind::kNot, first_line);
    outer->parts.push_back(std::move(inner));
    return outer;
}

// Operands and what joins them, down to a level. From the tightest level to the loosest, so that this calls
// itself only behind an operator, and not once for each level.
Result<ExpressionRef> ExpressionParser::parse_level(int loosest) {
    const bool is_negated = loosest <= kNotLevel && is_word("not");
    auto left = is_negated ? parse_not() : parse_unary(true);
    if (!left) return left;
    for (int level = is_negated ? kAndLevel : kPowerLevel; level >= loosest; --level) {
        ExpressionRef chain;
        while (const auto joint = joint_at(now(), after(), level)) {
            if (chain == nullptr) {
                chain = make(joint->kind, line());
                chain->parts.push_back(std::move(*left));
            }
            for (int i = 0; i < joint->n_tokens; ++i) skip();
            auto next = parse_level(level + 1);
            if (!next) return next;
            if (joint->meaning) chain->operators.push_back(*joint->meaning);
            chain->parts.push_back(std::move(*next));
        }
        if (chain != nullptr) *left = std::move(chain);
    }
    return left;
}

Result<ExpressionRef> ExpressionParser::parse_unary(bool with_filters) {
    const std::uint32_t its_line = line();
    ExpressionRef base;
    if (is_sign("-") || is_sign("+")) {
        const Nested nested(*this);
        SLUICE_TRY(check_depth());
        base = make(is_sign("-") ? ExpressionKind::kNegative : ExpressionKind::kPositive, its_line);
        skip();
        SLUICE_ASSIGN(operand, parse_unary(false));
        base->parts.push_back(std::move(operand));
    } else {
        SLUICE_ASSIGN(primary, parse_primary());
        base = std::move(primary);
    }
    SLUICE_TRY(parse_suffixes(base, with_filters));
    return base;
}

// Attributes, items and calls; after them also filters and tests, among which only calls may stand.
Done ExpressionParser::parse_suffixes(ExpressionRef& base, bool with_filters) {
    ExpressionRef chain;
    const auto add = [&](Result<ExpressionRef> suffix) -> Done {
        if (!suffix) return std::move(suffix).error();
        if (chain == nullptr) {
            chain = make(ExpressionKind::kPostfix, base->line);
            chain->parts.push_back(std::move(base));
        }
        chain->parts.push_back(std::move(*suffix));
        return Nothing{};
    };
    bool filtered = false;
    while (true) {
        if (!filtered && is_sign(".")) {
            SLUICE_TRY(add(parse_attribute()));
        } else if (!filtered && is_sign("[")) {
            SLUICE_TRY(add(parse_subscript()));
        } else if (is_sign("(")) {
            SLUICE_TRY(add(parse_call()));
        } else if (with_filters && is_sign("|")) {
            skip();
            filtered = true;
            SLUICE_TRY(add(parse_filter()));
        } else if (with_filters && is_word("is")) {
            filtered = true;
            SLUICE_TRY(add(parse_test()));
        } else {
            break;
        }
    }
    if (chain != nullptr) base = std::move(chain);
    return Nothing{};
}

Result<ExpressionRef> ExpressionParser::parse_primary() {
    switch (now().kind) {
        case TokenKind::kName:
            return parse_name();
        case TokenKind::kString:
            return parse_string();
        case TokenKind::kInteger:
        case TokenKind::kFloat:
            return parse_number();
        default:
            break;
    }
    if (is_sign("(")) return parse_parentheses();
    if (is_sign("[")) return parse_list();
    if (is_sign("{")) return parse_dict();
    return expected("an expression");
}

Result<ExpressionRef> ExpressionParser::parse_name() {
    const std::uint32_t its_line = line();
    const std::string word = now().text;
    skip();
    if (word == "true" || word == "True") return constant(its_line, Value::truth(true));
    if (word == "false" || word == "False") return constant(its_line, Value::truth(false));
    if (word == "none" || word == "None") return constant(its_line, Value::none());
    ExpressionRef made = make(ExpressionKind::kName, its_line);
    made->name = number_of(word);
    made->text = word;
    names_read_.push_back(made->name);
    return made;
}

Result<ExpressionRef> ExpressionParser::parse_string() {
    const std::uint32_t its_line = line();
    std::string text;
    for (; is(TokenKind::kString); skip()) text += now().text;
    return constant(its_line, Value::text(nullptr, std::move(text)));
}

Result<ExpressionRef> ExpressionParser::parse_number() {
    const Token token = now();
    skip();
    std::string_view digits = token.text;
    if (token.kind == TokenKind::kFloat) {
        double value = 0;
        const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        // Python makes infinity of what is too large, zero of what is too small.
        if (failure == std::errc::result_out_of_range)
            value = digits.find("e-") != std::string_view::npos ? 0 : std::numeric_limits<double>::infinity();
        return constant(token.line, Value::real(value));
    }
    int base = 10;
    if (digits.size() > 2 && digits[0] == '0' && (digits[1] < '0' || digits[1] > '9')) {
        base = digits[1] == 'x' || digits[1] == 'X' ? 16 : digits[1] == 'o' || digits[1] == 'O' ? 8 : 2;
        digits.remove_prefix(2);
    }
    std::int64_t value = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (failure != std::errc() || end != digits.data() + digits.size())
        return error_in_line(token.line, SLUICE_E_LIMIT, "the number ", printable(token.text, 32),
                             " does not fit in 64 bits");
    return constant(token.line, Value::integer(value));
}

// () is a tuple, (a) is a, (a,) is a tuple.
Result<ExpressionRef> ExpressionParser::parse_parentheses() {
    const std::uint32_t its_line = line();
    skip();
    if (take_sign(")")) return make(ExpressionKind::kTuple, its_line);
    SLUICE_ASSIGN(inside, parse_tuple(true));
    SLUICE_TRY(expect_sign(")"));
    return std::move(inside);
}

bool ExpressionParser::tuple_ends() const {
    return is(TokenKind::kVariableEnd) || is(TokenKind::kBlockEnd) || is_sign(")");
}

Result<ExpressionRef> ExpressionParser::parse_tuple(bool with_conditions) {
    const std::uint32_t its_line = line();
    std::vector<ExpressionRef> parts;
    bool is_tuple = false;
    while (true) {
        if (!parts.empty() && tuple_ends()) break;
        auto part = with_conditions ? parse_expression() : parse_level(kOrLevel);
        if (!part) return part;
        parts.push_back(std::move(*part));
        if (!take_sign(",")) break;
        is_tuple = true;
    }
    if (!is_tuple) return std::move(parts.front());
    ExpressionRef tuple = make(ExpressionKind::kTuple, its_line);
    tuple->parts = std::move(parts);
    return tuple;
}

Result<ExpressionRef> ExpressionParser::parse_list() {
    ExpressionRef list = make(ExpressionKind::kList, line());
    skip();
    while (!is_sign("]")) {
        if (!list->parts.empty()) SLUICE_TRY(expect_sign(","));
        if (is_sign("]")) break;
        SLUICE_ASSIGN(part, parse_expression());
        list->parts.push_back(std::move(part));
    }
    skip();
    return list;
}

Result<ExpressionRef> ExpressionParser::parse_dict() {
    ExpressionRef dict = make(ExpressionKind::kDict, line());
    skip();
    while (!is_sign("}")) {
        if (!dict->parts.empty()) SLUICE_TRY(expect_sign(","));
        if (is_sign("}")) break;
        SLUICE_ASSIGN(key, parse_expression());
        SLUICE_TRY(expect_sign(":"));
        SLUICE_ASSIGN(value, parse_expression());
        dict->parts.push_back(std::move(key));
        dict->parts.push_back(std::move(value));
    }
    skip();
    return dict;
}

Result<Target> ExpressionParser::target_of(const Expression& expression) const {
    Target target;
    if (expression.kind == ExpressionKind::kName) {
        target.name = expression.name;
        target.text = expression.text;
        return target;
    }
    if (expression.kind != ExpressionKind::kTuple)
        return error_in_line(expression.line, SLUICE_E_CORRUPT, "expected a name to assign to");
    target.is_tuple = true;
    for (const ExpressionRef& part : expression.parts) {
        SLUICE_ASSIGN(inner, target_of(*part));
        target.targets.push_back(std::move(inner));
    }
    return target;
}

Result<Target> ExpressionParser::parse_target(bool may_have_attribute) {
    if (may_have_attribute && is(TokenKind::kName) && after().kind == TokenKind::kSign && after().text == ".") {
        Target target;
        target.text = now().text;
        target.name = number_of(target.text);
        skip();
        skip();
        SLUICE_ASSIGN(attribute, expect_name());
        target.attribute = attribute;
        return target;
    }
    const std::size_t n_names = names_read_.size();
    const std::uint32_t its_line = line();
    std::vector<ExpressionRef> parts;
    bool is_tuple = false;
    while (true) {
        if (!parts.empty() && (tuple_ends() || is_word("in") || is_sign("="))) break;
        SLUICE_ASSIGN(part, parse_primary());
        parts.push_back(std::move(part));
        if (!take_sign(",")) break;
        is_tuple = true;
    }
    names_read_.resize(n_names);
    if (!is_tuple) return target_of(*parts.front());
    ExpressionRef tuple = make(ExpressionKind::kTuple, its_line);
    tuple->parts = std::move(parts);
    return target_of(*tuple);
}

}  // namespace sluice::jinja
