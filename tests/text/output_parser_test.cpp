// What models write, and the events that it must become: model_outputs.jsonl, one case in a line. "outputs" are
// raw outputs that all mean "events". An event is {"thinking"}, {"text"}, {"call", "arguments"}, {"slip",
// "arguments", "at", "expected"} (a call that is not valid; at: the part of the output that is wrong) or
// {"open"} (what the end left open). "arguments_text" stands for arguments of which every byte counts.
#include "text/output_parser/output_parser.h"

#include <fstream>
#include <iterator>

#include "base/sentence.h"
#include "base/utf8.h"
#include "support/catch.h"

namespace sluice {
namespace {

constexpr std::string_view kTools = R"([
    {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["C", "F"]},
                       "days": {"type": "integer"}}, "required": ["city"]}}},
    {"name": "search.web", "parameters": {"type": "object", "required": ["query"],
        "properties": {"query": {"type": "string"}, "filters": {"type": "object", "required": ["lang"],
            "properties": {"lang": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}}}}}},
    {"name": "note", "parameters": {"type": "object",
        "properties": {"text": {"type": ["string", "null"]}, "score": {"type": "number"}}}},
    {"name": "ping", "parameters": {"type": "object", "properties": {}}},
    {"name": "anything"}])";

constexpr std::string_view kStart = "<|tool_call_start|>";
constexpr std::string_view kEnd = "<|tool_call_end|>";

std::vector<Json> read_cases() {
    std::ifstream file(SLUICE_MODEL_OUTPUTS, std::ios::binary);
    std::vector<Json> cases;
    for (std::string line; std::getline(file, line);) {
        auto one = Json::parse(line, "model_outputs.jsonl");
        INFO(line);
        REQUIRE(one.ok());
        cases.push_back(std::move(*one));
    }
    return cases;
}

const std::vector<Json>& cases() {
    static const std::vector<Json> read = read_cases();
    REQUIRE(read.size() >= 150);
    return read;
}

bool flag(const Json& one, std::string_view name) {
    const Json* value = one.find(name);
    return value != nullptr && *value->boolean();
}

DeclaredTools tools_of(std::string_view text) {
    auto tools = DeclaredTools::parse(text);
    REQUIRE(tools.ok());
    return std::move(*tools);
}

// Collects the events of an output that comes in pieces, one line for each; neighbouring text is one event.
struct Collected {
    std::vector<std::string> lines;
    bool last_is_text = false;

    void take(OutputParser& parser) {
        for (OutputEvent event = parser.next(); event.kind != OutputEventKind::kNone; event = parser.next()) {
            const bool is_text = event.kind == OutputEventKind::kText;
            if (is_text || event.kind == OutputEventKind::kThinking) {
                CHECK(is_utf8(event.text));
                const std::string_view label = is_text ? "text " : "thinking ";
                if (lines.empty() || lines.back().compare(0, label.size(), label) != 0)
                    lines.emplace_back(label);
                lines.back() += event.text;
            } else if (event.kind == OutputEventKind::kToolCallBegin) {
                lines.push_back("begin " + event.call->name);
            } else if (event.kind == OutputEventKind::kToolCallArgument) {
                lines.push_back(sentence("argument ", event.path, " = ", event.text));
            } else if (event.kind == OutputEventKind::kToolCallEnd) {
                const ToolCall& call = *event.call;
                lines.push_back(sentence("end ", call.name, " ", event.text));
                CHECK(event.valid == call.expected.empty());
                if (!event.valid)
                    lines.push_back(
                        sentence("slip ", call.slip.offset, " ", call.slip.size, " ", call.expected));
                lines.push_back(sentence("span ", call.span.offset, " ", call.span.size));
            } else {
                lines.push_back(
                    sentence("over", event.open_thinking ? " thinking" : "", event.open_calls ? " calls" : ""));
            }
        }
    }
};

using Pieces = std::vector<std::string_view>;

std::vector<std::string> events_of(const Pieces& pieces, const DeclaredTools& tools,
                                   const OutputParserOptions& options) {
    OutputParser parser(tools, options);
    Collected collected;
    for (const std::string_view piece : pieces) {
        REQUIRE(parser.push(piece).ok());
        collected.take(parser);
    }
    REQUIRE(parser.finish().ok());
    collected.take(parser);
    return collected.lines;
}

std::vector<std::string> events_of(std::string_view output, const OutputParserOptions& options = {},
                                   const DeclaredTools& tools = {}) {
    return events_of(Pieces{output}, tools, options);
}

