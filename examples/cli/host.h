// What the command needs of the operating system. host_posix.cpp is the only file that includes its headers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace command {

bool stdin_is_terminal();
bool stdout_is_terminal();
bool stderr_is_terminal();

// Makes standard input and output carry bytes as they are.
void use_binary_streams();

// Bytes of standard input as soon as there are any, at most size; 0 at its end, -1 when it cannot be read
// (errno tells why). Not to be mixed with reading through stdio.
std::ptrdiff_t read_some(char* bytes, std::size_t size);

// A file that grows beyond the limit of the process (ulimit -f) then makes the write fail, where it would end
// the program with a half-written file.
void survive_file_size_limit();

// Most memory, in bytes, that this process has had in RAM so far; 0 when unknown.
std::uint64_t peak_memory();

// Seconds since 1970-01-01 00:00 on the wall clock of this computer's zone.
std::int64_t local_time();

// Turns Ctrl-C (SIGINT) into a call while it lives. Make it before the first thread of the program, which
// would otherwise be offered the signal. Until an action is set, and from the second Ctrl-C on, the signal
// ends the program as it always does.
class Interrupt {
public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    // The action runs on a thread of its own and must be safe there. An empty one takes it back; when this
    // returns the former action is not running any more.
    void set_action(std::function<void()> action);
    bool happened() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace command
