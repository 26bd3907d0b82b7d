// What the output parser gives: events in the order of the output, kept until they are pulled.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

namespace sluice {

enum class OutputEventKind { kNone, kText, kEnd, kThinking, kToolCallBegin, kToolCallArgument, kToolCallEnd };

// A part of the output: bytes counted from the first one that was pushed.
struct OutputSpan {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

// One tool call as far as it has been read.
struct ToolCall {
    std::uint64_t index = 0;  // 0 for the first call of the output
    std::string name;
    std::string written = "{";  // JSON text of the arguments as they come; ranges of it stay valid
    std::string arguments;      // when the call has ended: those that were whole, a JSON object
    OutputSpan span;            // from the name to what closes the call
    OutputSpan slip;            // what is wrong; its size is 0 only where something is missing at the end
    std::string expected;       // in its place; empty while nothing is wrong
};

// A view of one event. The text lives until the parser is called again.
struct OutputEvent {
    OutputEventKind kind = OutputEventKind::kNone;
    std::string_view text;           // kText, kThinking: valid UTF-8. kToolCallArgument: the value as
                                     // JSON. kToolCallEnd: the arguments as a JSON object
    std::string_view path;           // kToolCallArgument: "a.b[0]"
    const ToolCall* call = nullptr;  // the three kinds about calls
    bool valid = false;              // kToolCallEnd
    bool open_thinking = false;      // kEnd: the output ended inside thinking
    bool open_calls = false;         // kEnd: the output ended between the sentinels of calls
};

// First in, first out. A value inside a call is a range of the call's arguments: nested values, each with its
// own event, then cost no copies.
class OutputEventQueue {
public:
    struct Entry {
        OutputEventKind kind = OutputEventKind::kNone;
        std::string text;  // text and thinking; a path for an argument
        std::shared_ptr<const ToolCall> call;
        std::size_t value_begin = 0;
        std::size_t value_size = 0;
        bool open_thinking = false;
        bool open_calls = false;
    };

    void push(Entry entry) { entries_.push_back(std::move(entry)); }
    // Text joins text of the same kind that nobody has pulled yet.
    std::string& text_of(OutputEventKind kind) {
        if (entries_.empty() || entries_.back().kind != kind) {
            entries_.emplace_back();
            entries_.back().kind = kind;
        }
        return entries_.back().text;
    }

    // The next event, of kind kNone when there is none. Events whose text is empty are passed over.
    OutputEvent next();

private:
    std::deque<Entry> entries_;
    Entry current_;  // owns what the last event shows
};

}  // namespace sluice
