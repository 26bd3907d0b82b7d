// Statements: what stands between {% and %}, and the bodies that they hold.
#include "text/jinja/parser.h"

#include <algorithm>

#include "text/jinja/parse_expression.h"

namespace sluice::jinja {
namespace {

using Words = std::initializer_list<std::string_view>;

class StatementParser final : public ExpressionParser {
public:
    using ExpressionParser::ExpressionParser;

    Result<Syntax> run() {
        Syntax syntax;
        SLUICE_ASSIGN(body, parse_body({}));
        if (!is(TokenKind::kEnd)) return expected("the end of the template");
        syntax.body = std::move(body);
        syntax.names = std::move(names_);
        syntax.spellings = std::move(spellings_);
        return syntax;
    }

private:
    // Up to a tag that begins with one of the words: that tag is open, and its word is not read.
    Result<Body> parse_body(Words ends) {
        const Nested nested(*this);
        SLUICE_TRY(check_depth());
        Body body;
        while (!is(TokenKind::kEnd)) {
            if (is(TokenKind::kText)) {
                Statement text = make(StatementKind::kText);
                text.text = now().text;
                skip();
                body.push_back(std::move(text));
            } else if (is(TokenKind::kVariableBegin)) {
                Statement output = make(StatementKind::kOutput);
                skip();
                SLUICE_ASSIGN(value, parse_tuple(true));
                output.expression = std::move(value);
                SLUICE_TRY(expect(TokenKind::kVariableEnd, "}}"));
                body.push_back(std::move(output));
            } else {
                SLUICE_TRY(expect(TokenKind::kBlockBegin, "a tag"));
                if (is_one_of(ends)) return body;
                SLUICE_ASSIGN(statement, parse_statement());
                body.push_back(std::move(statement));
            }
        }
        if (ends.size() > 0) {
            std::string wanted;
            for (const std::string_view end : ends) wanted += (wanted.empty() ? "" : " or ") + std::string(end);
            return expected(wanted);
        }
        return body;
    }

    // The body of a block whose tag is still open, and the tag that ends it.
    Result<Body> parse_block(std::string_view end) {
        SLUICE_TRY(end_tag());
        SLUICE_ASSIGN(body, parse_body({end}));
        skip();
        SLUICE_TRY(end_tag());
        return std::move(body);
    }

    Done end_tag() { return expect(TokenKind::kBlockEnd, "%}"); }

    Statement make(StatementKind kind) const {
        Statement statement;
        statement.kind = kind;
        statement.line = line();
        return statement;
    }

    Result<Statement> parse_statement() {
        if (!is(TokenKind::kName)) return expected("the name of a tag");
        const std::string word = now().text;
        using Parse = Result<Statement> (StatementParser::*)();
        constexpr std::pair<std::string_view, Parse> kTags[] = {
            {"if", &StatementParser::parse_if},
            {"for", &StatementParser::parse_for},
            {"set", &StatementParser::parse_set},
            {"macro", &StatementParser::parse_macro},
            {"call", &StatementParser::parse_call_block},
            {"filter", &StatementParser::parse_filter_block},
            {"generation", &StatementParser::parse_generation},
            {"with", &StatementParser::parse_with},
            {"break", &StatementParser::parse_jump},
            {"continue", &StatementParser::parse_jump},
        };
        for (const auto& [name, parse] : kTags) {
            if (word == name) return (this->*parse)();
        }
        for (const std::string_view name :
             {"include", "import", "from", "extends", "block", "autoescape", "do", "trans"}) {
            if (word == name)
                return error_in_line(line(), SLUICE_E_UNSUPPORTED, "the tag ", word,
                                     " is not one of chat templates");
        }
        return expected(
            "a tag (if, for, set, macro, call, filter, generation, with, break, continue, or an end)");
    }

    Result<Statement> parse_if() {
        Statement statement = make(StatementKind::kIf);
        bool has_else = false;
        do {
            Statement::Branch branch;
            has_else = is_word("else");
            skip();
            if (!has_else) {
                SLUICE_ASSIGN(test, parse_tuple(false));
                branch.test = std::move(test);
            }
            SLUICE_TRY(end_tag());
            auto body = has_else ? parse_body({"endif"}) : parse_body({"elif", "else", "endif"});
            if (!body) return std::move(body).error();
            branch.body = std::move(*body);
            statement.branches.push_back(std::move(branch));
        } while (!is_word("endif"));
        skip();
        SLUICE_TRY(end_tag());
        return statement;
    }

    Result<Statement> parse_for() {
        Statement statement = make(StatementKind::kFor);
        skip();
        SLUICE_ASSIGN(target, parse_target(false));
        statement.targets.push_back(std::move(target));
        SLUICE_TRY(expect_word("in"));
        SLUICE_ASSIGN(items, parse_tuple(false));
        statement.expression = std::move(items);
        if (take_word("if")) {
            SLUICE_ASSIGN(filter, parse_expression());
            statement.filter = std::move(filter);
        }
        if (is_word("recursive"))
            return error_in_line(line(), SLUICE_E_UNSUPPORTED, "recursive loops are not read");
        SLUICE_TRY(end_tag());
        ++n_loops_;
        auto body = parse_body({"else", "endfor"});
        --n_loops_;
        if (!body) return std::move(body).error();
        statement.body = std::move(*body);
        if (take_word("else")) {
            SLUICE_TRY(end_tag());
            SLUICE_ASSIGN(other, parse_body({"endfor"}));
            statement.other = std::move(other);
        }
        skip();
        SLUICE_TRY(end_tag());
        return statement;
    }

