// The output parser: what a model wrote, as events of thinking, answer text and tool calls.
#pragma once

#include <sluice/sluice.h>

#include <cstdint>
#include <string_view>

#include "base.hpp"

namespace sluicepp {

// One event. The texts live until the next call on the parser. New kinds may come: skip those that you do not
// know.
struct OutputEvent {
    std::int32_t kind;      // SLUICE_EVENT_...
    std::string_view text;  // text, thinking; of an argument its JSON; of a call's end the arguments, an object
    std::string_view name;  // of a call: its tool
    std::string_view path;  // of an argument: "a.b[0]"
    bool valid;             // of a call's end
    std::string_view expected;  // of a call that is not valid: what would be right at the slip
    std::uint64_t call_index;   // of a call
    std::uint64_t call_offset;  // of a call's end: its place in the output, in bytes
    std::uint64_t call_size;
    std::uint64_t slip_offset;  // of a call that is not valid: what is wrong
    std::uint64_t slip_size;
    bool open_thinking;    // of the end: the output ended inside thinking
    bool open_tool_calls;  // of the end: it ended between the sentinels of calls
};

// Push the output as it comes, then pull events. One thread at a time. Needs no model.
class OutputParser : public detail::Owner<sluice_output_parser, sluice_output_parser_destroy> {
public:
    // flags: SLUICE_OUTPUT_...; tools: a JSON array, or nothing to compare calls with. Throws as
    // sluice_output_parser_create.
    explicit OutputParser(std::uint32_t flags = 0, std::string_view tools = {})
        : OutputParser(with(flags, tools)) {}

    explicit OutputParser(const sluice_output_parser_options& options)
        : Owner(made<sluice_output_parser>(sluice_output_parser_create, &options)) {}

    void push(std::string_view bytes) {
        check(sluice_output_parser_push, get(), bytes.data(), std::uint64_t{bytes.size()});
    }
    // The output has ended.
    void finish() { check(sluice_output_parser_finish, get()); }

    // The next event; false when push or finish have to come first, or the end was reached:
    // while (parser.next(event)) ...
    bool next(OutputEvent& event) {
        const auto raw = filled<sluice_output_event>(sluice_output_parser_next, get());
        const auto view = [](const char* data, std::uint64_t size) {
            return std::string_view(size > 0 ? data : "", static_cast<std::size_t>(size));
        };
        event = {raw.kind,
                 view(raw.text, raw.text_size),
                 view(raw.name, raw.name_size),
                 view(raw.path, raw.path_size),
                 raw.valid == 1,
                 view(raw.expected, raw.expected_size),
                 raw.call_index,
                 raw.call_offset,
                 raw.call_size,
                 raw.slip_offset,
                 raw.slip_size,
                 (raw.open & SLUICE_OPEN_THINKING) != 0,
                 (raw.open & SLUICE_OPEN_TOOL_CALLS) != 0};
        return event.kind != SLUICE_EVENT_NONE;
    }

private:
    static sluice_output_parser_options with(std::uint32_t flags, std::string_view tools) {
        auto options = sized<sluice_output_parser_options>();
        options.flags = flags;
        options.tools = tools.empty() ? nullptr : tools.data();
        options.tools_size = tools.size();
        return options;
    }
};

}  // namespace sluicepp
