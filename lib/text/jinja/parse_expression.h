// The half of the parser for what stands inside tags.
#pragma once

#include "text/jinja/token_reader.h"

namespace sluice::jinja {

class ExpressionParser : public TokenReader {
public:
    using TokenReader::TokenReader;

    // An expression, or several with commas between them, which make a tuple. Without conditions, "if" ends it.
    // Errors of all: CORRUPT, LIMIT.
    Result<ExpressionRef> parse_tuple(bool with_conditions);
    Result<ExpressionRef> parse_expression();

    // "| upper | trim" applied to what is not there yet, with or without the first sign; a kPostfix without
    // parts[0].
    Result<ExpressionRef> parse_filters();

    // What may be assigned to: names, and attributes of namespaces where the flag allows them.
    Result<Target> parse_target(bool may_have_attribute);

protected:
    // Which names were read since; for macros that use varargs, kwargs or caller.
    std::vector<NameId> names_read_;

private:
    Result<ExpressionRef> parse_level(int loosest);
    Result<ExpressionRef> parse_not();
    Result<ExpressionRef> parse_unary(bool with_filters);
    Result<ExpressionRef> parse_primary();
    Result<ExpressionRef> parse_number();
    Result<ExpressionRef> parse_name();
    Result<ExpressionRef> parse_string();
    Result<ExpressionRef> parse_parentheses();
    Result<ExpressionRef> parse_list();
    Result<ExpressionRef> parse_dict();
    Result<ExpressionRef> parse_attribute();
    Result<ExpressionRef> parse_subscript();
    Result<ExpressionRef> parse_subscript_part();
    Result<ExpressionRef> parse_call();
    Result<ExpressionRef> parse_filter();
    Result<ExpressionRef> parse_test();
    Result<std::unique_ptr<Arguments>> parse_arguments();
    Done parse_argument(Arguments& arguments);
    Done parse_suffixes(ExpressionRef& base, bool with_filters);
    Result<Target> target_of(const Expression& expression) const;
    bool tuple_ends() const;
    bool begins_test_argument() const;
};

}  // namespace sluice::jinja
