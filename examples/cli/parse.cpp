// sluice parse: what a model wrote, from standard input, to events of thinking, text and tool calls.
#include <cerrno>
#include <cstring>
#include <memory>
#include <sluice/sluice.hpp>
#include <vector>

#include "commands.h"
#include "host.h"
#include "output.h"

namespace command {

namespace {

struct Options {
    std::string tools;
    std::uint32_t chunk = 0;
    std::string thinking = "unknown";
    bool calls_in_thinking = false;
};

std::string quoted(std::string_view text) {
    return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Arguments and values are JSON already. They are put in as they are: reading them would round large integers.
void write_event(const sluicepp::OutputEvent& event) {
    std::string line;
    const auto member = [&](const char* key, const std::string& json) {
        line += (line.empty() ? "{\"" : ",\"") + std::string(key) + "\":" + json;
    };
    const auto begin = [&](const char* name) { member("event", quoted(name)); };
    const auto call = [&] {
        member("index", std::to_string(event.call_index));
        member("name", quoted(event.name));
    };
    switch (event.kind) {
        case SLUICE_EVENT_TEXT:
        case SLUICE_EVENT_THINKING:
            begin(event.kind == SLUICE_EVENT_TEXT ? "text" : "thinking");
            member("text", quoted(event.text));
            break;
        case SLUICE_EVENT_TOOL_CALL_BEGIN:
            begin("tool_call_begin");
            call();
            break;
        case SLUICE_EVENT_TOOL_CALL_ARGUMENT:
            begin("tool_call_argument");
            call();
            member("path", quoted(event.path));
            member("value", std::string(event.text));
            break;
        case SLUICE_EVENT_TOOL_CALL_END:
            begin("tool_call_end");
            call();
            member("arguments", std::string(event.text));
            member("valid", event.valid ? "true" : "false");
            member("offset", std::to_string(event.call_offset));
            member("size", std::to_string(event.call_size));
            if (event.valid) break;
            member("slip", "{\"offset\":" + std::to_string(event.slip_offset) +
                               ",\"size\":" + std::to_string(event.slip_size) +
                               ",\"expected\":" + quoted(event.expected) + "}");
            break;
        case SLUICE_EVENT_END: {
            Json open = Json::array();
            if (event.open_thinking) open.push_back("thinking");
            if (event.open_tool_calls) open.push_back("tool_calls");
            begin("end");
            member("open", open.dump());
            break;
        }
        default:
            return;
    }
    write_stdout(line + "}\n");
}

void write_events(sluicepp::OutputParser& parser) {
    sluicepp::OutputEvent event{};
    while (parser.next(event)) write_event(event);
    flush_stdout();
}

int run(const Options& options) {
    if (options.tools == "-") throw UsageFailure("--tools: standard input holds the output that is parsed");
    const std::string tools = options.tools.empty() ? "" : read_file(options.tools);
    if (!options.tools.empty() && tools.empty()) throw Failure(options.tools + " is empty");
    const std::uint32_t thinking = options.thinking == "open"      ? SLUICE_OUTPUT_THINKING_OPEN
                                   : options.thinking == "unknown" ? SLUICE_OUTPUT_THINKING_UNKNOWN
                                                                   : 0U;
    const std::uint32_t flags = thinking | (options.calls_in_thinking ? SLUICE_OUTPUT_CALLS_IN_THINKING : 0U);
    sluicepp::OutputParser parser(flags, tools);
    std::vector<char> piece(std::size_t{64} << 10);
    for (;;) {
        const std::ptrdiff_t n = read_some(piece.data(), piece.size());
        if (n < 0) throw Failure(std::string("cannot read standard input: ") + std::strerror(errno));
        if (n == 0) break;
        const std::string_view read(piece.data(), static_cast<std::size_t>(n));
        const std::size_t chunk = options.chunk == 0 ? read.size() : options.chunk;
        for (std::size_t at = 0; at < read.size(); at += chunk) {
            parser.push(read.substr(at, chunk));
            write_events(parser);
        }
    }
    parser.finish();
    write_events(parser);
    return kDone;
}

}  // namespace

Command add_parse(Program& program) {
    auto options = std::make_shared<Options>();
    CommandLine line = program.add("parse",
                                   "Reads what a model wrote from standard input and prints its thinking, text "
                                   "and tool calls as events, one "
                                   "line of JSON each, as they become certain.");
    line.add("--tools", options->tools, "a JSON array of tools that calls are compared with").called("FILE");
    line.add("--chunk", options->chunk, "push at most so many bytes at once, to see that nothing depends on it")
        .within(1, 1u << 16);
    line.add("--thinking", options->thinking,
             "whether the prompt ended with <think>: open, closed, or unknown, which waits for the first tag "
             "(default)")
        .called("HOW")
        .one_of({"open", "closed", "unknown"});
    line.flag("--calls-in-thinking", options->calls_in_thinking, "calls count inside thinking too");
    line.footer(
        "A call that is not valid is an event like the others: \"slip\" tells the bytes that are wrong and\n"
        "what was expected there. Example:\n"
        "  printf '<think>hm</think><|tool_call_start|>[f(a=1)]<|tool_call_end|>' | sluice parse");
    return {line, [options] { return run(*options); }};
}

}  // namespace command