bool is_plain(std::string_view key) {
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
               static_cast<unsigned char>(c) >= 128;
    };
    if (key.empty() || !is_letter(key[0])) return false;
    return std::all_of(key.begin(), key.end(), [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

// Every value inside an argument, innermost first: the order in which values close.
void append_values(const Json& value, const std::string& path, std::vector<std::string>& lines) {
    if (const auto* items = value.array()) {
        for (std::size_t i = 0; i < items->size(); ++i)
            append_values((*items)[i], sentence(path, '[', i, ']'), lines);
    }
    if (const auto* members = value.object()) {
        for (const auto& [key, member] : *members) {
            append_values(member,
                          is_plain(key) ? path + '.' + key : path + '[' + Json(Json::Value(key)).dump() + ']',
                          lines);
        }
    }
    lines.push_back(sentence("argument ", path, " = ", value.dump()));
}

// The line with its JSON brought into the form of Json::dump, which sorts members.
std::string canonical(const std::string& line) {
    std::size_t at = std::string::npos;
    if (line.compare(0, 9, "argument ") == 0) at = line.find(" = ") + 3;
    if (line.compare(0, 4, "end ") == 0) at = line.find(' ', 4) + 1;
    if (at == std::string::npos) return line;
    const auto json = Json::parse(std::string_view(line).substr(at), "an event");
    INFO(line);
    REQUIRE(json.ok());
    return line.substr(0, at) + json->dump();
}

const Json& nth(const Json& either, std::size_t index) {
    const auto* several = either.array();
    return several == nullptr ? either : (*several)[std::min(index, several->size() - 1)];
}

// The lines that a case expects of its output number `index`.
std::vector<std::string> expected_of(const Json& one, std::size_t index) {
    std::vector<std::string> lines;
    std::string open;
    for (const Json& event : *one.find("events")->array()) {
        if (const Json* text = event.find("text")) lines.push_back("text " + *text->string());
        if (const Json* text = event.find("thinking")) lines.push_back("thinking " + *text->string());
        if (const Json* what = event.find("open")) open = " " + *what->string();
        const Json* call = event.find("call");
        const Json* slip = event.find("slip");
        if (call == nullptr && slip == nullptr) continue;
        const std::string name = *(call != nullptr ? call : slip)->string();
        if (!name.empty()) lines.push_back("begin " + name);
        if (const Json* text = event.find("arguments_text")) {
            lines.push_back(sentence("end ", name, " ", *text->string()));
            continue;
        }
        const Json& arguments = *event.find("arguments");
        for (const auto& [key, value] : *arguments.object()) {
            if (name.empty()) continue;
            if (call != nullptr) {
                append_values(value, key, lines);
            } else {
                lines.push_back(sentence("argument ", key, " = ", value.dump()));
            }
        }
        lines.push_back(sentence("end ", name, " ", arguments.dump()));
        if (slip != nullptr) {
            lines.push_back(sentence("slip at ", *nth(*event.find("at"), index).string(), ": ",
                                     *nth(*event.find("expected"), index).string()));
        }
    }
    lines.push_back("over" + open);
    return lines;
}

// The same form for what came: without spans, and for a slip with the text of its span and only the arguments
// that were whole.
std::vector<std::string> comparable(const std::vector<std::string>& lines, std::string_view output,
                                    bool exact) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const std::string& line = lines[i];
        if (line.compare(0, 5, "span ") == 0) continue;
        if (line.compare(0, 9, "argument ") == 0) {
            if (exact) continue;
            std::size_t end = i;
            while (end < lines.size() && lines[end].compare(0, 4, "end ") != 0) ++end;
            const bool is_slip = end + 1 < lines.size() && lines[end + 1].compare(0, 5, "slip ") == 0;
            const std::string path = line.substr(9, line.find(" = ") - 9);
            const bool is_whole = path.find_first_of(".[") == path.npos;
            if (is_slip && !is_whole) continue;
            out.push_back(canonical(line));
        } else if (line.compare(0, 5, "slip ") == 0) {
            const std::size_t offset = std::stoul(line.substr(5));
            const std::size_t middle = line.find(' ', 5);
            const std::size_t size = std::stoul(line.substr(middle + 1));
            out.push_back(sentence("slip at ", output.substr(offset, size), ": ",
                                   line.substr(line.find(' ', middle + 1) + 1)));
        } else {
            out.push_back(exact ? line : canonical(line));
        }
    }
    return out;
}

