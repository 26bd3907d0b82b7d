// Bytes in and out, and text for eyes. Nothing here knows about models.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace command {

// Keys keep the order in which they are written.
using Json = nlohmann::ordered_json;

// A failure of the command itself: what() is one sentence.
class Failure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// A command line that the parser accepts and the command does not: exit code 2.
class UsageFailure : public Failure {
public:
    using Failure::Failure;
};

// All of standard input, byte for byte. Fails above 64 MiB, the most that the library encodes.
std::string read_stdin();

// All of a file, byte for byte, with the same limit; "-" is standard input.
std::string read_file(const std::string& path);

// Writes to standard output. finish_stdout tells whether all of it arrived, and fails if not.
void write_stdout(std::string_view bytes);
void flush_stdout();

// One line of JSON; text that is not UTF-8 is repaired.
void write_json(const Json& json);

// A file being written.
class OutputFile {
public:
    // Replaces a file of that name.
    explicit OutputFile(std::string path);
    // Little-endian, 4 bytes a number.
    void write_numbers(const void* numbers, std::size_t n_numbers);
    // Fails unless every byte arrived. Without it the file may be incomplete.
    void close();

private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    std::string path_;
    std::unique_ptr<std::FILE, Close> file_;
};

// Text of foreign origin for a terminal: control characters become visible, all else stays. line_ends keeps
// line feeds and tabs.
enum class LineEnds { kEscape, kKeep };
std::string visible(std::string_view text, LineEnds line_ends = LineEnds::kEscape);

// "4.56 GiB".
std::string size_text(std::uint64_t size);
// A number with so many digits after the point.
std::string number_text(double number, int digits);
// "1,234,567".
std::string count_text(std::uint64_t count);
// "key           value\n", the value made visible.
std::string row_text(std::string_view key, std::string_view value);

// A line on standard error that replaces itself; silent when that is not a terminal.
class Progress {
public:
    ~Progress();
    void show(const std::string& line);
    void clear();

private:
    std::string shown_;
};

}  // namespace command
