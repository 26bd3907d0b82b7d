// The command line: which commands there are, what each takes, and what was typed. command_line.cpp is the one
// file that sees CLI11, which takes each file that does some ten seconds to compile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace command {

// An option or a flag that was added, for giving it rules. Lives as long as its program.
class Option {
public:
    explicit Option(CLI::Option* option) : option_(option) {}

    Option& called(const char* value);  // what the help calls its value, for example FILE
    Option& required();
    Option& once();             // takes one value each time it is given, not all words that follow
    Option& comma_separated();  // takes one word, with commas between its values
    Option& excludes(const Option& other);
    Option& needs(const Option& other);

    // The value is of these words; in_any_case: also in other letters, and is then stored as here.
    Option& one_of(std::initializer_list<const char*> words);
    Option& one_of_in_any_case(std::initializer_list<const char*> words);
    Option& within(std::uint64_t least, std::uint64_t most);
    Option& not_negative();  // refuses -1 and its like, which would be read as a very large number

private:
    CLI::Option* option_;
};

// What one command takes, or one group of its options. Lives as long as its program.
class CommandLine {
public:
    CommandLine() = default;
    explicit CommandLine(CLI::App* parser) : parser_(parser) {}

    // names: "-t,--threads", or "MODEL" for an argument that stands by its place. value lives as long as the
    // program and keeps what it holds where nothing is given. Value: std::string, std::uint32_t, std::uint64_t,
    // std::int32_t, float, a std::optional of one of them, or a std::vector of std::uint32_t or std::string.
    template <class Value>
    Option add(const char* names, Value& value, const std::string& what);
    Option flag(const char* names, bool& value, const char* what);
    // Options that the help shows together.
    CommandLine group(const char* name, const char* what);
    // At most one of a group's options is given.
    void takes_one_at_most();
    void also_called(const char* name);
    void footer(const char* text);

    bool was_given() const;

private:
    CLI::App* parser_ = nullptr;
};

class Program {
public:
    Program(const char* name, const char* what, const std::string& version, const char* footer);
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    CommandLine add(const char* name, const char* what);

    enum class Outcome {
        kCommand,    // one of the commands was given
        kAnswered,   // --help or --version, which was printed
        kUnanswered  // the same, and printing failed
    };
    // Fills what was added. Failures: UsageFailure, one sentence.
    Outcome parse(int argc, char** argv);

private:
    std::unique_ptr<CLI::App> app_;
};

}  // namespace command
