// Reads what stands between the sentinels of tool calls, byte by byte, in both notations at once:
//
//   Pythonic   [name(argument=value, ...), ...]         values as Python's or JSON's literals
//   JSON       [{"name": "...", "arguments": {...}}, ...] or one such object; also "parameters", an object
//   "function"
//              around both or "function" for "name", and arguments as a string that holds JSON
//
// A list may lack its brackets, objects may stand side by side, and prose may stand before, between and after;
// it has no event. A call that is not well formed is noted (ToolCall::expected), then passed over up to the
// bracket that closes it, and reading goes on. A block of nothing but prose is noted as a call without a name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/output_parser/call_builder.h"
#include "text/output_parser/declared_tools.h"
#include "text/output_parser/string_literal.h"

namespace sluice {

// Budgets against hostile output; exceeding one is a slip of the call.
struct CallLimits {
    std::uint64_t max_call_size = 16u << 20;  // bytes from a call's name to its end
    std::uint32_t max_depth = 64;             // brackets around a value
    std::uint32_t max_calls = 1024;           // in one output
};

constexpr std::size_t kMaxNameSize = 256;  // of a tool; longer words are prose

class CallReader {
public:
    CallReader(const DeclaredTools& tools, const CallLimits& limits, OutputEventQueue& events)
        : tools_(tools), limits_(limits), builder_(events) {}

    // `offset` counts bytes of the whole output.
    void begin_block(std::uint64_t offset);
    void push(char byte);
    void end_block();

private:
    enum class State {
        kOutside,  // between lists: a call may begin
        kProse,
        kItem,  // in a list: a call, an object or ]
        kName,
        kAfterName,  // space after a name
        kAfterItem,  // in a list: a comma or ]
        kArgument,   // a name, a value or )
        kStar,       // of **{...}
        kWord,       // the name of an argument or a literal
        kAfterWord,  // a word that may still become a name
        kValue,
        kElement,  // a value or the closing bracket
        kString,
        kAfterString,  // another string may follow it
        kSign,
        kNumber,
        kAfterScalar,  // a number or a word, of which what follows tells whether it is whole
        kAfterValue,
        kKey,  // a key or }
        kColon,
        kBrace,           // the first thing in braces: a key or an element
        kAfterCandidate,  // ... and after it
        kSkip,            // after a slip
        kIgnore,          // after the last call that is allowed
    };
    // What a bracket that is open stands for.
    enum class Frame { kCall, kSpread, kCallObject, kArguments, kArray, kTuple, kUndecided, kDict, kSet };
    enum class Role { kValue, kKey, kCandidate };
    struct Open {
        Frame frame = Frame::kArray;
        bool is_decided = true;  // kTuple: (1) is 1, (1,) is an array
        std::uint32_t n_values = 0;
    };

    bool consume(char byte);
    // Calls, in call_reader.cpp.
    bool consume_outside(char byte);
    bool consume_prose(char byte);
    bool consume_name(char byte);
    bool consume_after_item(char byte);
    bool consume_argument(char byte);
    bool consume_word(char byte);
    bool consume_skip(char byte);
    bool not_a_call(char byte);
    bool begin_call(std::uint64_t offset, bool is_object);
    bool begin_named_call();
    bool begin_object();
    void end_call();
    void end_list();
    bool begin_positional();
    bool begin_named_argument();
    bool slip(OutputSpan span, std::string expected);
    // The byte that is looked at, as a part of the output.
    OutputSpan here() const { return reads_inner_ ? inner_span_ : OutputSpan{offset_, 1}; }
    bool slip_here(std::string expected) { return slip(here(), std::move(expected)); }
    // From the beginning of a word, string or number to the last byte that was no space.
    OutputSpan word_span() const;
    void skip_from_here();
    std::string closers() const;
    // Values, in call_values.cpp.
    bool consume_value(char byte);
    bool consume_string(char byte);
    bool consume_number(char byte);
    bool consume_after_scalar(char byte);
    bool consume_after_value(char byte);
    bool consume_key(char byte);
    bool consume_brace(char byte);
    bool consume_after_candidate(char byte);
    bool open_string(char quote, StringLiteral::Notation notation);
    bool open_container(char bracket);
    bool close_container();
    bool push_frame(Frame frame, bool is_decided = true);
    bool end_word();
    bool end_literal(std::string json);
    bool end_string(char next);
    bool can_follow(char byte) const;
    bool put_key(std::string_view key);
    void begin_element();
    void end_element();
    bool begin_member_value(char byte);
    bool end_member(const std::string* string, std::string_view json);
    bool read_inner_arguments(const std::string& text);
    void decide_candidate(Frame frame);
    char closer() const;

    const DeclaredTools& tools_;
    const CallLimits& limits_;
    CallBuilder builder_;

    State state_ = State::kOutside;
    std::uint64_t offset_ = 0;    // of the byte that is looked at
    std::uint64_t last_end_ = 0;  // behind the last byte that was no space
    std::uint64_t block_begin_ = 0;
    bool block_has_prose_ = false;
    bool block_has_calls_ = false;
    std::uint64_t list_depth_ = 0;
    bool list_has_calls_ = false;
    std::uint32_t n_calls_ = 0;
    const DeclaredTool* tool_ = nullptr;

    std::vector<Open> stack_;     // brackets of the call
    std::uint32_t depth_ = 0;     // those of them that count against max_depth
    bool is_json_ = false;        // the call is an object
    bool has_arguments_ = false;  // of the object
    bool has_object_name_ = false;
    std::string member_;        // of the object, whose value is read
    bool reads_inner_ = false;  // arguments that came as a string
    OutputSpan inner_span_;     // of that string
    std::size_t n_positional_ = 0;

    Role role_ = Role::kValue;
    std::string word_;  // a name, a word or a number
    std::uint64_t word_begin_ = 0;
    bool word_may_name_ = false;
    std::uint32_t n_stars_ = 0;
    bool is_negative_ = false;
    bool is_format_ = false;  // f"..."
    StringLiteral string_;
    std::string scalar_;  // JSON of the word or number that has been read
    std::uint64_t scalar_end_ = 0;
    std::string candidate_;  // the first scalar in braces: text of a string, or JSON
    bool candidate_is_string_ = false;
    std::uint64_t candidate_end_ = 0;

    std::uint64_t skip_depth_ = 0;
    char skip_quote_ = 0;
    bool skip_escape_ = false;
    char last_byte_ = 0;
};

}  // namespace sluice
