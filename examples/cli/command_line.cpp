#include "command_line.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <optional>
#include <vector>

#include "output.h"

namespace command {

Option& Option::called(const char* value) {
    option_->type_name(value);
    return *this;
}

Option& Option::required() {
    option_->required();
    return *this;
}

Option& Option::once() {
    option_->allow_extra_args(false);
    return *this;
}

Option& Option::comma_separated() {
    option_->delimiter(',');
    return once();
}

Option& Option::excludes(const Option& other) {
    option_->excludes(other.option_);
    return *this;
}

Option& Option::needs(const Option& other) {
    option_->needs(other.option_);
    return *this;
}

Option& Option::one_of(std::initializer_list<const char*> words) {
    option_->check(CLI::IsMember(std::vector<std::string>(words.begin(), words.end())));
    return *this;
}

Option& Option::one_of_in_any_case(std::initializer_list<const char*> words) {
    option_->transform(CLI::IsMember(std::vector<std::string>(words.begin(), words.end()), CLI::ignore_case));
    return *this;
}

Option& Option::within(std::uint64_t least, std::uint64_t most) {
    option_->check(CLI::Range(least, most));
    return *this;
}

Option& Option::not_negative() {
    option_->check(CLI::Validator(
        [](const std::string& text) { return text.rfind('-', 0) == 0 ? text + " is negative" : std::string(); },
        ""));
    return *this;
}

template <class Value>
Option CommandLine::add(const char* names, Value& value, const std::string& what) {
    return Option(parser_->add_option(names, value, what));
}

template Option CommandLine::add(const char*, std::string&, const std::string&);
template Option CommandLine::add(const char*, std::uint32_t&, const std::string&);
template Option CommandLine::add(const char*, std::uint64_t&, const std::string&);
template Option CommandLine::add(const char*, std::int32_t&, const std::string&);
template Option CommandLine::add(const char*, float&, const std::string&);
template Option CommandLine::add(const char*, std::optional<std::string>&, const std::string&);
template Option CommandLine::add(const char*, std::optional<std::uint32_t>&, const std::string&);
template Option CommandLine::add(const char*, std::optional<std::uint64_t>&, const std::string&);
template Option CommandLine::add(const char*, std::optional<std::int32_t>&, const std::string&);
template Option CommandLine::add(const char*, std::optional<float>&, const std::string&);
template Option CommandLine::add(const char*, std::vector<std::uint32_t>&, const std::string&);
template Option CommandLine::add(const char*, std::vector<std::string>&, const std::string&);

Option CommandLine::flag(const char* names, bool& value, const char* what) {
    return Option(parser_->add_flag(names, value, what));
}

CommandLine CommandLine::group(const char* name, const char* what) {
    return CommandLine(parser_->add_option_group(name, what));
}

void CommandLine::takes_one_at_most() {
    parser_->require_option(0, 1);
}

void CommandLine::also_called(const char* name) {
    parser_->alias(name);
}

void CommandLine::footer(const char* text) {
    parser_->footer(text);
}

bool CommandLine::was_given() const {
    return parser_->parsed();
}

Program::Program(const char* name, const char* what, const std::string& version, const char* footer)
    : app_(std::make_unique<CLI::App>(what, name)) {
    app_->set_version_flag("--version", version);
    app_->require_subcommand(1);
    app_->footer(footer);
}

Program::~Program() = default;

CommandLine Program::add(const char* name, const char* what) {
    return CommandLine(app_->add_subcommand(name, what));
}

Program::Outcome Program::parse(int argc, char** argv) {
    try {
        app_->parse(argc, argv);
        return Outcome::kCommand;
    } catch (const CLI::Success& wanted) {
        return app_->exit(wanted) == 0 ? Outcome::kAnswered : Outcome::kUnanswered;
    } catch (const CLI::ParseError& wrong) {
        const auto named = app_->get_subcommands();
        if (named.empty()) {
            const std::string wish =
                argc > 1 ? std::string("there is no command ") + argv[1] : "name a command";
            throw UsageFailure(wish + "; see sluice --help");
        }
        throw UsageFailure(std::string(wrong.what()) + "; see sluice " + named.front()->get_name() + " --help");
    }
}

}  // namespace command
