// Runs the built command through the shell.
#include "run_command.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "support/catch.h"

namespace {

std::string quoted(const std::string& argument) {
    std::string result = "'";
    for (const char c : argument) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
}

}  // namespace

std::string bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string list_of(const std::vector<std::int32_t>& ids) {
    std::string list;
    for (const std::int32_t id : ids) list += (list.empty() ? "" : ",") + std::to_string(id);
    return list;
}

Workplace::Workplace(const std::string& kind) {
    static int n_made = 0;
    folder_ = std::filesystem::temp_directory_path() /
              ("sluice_cli_" + std::to_string(getpid()) + "_" + std::to_string(n_made++));
    std::filesystem::create_directories(folder_);
    if (kind.empty()) return;
    const Outcome outcome = run({"random-model", model(), "--kind", kind});
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
}

Workplace::~Workplace() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::string Workplace::command_line(const std::vector<std::string>& arguments) const {
    std::string line = std::string(SLUICE_EMULATOR) + " " + quoted(SLUICE_COMMAND);
    for (const std::string& argument : arguments) line += " " + quoted(argument);
    return line + " <" + quoted(path("in")) + " >" + quoted(path("out")) + " 2>" + quoted(path("err"));
}

Outcome Workplace::outcome_of(int status) const {
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, bytes_of(path("out")), bytes_of(path("err"))};
}

Outcome Workplace::run(const std::vector<std::string>& arguments, std::string_view text) const {
    std::ofstream(path("in"), std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
    return outcome_of(std::system(command_line(arguments).c_str()));
}

Outcome Workplace::interrupt(const std::vector<std::string>& arguments) const {
    std::ofstream(path("in"), std::ios::binary).flush();
    const std::string script = command_line(arguments) + " & command=$!; until [ -s " + quoted(path("out")) +
                               " ]; do kill -0 $command || break; sleep 0.02; done; kill -INT $command; "
                               "wait $command";
    return outcome_of(std::system(script.c_str()));
}

double relative_distance(const std::vector<float>& a, const std::vector<float>& b) {
    REQUIRE(a.size() == b.size());
    double difference = 0;
    double size = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        difference += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
        size += double{b[i]} * b[i];
    }
    return std::sqrt(difference / size);
}