TEST_CASE("output parser: every output of the corpus gives its events, also byte by byte and cut anywhere") {
    const DeclaredTools declared = tools_of(kTools);
    for (const Json& one : cases()) {
        OutputParserOptions options;
        options.thinking_is_open = flag(one, "thinking_is_open");
        options.thinking_is_unknown = flag(one, "thinking_is_unknown");
        options.calls_in_thinking = flag(one, "calls_in_thinking");
        const DeclaredTools tools = flag(one, "with_tools") ? declared : DeclaredTools();
        const bool exact = one.dump().find("arguments_text") != std::string::npos;
        const Json::Array& outputs = *one.find("outputs")->array();
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            const std::string_view output = *outputs[i].string();
            INFO(*one.find("case")->string() << ": " << output);
            const auto whole = events_of(output, options, tools);
            CHECK(comparable(whole, output, exact) == expected_of(one, i));

            Pieces bytes;
            for (std::size_t at = 0; at < output.size(); ++at) bytes.push_back(output.substr(at, 1));
            CHECK(events_of(bytes, tools, options) == whole);
            bool is_same = true;
            for (std::size_t at = 1; at < output.size(); ++at) {
                const Pieces pieces = {output.substr(0, at), output.substr(at)};
                is_same = is_same && events_of(pieces, tools, options) == whole;
            }
            CHECK(is_same);
        }
    }
}

std::string wrapped(std::string_view body) {
    return sentence(kStart, body, kEnd);
}

TEST_CASE("output parser: events come as early as they are certain") {
    OutputParser parser;
    Collected collected;
    const auto after = [&](std::string_view piece) {
        REQUIRE(parser.push(piece).ok());
        collected.lines.clear();
        collected.take(parser);
        return collected.lines;
    };
    using Lines = std::vector<std::string>;
    CHECK(after("<think>hm") == Lines{"thinking hm"});
    CHECK(after(" <") == Lines{"thinking  "});
    CHECK(after("b") == Lines{"thinking <b"});
    CHECK(after("</think").empty());
    CHECK(after(">Hello \xF0\x9F") == Lines{"text Hello "});
    CHECK(after("\x99\x82!<|tool_call") == Lines{"text \U0001F642!"});
    CHECK(after("_start|>[get(").size() == 1);
    CHECK(after("a=[1, 2.5") == Lines{"argument a[0] = 1"});
    CHECK(after(",") == Lines{"argument a[1] = 2.5"});
    CHECK(after("]") == Lines{"argument a = [1,2.5]"});
    CHECK(after(", b='x").empty());
    CHECK(after("'").empty());
    CHECK(after(")") == Lines{"argument b = \"x\"", "end get {\"a\":[1,2.5],\"b\":\"x\"}", "span 51 23"});
    CHECK(after("]<|tool_call_end|>[g").empty());
    CHECK(after("o") == Lines{"text [go"});
}

TEST_CASE("output parser: ill-formed bytes become U+FFFD in text, thinking, names and arguments") {
    const auto lines =
        events_of("a\xFF<think>\xE4\xBD</think>\xC3" + wrapped("[f\xFF(k\xE4='\xF0\x9F')]") + "\x80");
    CHECK(lines == std::vector<std::string>{"text a\uFFFD", "thinking \uFFFD", "text \uFFFD", "begin f\uFFFD",
                                            "argument k\uFFFD = \"\uFFFD\"",
                                            "end f\uFFFD {\"k\uFFFD\":\"\uFFFD\"}", "span 40 11", "text \uFFFD",
                                            "over"});
}

TEST_CASE("output parser: a byte of zero and every other control character is text") {
    std::string controls;
    for (char byte = 0; byte < 0x20; ++byte) controls += byte;
    const auto lines = events_of("x" + controls + wrapped("[f(a=\"" + controls + "\")]"));
    REQUIRE(lines.size() == 6);
    CHECK(lines[0] == "text x" + controls);
    const auto json = Json::parse(lines[3].substr(6), "arguments");
    REQUIRE(json.ok());
    CHECK(*json->find("a")->string() == controls);
}

TEST_CASE("output parser: brackets nested a million deep are a slip of one call") {
    constexpr std::size_t kDepth = 1000000;
    const std::string deep(kDepth, '[');
    for (const std::string& body :
         {"[f(a=" + deep + "), g()]", "[f(a=" + deep + std::string(kDepth, ']') + "), g()]",
          "[f(a=" + std::string(kDepth, '(') + "), g()]", R"([{"name": "f", "arguments": {"a": )" + deep, deep,
          std::string(kDepth, '{')}) {
        const auto lines = events_of(wrapped(body));
        CHECK(lines.size() < 20);
    }
    const auto closed = events_of(wrapped("[f(a=" + deep + std::string(kDepth, ']') + "), g()]"));
    REQUIRE(closed.size() == 8);
    CHECK(closed[1] == "end f {}");
    CHECK(closed[2] == "slip 88 1 at most 64 brackets around a value");
    CHECK(closed[4] == "begin g");
}

