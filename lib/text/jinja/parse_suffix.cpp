// What stands behind an operand: attributes, items, calls, filters, tests.
#include "text/jinja/parse_expression.h"

namespace sluice::jinja {
namespace {

ExpressionRef make(ExpressionKind kind, std::uint32_t line) {
    auto made = std::make_unique<Expression>();
    made->kind = kind;
    made->line = line;
    return made;
}

}  // namespace

Result<ExpressionRef> ExpressionParser::parse_attribute() {
    ExpressionRef made = make(ExpressionKind::kAttribute, line());
    skip();
    if (is(TokenKind::kInteger)) {
        made->kind = ExpressionKind::kItem;
        SLUICE_ASSIGN(number, parse_primary());
        made->parts.push_back(std::move(number));
        return made;
    }
    SLUICE_ASSIGN(name, expect_name());
    made->constant = Value::text(nullptr, name);
    return made;
}

// One index, or a slice; several with commas between them index with a tuple.
Result<ExpressionRef> ExpressionParser::parse_subscript() {
    const std::uint32_t its_line = line();
    skip();
    std::vector<ExpressionRef> parts;
    while (!is_sign("]")) {
        if (!parts.empty()) SLUICE_TRY(expect_sign(","));
        SLUICE_ASSIGN(part, parse_subscript_part());
        parts.push_back(std::move(part));
    }
    if (parts.empty()) return expected("an index");
    skip();
    if (parts.size() == 1) {
        if (parts[0]->kind == ExpressionKind::kSlice) return std::move(parts[0]);
        ExpressionRef item = make(ExpressionKind::kItem, its_line);
        item->parts.push_back(std::move(parts[0]));
        return item;
    }
    ExpressionRef tuple = make(ExpressionKind::kTuple, its_line);
    for (ExpressionRef& part : parts) {
        if (part->kind == ExpressionKind::kSlice)
            return error_in_line(its_line, SLUICE_E_UNSUPPORTED, "a slice among several indexes");
        tuple->parts.push_back(std::move(part));
    }
    ExpressionRef item = make(ExpressionKind::kItem, its_line);
    item->parts.push_back(std::move(tuple));
    return item;
}

Result<ExpressionRef> ExpressionParser::parse_subscript_part() {
    const std::uint32_t its_line = line();
    ExpressionRef first;
    if (!is_sign(":")) {
        SLUICE_ASSIGN(index, parse_expression());
        first = std::move(index);
        if (!is_sign(":")) return first;
    }
    ExpressionRef slice = make(ExpressionKind::kSlice, its_line);
    slice->parts.push_back(std::move(first));
    for (int i = 0; i < 2; ++i) {
        ExpressionRef bound;
        if (take_sign(":") && !is_sign(":") && !is_sign("]") && !is_sign(",")) {
            SLUICE_ASSIGN(given, parse_expression());
            bound = std::move(given);
        }
        slice->parts.push_back(std::move(bound));
    }
    return slice;
}

Result<ExpressionRef> ExpressionParser::parse_call() {
    ExpressionRef call = make(ExpressionKind::kCall, line());
    SLUICE_ASSIGN(arguments, parse_arguments());
    call->arguments = std::move(arguments);
    return call;
}

Result<std::unique_ptr<Arguments>> ExpressionParser::parse_arguments() {
    SLUICE_TRY(expect_sign("("));
    auto arguments = std::make_unique<Arguments>();
    bool first = true;
    while (!is_sign(")")) {
        if (!first) {
            SLUICE_TRY(expect_sign(","));
            if (is_sign(")")) break;
        }
        first = false;
        SLUICE_TRY(parse_argument(*arguments));
    }
    skip();
    return arguments;
}

Done ExpressionParser::parse_argument(Arguments& arguments) {
    if (take_sign("*")) {
        if (arguments.more_positional != nullptr || arguments.more_named != nullptr)
            return expected("no second list of arguments");
        SLUICE_ASSIGN(value, parse_expression());
        arguments.more_positional = std::move(value);
    } else if (take_sign("**")) {
        if (arguments.more_named != nullptr) return expected("no second dict of arguments");
        SLUICE_ASSIGN(value, parse_expression());
        arguments.more_named = std::move(value);
    } else if (is(TokenKind::kName) && after().kind == TokenKind::kSign && after().text == "=") {
        std::string name = now().text;
        skip();
        skip();
        if (arguments.more_named != nullptr) return expected("no argument after **");
        SLUICE_ASSIGN(value, parse_expression());
        for (const auto& [other, given] : arguments.named) {
            if (other == name)
                return error_in_line(given->line, SLUICE_E_CORRUPT, "the argument ", printable(name, 32),
                                     " is given twice");
        }
        arguments.named.emplace_back(std::move(name), std::move(value));
    } else {
        if (arguments.more_positional != nullptr || arguments.more_named != nullptr || !arguments.named.empty())
            return expected("an argument with a name");
        SLUICE_ASSIGN(value, parse_expression());
        arguments.positional.push_back(std::move(value));
    }
    return Nothing{};
}

// The name of a filter and its arguments, without the sign in front.
Result<ExpressionRef> ExpressionParser::parse_filter() {
    ExpressionRef filter = make(ExpressionKind::kFilter, line());
    SLUICE_ASSIGN(name, expect_name());
    filter->text = name;
    while (take_sign(".")) {
        SLUICE_ASSIGN(more, expect_name());
        filter->text += "." + more;
    }
    if (is_sign("(")) {
        SLUICE_ASSIGN(arguments, parse_arguments());
        filter->arguments = std::move(arguments);
    }
    return filter;
}

Result<ExpressionRef> ExpressionParser::parse_filters() {
    ExpressionRef chain = make(ExpressionKind::kPostfix, line());
    chain->parts.push_back(nullptr);
    take_sign("|");
    do {
        SLUICE_ASSIGN(filter, parse_filter());
        chain->parts.push_back(std::move(filter));
    } while (take_sign("|"));
    return chain;
}

bool ExpressionParser::begins_test_argument() const {
    switch (now().kind) {
        case TokenKind::kName:
            return !is_one_of({"else", "or", "and"});
        case TokenKind::kString:
        case TokenKind::kInteger:
        case TokenKind::kFloat:
            return true;
        default:
            return is_sign("[") || is_sign("{");
    }
}

Result<ExpressionRef> ExpressionParser::parse_test() {
    ExpressionRef test = make(ExpressionKind::kTest, line());
    skip();
    test->negated = take_word("not");
    SLUICE_ASSIGN(name, expect_name());
    test->text = name;
    while (take_sign(".")) {
        SLUICE_ASSIGN(more, expect_name());
        test->text += "." + more;
    }
    if (is_sign("(")) {
        SLUICE_ASSIGN(arguments, parse_arguments());
        test->arguments = std::move(arguments);
    } else if (begins_test_argument()) {
        if (is_word("is"))
            return error_in_line(line(), SLUICE_E_CORRUPT, "tests cannot follow each other with is");
        test->arguments = std::make_unique<Arguments>();
        SLUICE_ASSIGN(argument, parse_primary());
        SLUICE_TRY(parse_suffixes(argument, false));
        test->arguments->positional.push_back(std::move(argument));
    }
    return test;
}

}  // namespace sluice::jinja
