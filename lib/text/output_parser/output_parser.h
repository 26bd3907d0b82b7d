// Turns what a model of the family writes into events: thinking, answer text, tool calls.
//
//   thinking   <think> ... </think>. The tags never show, wherever they stand: <think> opens thinking also in
//   the
//              middle of an answer, the first </think> closes it, and stray tags are dropped.
//   calls      <|tool_call_start|> ... <|tool_call_end|> (call_reader.h). A sentinel counts also inside a
//   string of a
//              call: models write it as one token of its own, so text that merely spells it is the rarer case.
//   the end    <|im_end|> ends the message; what follows it is passed over.
//
// Thinking and text are given as they are written, with two exceptions. White space after </think> is dropped,
// as the family's templates do when they show the turn again, and so is white space between sentinels and tags
// where no text comes. And the body of a block of calls that is repeated directly after the block, which these
// models often do, is dropped with its second end sentinel.
//
// Text is valid UTF-8: ill-formed bytes become U+FFFD as in Detokenizer. Only what may become part of a tag, a
// sentinel, a character or a repeated body is held back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/output_parser/call_reader.h"
#include "text/output_parser/declared_tools.h"
#include "text/output_parser/event.h"

namespace sluice {

struct OutputParserOptions {
    bool thinking_is_open = false;  // the prompt ended with <think>
    // Nobody knows whether it did: the first tag or sentinel tells, and what stands before it waits. An output
    // whose first tag is </think> began inside thinking; without a tag it had none.
    bool thinking_is_unknown = false;
    bool calls_in_thinking = false;  // sentinels count inside thinking too; otherwise they are thinking
    CallLimits limits;
};

constexpr std::size_t kMaxEchoSize = 64 << 10;      // of a body whose repetition is recognised
constexpr std::size_t kMaxUndecidedSize = 1 << 20;  // that waits for the first tag; then it was no thinking
constexpr std::size_t kMaxHeldSpace = 1024;         // white space that waits for what follows it

// The same bytes give the same events however they are cut; only text may come in other pieces. Each byte is
// looked at a bounded number of times. One thread at a time.
class OutputParser {
public:
    explicit OutputParser(DeclaredTools tools = {}, const OutputParserOptions& options = {});
    OutputParser(const OutputParser&) = delete;  // its parts refer to each other
    OutputParser& operator=(const OutputParser&) = delete;

    // Errors: STATE after finish.
    Done push(std::string_view bytes);
    // The output has ended: gives what was held back and the END event. Errors: STATE when called twice.
    Done finish();
    // The next event; kind kNone when push or finish have to come first.
    OutputEvent next() { return events_.next(); }

private:
    enum class Mode { kUndecided, kText, kThinking, kCalls, kOver };
    enum class Marker { kThink, kEndThink, kCalls, kEndCalls, kEndMessage };
    // What white space waits for at the moment.
    enum class Space { kShown, kLeading, kAfterThinking, kAfterCalls };

    void push_byte(char byte);
    bool is_active(Marker marker) const;
    // Whether held_ begins a marker; *whole tells which one it is all of.
    bool begins_marker(const Marker** whole) const;
    void push_data(char byte);
    void push_answer(char byte);
    bool push_echo(char byte);
    void see(Marker marker);
    void decide(Mode mode);
    void end_thinking();
    void begin_calls();
    void end_calls(bool can_repeat);
    void end_message();
    void show(char byte);
    void release_echo();
    void settle_space(bool text_follows);
    void flush_character();

    DeclaredTools tools_;
    OutputParserOptions options_;
    OutputEventQueue events_;
    CallReader calls_;

    Mode mode_ = Mode::kText;
    bool is_finished_ = false;
    bool ended_in_thinking_ = false;
    bool ended_in_calls_ = false;
    bool calls_are_in_thinking_ = false;
    std::uint64_t offset_ = 0;  // behind the last byte that has been looked at
    std::string undecided_;     // text or thinking, in mode kUndecided
    std::string held_;          // may become a marker
    std::string character_;     // may become a character
    Space space_rule_ = Space::kLeading;
    std::string space_;         // white space that waits
    std::string body_;          // of the last block of calls, without white space around it
    std::size_t n_echoed_ = 0;  // bytes of the body that have come again
    std::string echo_space_;    // white space behind a whole repetition
};

}  // namespace sluice