TEST_CASE("output parser: as many brackets as the budget allows are read, one more is a slip") {
    OutputParserOptions options;
    options.limits.max_depth = 3;
    for (const char* pattern : {"[f(v=%)]", R"({"name": "f", "arguments": {"v": %}})"}) {
        const auto lines_of = [&](std::string value) {
            std::string body = pattern;
            body.replace(body.find('%'), 1, value);
            return events_of(wrapped(body), options);
        };
        CHECK(lines_of("[[[1]]]").size() == 8);
        const auto deeper = lines_of("[[[[1]]]]");
        REQUIRE(deeper.size() == 5);
        CHECK(deeper[1] == "end f {}");
        CHECK(deeper[2].find("at most 3 brackets around a value") != std::string::npos);
    }
}

TEST_CASE("output parser: a call that is too long is a slip, and the next one is read") {
    OutputParserOptions options;
    options.limits.max_call_size = 30;
    const auto lines = events_of(wrapped("[f(a=1, b='" + std::string(100, 'x') + "'), g(c=2)]"), options);
    REQUIRE(lines.size() == 10);
    CHECK(lines[2] == "end f {\"a\":1}");
    CHECK(lines[3] == "slip 50 1 at most 30 bytes in one call");
    CHECK(lines[7] == "end g {\"c\":2}");
}

TEST_CASE("output parser: calls beyond the budget are one slip and nothing more") {
    OutputParserOptions options;
    options.limits.max_calls = 2;
    const auto lines = events_of(wrapped("[f(), g(), h(), i()]") + "text" + wrapped("[j()]"), options);
    CHECK(lines == std::vector<std::string>{"begin f", "end f {}", "span 20 3", "begin g", "end g {}",
                                            "span 25 3", "end  {}", "slip 30 1 at most 2 calls in one output",
                                            "span 30 1", "text text", "over"});
}

TEST_CASE("output parser: spans stay inside the output, also that of a call beyond the budget") {
    OutputParserOptions options;
    options.limits.max_calls = 1;
    const std::string output = wrapped("[f()]") + std::string(kStart) + "no call";
    const auto lines = events_of(output, options);
    REQUIRE(lines.size() == 7);
    CHECK(lines[4] == sentence("slip ", output.size() - 7, " 1 at most 1 calls in one output"));
    CHECK(lines[5] == sentence("span ", output.size() - 7, " 1"));
}

TEST_CASE("output parser: what hostile output makes of few bytes is bounded") {
    // A long key over many short values: paths are cut off, values stay in the whole call.
    std::string body = "[f(a={'" + std::string(2000, 'k') + "': [";
    for (int i = 0; i < 2000; ++i) body += "1,";
    const auto lines = events_of(wrapped(body + "]})]"));
    CHECK(lines.size() == 5);
    CHECK(lines[1].compare(0, 13, "argument a = ") == 0);

    std::string many = "[f(a=[";
    for (std::size_t i = 0; i < kMaxArgumentEvents + 10; ++i) many += "1,";
    CHECK(events_of(wrapped(many + "])]")).size() == kMaxArgumentEvents + 4);
}

TEST_CASE("output parser: a long name is prose in both notations") {
    const std::string longest(kMaxNameSize, 'n');
    CHECK(events_of(wrapped("[" + longest + "()]"))[0] == "begin " + longest);
    CHECK(events_of(wrapped(R"({"name": ")" + longest + "\"}"))[0] == "begin " + longest);
    CHECK(events_of(wrapped("[n" + longest + "()]"))[0] == "end  {}");
    CHECK(events_of(wrapped(R"({"name": "n)" + longest + "\"}"))[0] == "end  {}");
}

TEST_CASE("output parser: a body is recognised again up to its budget, in time linear in the output") {
    const std::string body = "[f(a='" + std::string(kMaxEchoSize - 10, 'x') + "')]";
    CHECK(events_of(wrapped(body) + body + std::string(kEnd) + "ok").at(4) == "text ok");
    const std::string longer = "[f(a='" + std::string(kMaxEchoSize, 'x') + "')]";
    CHECK(events_of(wrapped(longer) + longer).at(4) == "text " + longer);
    // Every '[' may begin a repetition.
    const std::string brackets(100000, '[');
    CHECK(events_of(wrapped("[[[f()]]]") + brackets).at(3) == "text " + brackets);
}

