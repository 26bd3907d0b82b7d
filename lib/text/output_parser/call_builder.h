// Puts the arguments of one tool call together as JSON text, and gives an event for each value that closes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "text/output_parser/event.h"

namespace sluice {

// Most events about values of arguments in one output, and most bytes of one path: what lies beyond has no
// event of its own and is found in the whole call. They bound what hostile output can make of few bytes.
constexpr std::size_t kMaxArgumentEvents = 65536;
constexpr std::size_t kMaxPathSize = 1024;

// Used by CallReader, which knows the notation; this knows JSON. The order of calls is that of the grammar:
// begin, then any number of (key, value), then finish. A value is scalar(), or open() ... close(). Inside an
// array each value is preceded by element().
class CallBuilder {
public:
    explicit CallBuilder(OutputEventQueue& events) : events_(events) {}

    bool has_call() const { return call_ != nullptr; }
    const ToolCall& call() const { return *call_; }

    void begin(std::uint64_t offset);
    // Gives the BEGIN event; events about values wait for it.
    void set_name(std::string name);
    // Notes what is wrong; the first slip counts.
    void slip(OutputSpan span, std::string expected);
    // Gives the END event. The arguments are those that were whole when a slip happened.
    void finish(std::uint64_t end);

    // The name of the next value. False: this object has one of that name already.
    bool key(std::string_view name);
    void element();
    // Offsets tell where the value of an argument stands in the output.
    void value_begins(std::uint64_t offset);
    void scalar(std::string_view json, std::uint64_t end);
    void string(std::string_view text, std::uint64_t end);
    void open(char bracket);
    void close(char bracket, std::uint64_t end);
    // Events wait until release: it is not yet known whether the innermost array is one.
    void hold();
    void release();
    // It was none: the array with its only element becomes that element.
    void unwrap(std::uint64_t end);
    // While muted, values leave no trace.
    void mute(bool muted) { muted_ = muted; }

    struct Argument {
        std::string name;
        OutputSpan span;
    };
    const std::vector<Argument>& arguments() const { return arguments_; }

private:
    struct Level {
        std::size_t json_begin = 0;  // of the bracket
        std::size_t path_size = 0;   // of the container's own path
        std::size_t n_values = 0;
        std::size_t n_waiting = 0;  // events that waited when it was opened
        std::unordered_set<std::string> keys;
    };

    void end_value(std::size_t json_begin, std::uint64_t end);
    void publish_waiting();

    OutputEventQueue& events_;
    std::shared_ptr<ToolCall> call_;
    bool has_name_ = false;
    bool muted_ = false;
    std::size_t n_held_ = 0;
    std::uint64_t n_calls_ = 0;
    std::size_t n_argument_events_ = 0;
    std::size_t whole_size_ = 0;  // of the arguments that are complete
    std::string path_;
    std::vector<Level> levels_;
    std::vector<OutputEventQueue::Entry> waiting_;
    std::vector<Argument> arguments_;
};

}  // namespace sluice
