// Runs the built command as a shell does, and keeps what it says.
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

struct Outcome {
    int exit_code = -1;
    std::string out;
    std::string err;

    // Standard output as JSON; discarded when it is not.
    nlohmann::json json() const { return nlohmann::json::parse(out, nullptr, false); }
};

// A folder of the test's own with a random model in it; gone when the test ends.
class Workplace {
public:
    // kind: "moe", "dense", or empty for none.
    explicit Workplace(const std::string& kind = "moe");
    ~Workplace();
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;

    // Runs `sluice ARGUMENTS` with the text as standard input.
    Outcome run(const std::vector<std::string>& arguments, std::string_view text = {}) const;
    // The same in the background, with SIGINT sent once it has written something.
    Outcome interrupt(const std::vector<std::string>& arguments) const;

    std::string path(const std::string& name) const { return (folder_ / name).string(); }
    std::string model() const { return path("model.gguf"); }

private:
    std::string command_line(const std::vector<std::string>& arguments) const;
    Outcome outcome_of(int status) const;

    std::filesystem::path folder_;
};

// Lowers how large the files of a child may grow, and raises it again.
class FileSizeLimit {
public:
    explicit FileSizeLimit(std::uint64_t size) {
        getrlimit(RLIMIT_FSIZE, &before_);
        rlimit lower = before_;
        lower.rlim_cur = size;
        setrlimit(RLIMIT_FSIZE, &lower);
    }
    ~FileSizeLimit() { setrlimit(RLIMIT_FSIZE, &before_); }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

private:
    rlimit before_{};
};

std::string bytes_of(const std::string& path);

// The numbers of a file of 4-byte numbers.
template <class Number>
std::vector<Number> numbers_of(const std::string& path) {
    static_assert(sizeof(Number) == 4);
    const std::string bytes = bytes_of(path);
    std::vector<Number> numbers(bytes.size() / 4);
    bytes.copy(reinterpret_cast<char*>(numbers.data()), numbers.size() * 4);
    return numbers;
}

// "1,5,7".
std::string list_of(const std::vector<std::int32_t>& ids);

// How far apart, compared with how large b is: root mean square of both. Requires equal sizes.
double relative_distance(const std::vector<float>& a, const std::vector<float>& b);
