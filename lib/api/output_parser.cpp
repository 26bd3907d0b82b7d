#include <sluice/output_parser.h>

#include <memory>

#include "api/guard.h"
#include "api/options.h"
#include "text/output_parser/output_parser.h"

// Broken from before a change until it has succeeded: a byte is not taken back when memory runs out behind it.
struct sluice_output_parser {
    sluice::OutputParser object;
    bool is_broken = false;
};

namespace sluice {
namespace {

constexpr std::uint32_t kMaxDepth = 1024;

Result<OutputParserOptions> limits_of(const sluice_output_parser_options& given) {
    OutputParserOptions options;
    options.thinking_is_open = (given.flags & SLUICE_OUTPUT_THINKING_OPEN) != 0;
    options.thinking_is_unknown = (given.flags & SLUICE_OUTPUT_THINKING_UNKNOWN) != 0;
    if (options.thinking_is_open && options.thinking_is_unknown)
        return make_error(SLUICE_E_INVALID_ARGUMENT, "flags say that thinking is open and that it is unknown");
    options.calls_in_thinking = (given.flags & SLUICE_OUTPUT_CALLS_IN_THINKING) != 0;
    if (given.max_depth > kMaxDepth)
        return make_error(SLUICE_E_INVALID_ARGUMENT, "max_depth is ", given.max_depth, ", at most ", kMaxDepth,
                          " is possible");
    if (given.max_depth != 0) options.limits.max_depth = given.max_depth;
    if (given.max_calls != 0) options.limits.max_calls = given.max_calls;
    if (given.max_call_size != 0) options.limits.max_call_size = given.max_call_size;
    return options;
}

std::int32_t kind_of(OutputEventKind kind) {
    switch (kind) {
        case OutputEventKind::kNone:
            return SLUICE_EVENT_NONE;
        case OutputEventKind::kText:
            return SLUICE_EVENT_TEXT;
        case OutputEventKind::kEnd:
            return SLUICE_EVENT_END;
        case OutputEventKind::kThinking:
            return SLUICE_EVENT_THINKING;
        case OutputEventKind::kToolCallBegin:
            return SLUICE_EVENT_TOOL_CALL_BEGIN;
        case OutputEventKind::kToolCallArgument:
            return SLUICE_EVENT_TOOL_CALL_ARGUMENT;
        case OutputEventKind::kToolCallEnd:
            return SLUICE_EVENT_TOOL_CALL_END;
    }
    return SLUICE_EVENT_NONE;
}

void put(std::string_view text, const char*& data, std::uint64_t& size) {
    data = text.data();
    size = text.size();
}

sluice_output_event shown(const OutputEvent& event) {
    sluice_output_event out = {};
    out.kind = kind_of(event.kind);
    put(event.text, out.text, out.text_size);
    put(event.path, out.path, out.path_size);
    if (event.open_thinking) out.open |= SLUICE_OPEN_THINKING;
    if (event.open_calls) out.open |= SLUICE_OPEN_TOOL_CALLS;
    if (event.call == nullptr) return out;
    put(event.call->name, out.name, out.name_size);
    out.call_index = event.call->index;
    if (event.kind != OutputEventKind::kToolCallEnd) return out;
    out.valid = event.valid ? 1 : 0;
    out.call_offset = event.call->span.offset;
    out.call_size = event.call->span.size;
    put(event.call->expected, out.expected, out.expected_size);
    if (event.valid) return out;
    out.slip_offset = event.call->slip.offset;
    out.slip_size = event.call->slip.size;
    return out;
}

// Goes on with the output by `change`, which may run out of memory halfway.
template <class Change>
Done go_on(sluice_output_parser& parser, Change&& change) {
    if (parser.is_broken)
        return make_error(SLUICE_E_STATE, "memory ran out in an earlier call on this output parser");
    parser.is_broken = true;
    const Done done = change();
    parser.is_broken = false;
    return done;
}

}  // namespace
}  // namespace sluice

using namespace sluice;

int32_t sluice_output_parser_create(const sluice_output_parser_options* options, sluice_output_parser** parser,
                                    sluice_error* error) {
    if (parser != nullptr) *parser = nullptr;
    return guarded(error, SLUICE_SUBSYSTEM_API, [&]() -> Done {
        SLUICE_TRY(check_pointer(parser, "parser"));
        SLUICE_ASSIGN(given, read_options(options, "output parser options"));
        SLUICE_TRY(check_reserved("output parser options", given.reserved, given.reserved_pointer));
        SLUICE_TRY(check_flags(
            "flags", given.flags,
            SLUICE_OUTPUT_THINKING_OPEN | SLUICE_OUTPUT_CALLS_IN_THINKING | SLUICE_OUTPUT_THINKING_UNKNOWN));
        SLUICE_ASSIGN(text, read_text_argument(given.tools, given.tools_size, "tools"));
        SLUICE_ASSIGN(its_options, limits_of(given));
        DeclaredTools tools;
        if (given.tools != nullptr) {
            SLUICE_ASSIGN(declared, DeclaredTools::parse(text));
            tools = std::move(declared);
        }
        *parser = new sluice_output_parser{OutputParser(std::move(tools), its_options)};
        return Nothing{};
    });
}

void sluice_output_parser_destroy(sluice_output_parser* parser) {
    delete parser;
}

int32_t sluice_output_parser_push(sluice_output_parser* parser, const char* bytes, uint64_t size,
                                  sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_API, [&]() -> Done {
        SLUICE_TRY(check_pointer(parser, "parser"));
        SLUICE_ASSIGN(given, read_text_argument(bytes, size, "bytes"));
        return go_on(*parser, [&] { return parser->object.push(given); });
    });
}

int32_t sluice_output_parser_finish(sluice_output_parser* parser, sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_API, [&]() -> Done {
        SLUICE_TRY(check_pointer(parser, "parser"));
        return go_on(*parser, [&] { return parser->object.finish(); });
    });
}

int32_t sluice_output_parser_next(sluice_output_parser* parser, sluice_output_event* event,
                                  sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_API, [&]() -> Done {
        SLUICE_TRY(check_pointer(parser, "parser"));
        SLUICE_TRY(check_pointer(event, "event"));
        SLUICE_TRY(check_struct_size(event->struct_size, "event"));  // before an event is taken
        return write_info(event, shown(parser->object.next()), "event");
    });
}