TEST_CASE("output parser: what may be thinking waits for the first tag, up to its budget") {
    OutputParserOptions options;
    options.thinking_is_unknown = true;
    const std::string most(kMaxUndecidedSize, 'x');
    CHECK(events_of(most + "</think>y", options).at(0) == "thinking " + most);
    CHECK(events_of(most + "x</think>y", options).at(0) == "text " + most + "xy");
}

TEST_CASE("output parser: nothing can be pushed after the end") {
    OutputParser parser;
    REQUIRE(parser.finish().ok());
    CHECK(parser.push("x").error().status == SLUICE_E_STATE);
    CHECK(parser.finish().error().status == SLUICE_E_STATE);
    CHECK(parser.next().kind == OutputEventKind::kEnd);
    CHECK(parser.next().kind == OutputEventKind::kNone);
}

TEST_CASE("declared tools: what is no list of tools is refused by name and number") {
    const auto message = [](std::string_view text) {
        const auto tools = DeclaredTools::parse(text);
        REQUIRE(!tools.ok());
        return tools.error().message;
    };
    CHECK(message("{}") == "tools: the JSON is no array");
    CHECK(message("[").find("tools") == 0);
    CHECK(message(R"([{"name": "a"}, {}])") == "tools: number 1 has no name");
    CHECK(message(R"([{"type": "function", "function": {"name": ""}}])") == "tools: number 0 has no name");
    CHECK(message(R"([{"name": "a"}, {"name": "a"}])") == "tools: \"a\" is declared twice");
    CHECK(message(R"([{"name": "a", "parameters": []}])") == "tools: the parameters of \"a\" are no object");
    CHECK(message(std::string(100000, '[')).find("nested deeper than 64") != std::string::npos);
    CHECK(tools_of("[]").empty());
    CHECK(tools_of(R"([{"name": "a", "parameters": null}])").find("a") != nullptr);
}

TEST_CASE("declared tools: keywords of the schema that are checked") {
    const auto fault = [](std::string_view schema, std::string_view value) -> std::string {
        const DeclaredTools tools =
            tools_of(sentence(R"([{"name": "t", "parameters": {"properties": {"v": )", schema, "}}}]"));
        const auto arguments = Json::parse(sentence(R"({"v": )", value, "}"), "arguments");
        REQUIRE(arguments.ok());
        const auto mismatch = find_mismatch(*tools.find("t"), *arguments);
        return mismatch ? mismatch->expected : "";
    };
    for (const char* type : {"string", "boolean", "null", "array", "object", "integer"}) {
        const std::string schema = sentence(R"({"type": ")", type, "\"}");
        int n_fitting = 0;
        for (const char* value : {"\"x\"", "true", "null", "[]", "{}", "1"})
            n_fitting += fault(schema, value).empty();
        CHECK(n_fitting == 1);
    }
    CHECK(fault(R"({"type": "number"})", "1").empty());
    CHECK(fault(R"({"type": "integer"})", "1.5") == "\"v\" of type integer");
    CHECK(fault(R"({"type": "integer"})", "123456789012345678901234567890").empty());
    CHECK(fault(R"({"type": "string", "nullable": true})", "null").empty());
    CHECK(fault(R"({"const": [1, {"a": null}]})", R"([1, {"a": null}])").empty());
    CHECK(fault(R"({"const": [1]})", "[2]") == "\"v\" to be [1]");
    CHECK(fault(R"({"enum": [1, "1", true]})", "1.0").empty());
    CHECK(fault(R"({"enum": ["1", true]})", "1") == "\"v\" to be one of \"1\", true");
    CHECK(fault(R"({"anyOf": [{"type": "string"}, {"type": "null"}]})", "null").empty());
    CHECK(fault(R"({"anyOf": [{"type": "string"}, {"type": "null"}]})", "1") ==
          "\"v\" to fit one of 2 schemas of anyOf");
    CHECK(fault(R"({"properties": {"a": {}}})", R"({"b": 1})").empty());
    CHECK(fault(R"({"properties": {"a": {}}, "additionalProperties": false})", R"({"b": 1})") ==
          "one of the arguments a inside \"v\"");
    CHECK(fault(R"({"additionalProperties": {"type": "string"}})", R"({"b": 1})") ==
          "\"b\" of type string inside \"v\"");
    CHECK(fault(R"({"items": {"type": "array", "items": {"enum": [1]}}})", "[[1], [1, 2]]") ==
          "every item of every item of \"v\" to be one of 1");
    CHECK(fault("true", "1").empty());
}

}  // namespace
}  // namespace sluice