    Result<Statement> parse_set() {
        Statement statement = make(StatementKind::kSet);
        skip();
        SLUICE_ASSIGN(target, parse_target(true));
        statement.targets.push_back(std::move(target));
        if (take_sign("=")) {
            SLUICE_ASSIGN(value, parse_tuple(true));
            statement.expression = std::move(value);
            SLUICE_TRY(end_tag());
            return statement;
        }
        statement.kind = StatementKind::kSetBlock;
        if (is_sign("|")) {
            SLUICE_ASSIGN(filters, parse_filters());
            statement.expression = std::move(filters);
        }
        SLUICE_ASSIGN(body, parse_block("endset"));
        statement.body = std::move(body);
        return statement;
    }

    // The parameters between parentheses.
    Done parse_parameters(MacroDefinition& macro) {
        SLUICE_TRY(expect_sign("("));
        while (!is_sign(")")) {
            if (!macro.parameters.empty()) {
                SLUICE_TRY(expect_sign(","));
                if (is_sign(")")) break;
            }
            MacroDefinition::Parameter parameter;
            SLUICE_ASSIGN(name, expect_name());
            parameter.name = number_of(name);
            parameter.text = name;
            if (take_sign("=")) {
                SLUICE_ASSIGN(value, parse_expression());
                parameter.default_value = std::move(value);
            } else if (!macro.parameters.empty() && macro.parameters.back().default_value != nullptr) {
                return error_in_line(line(), SLUICE_E_CORRUPT, "the parameter ", printable(name, 32),
                                     " needs a default, as one in front of it has one");
            }
            macro.parameters.push_back(std::move(parameter));
        }
        skip();
        return Nothing{};
    }

    // The body of a macro is a function: it cannot end a loop around it.
    Done parse_macro_body(MacroDefinition& macro, std::string_view end) {
        const std::size_t n_names = names_read_.size();
        const int n_loops = n_loops_;
        n_loops_ = 0;
        auto body = parse_block(end);
        n_loops_ = n_loops;
        if (!body) return std::move(body).error();
        macro.body = std::make_unique<Body>(std::move(*body));
        const auto reads = [&](NameId name) {
            return std::find(names_read_.begin() + static_cast<std::ptrdiff_t>(n_names), names_read_.end(),
                             name) != names_read_.end();
        };
        macro.uses_caller = reads(kCallerName);
        macro.uses_varargs = reads(kVarargsName);
        macro.uses_kwargs = reads(kKwargsName);
        return Nothing{};
    }

    Result<Statement> parse_macro() {
        Statement statement = make(StatementKind::kMacro);
        skip();
        statement.macro = std::make_unique<MacroDefinition>();
        SLUICE_ASSIGN(name, expect_name());
        statement.name = number_of(name);
        statement.macro->name = name;
        SLUICE_TRY(parse_parameters(*statement.macro));
        SLUICE_TRY(parse_macro_body(*statement.macro, "endmacro"));
        return statement;
    }

    Result<Statement> parse_call_block() {
        Statement statement = make(StatementKind::kCallBlock);
        skip();
        statement.macro = std::make_unique<MacroDefinition>();
        statement.macro->name = "caller";
        if (is_sign("(")) SLUICE_TRY(parse_parameters(*statement.macro));
        SLUICE_ASSIGN(call, parse_expression());
        if (call->kind != ExpressionKind::kPostfix || call->parts.back()->kind != ExpressionKind::kCall)
            return error_in_line(statement.line, SLUICE_E_CORRUPT, "expected a call of a macro");
        statement.expression = std::move(call);
        SLUICE_TRY(parse_macro_body(*statement.macro, "endcall"));
        return statement;
    }

    Result<Statement> parse_filter_block() {
        Statement statement = make(StatementKind::kFilterBlock);
        skip();
        SLUICE_ASSIGN(filters, parse_filters());
        statement.expression = std::move(filters);
        SLUICE_ASSIGN(body, parse_block("endfilter"));
        statement.body = std::move(body);
        return statement;
    }

    // For transformers it is the body of a caller, so a loop around it cannot be left from inside.
    Result<Statement> parse_generation() {
        Statement statement = make(StatementKind::kGeneration);
        skip();
        const int n_loops = n_loops_;
        n_loops_ = 0;
        auto body = parse_block("endgeneration");
        n_loops_ = n_loops;
        if (!body) return std::move(body).error();
        statement.body = std::move(*body);
        return statement;
    }

    Result<Statement> parse_with() {
        Statement statement = make(StatementKind::kWith);
        skip();
        while (!is(TokenKind::kBlockEnd)) {
            if (!statement.targets.empty()) SLUICE_TRY(expect_sign(","));
            SLUICE_ASSIGN(name, expect_name());
            Target target;
            target.name = number_of(name);
            target.text = name;
            statement.targets.push_back(std::move(target));
            SLUICE_TRY(expect_sign("="));
            SLUICE_ASSIGN(value, parse_expression());
            statement.values.push_back(std::move(value));
        }
        SLUICE_ASSIGN(body, parse_block("endwith"));
        statement.body = std::move(body);
        return statement;
    }

    Result<Statement> parse_jump() {
        Statement statement = make(is_word("break") ? StatementKind::kBreak : StatementKind::kContinue);
        if (n_loops_ == 0) return expected("a loop around this tag");
        skip();
        SLUICE_TRY(end_tag());
        return statement;
    }

    int n_loops_ = 0;  // loops around this place that a break may leave
};

}  // namespace

Result<Syntax> parse(std::string_view source, const Limits& limits) {
    SLUICE_ASSIGN(tokens, tokenize(source, limits));
    return StatementParser(std::move(tokens), limits).run();
}

}  // namespace sluice::jinja
