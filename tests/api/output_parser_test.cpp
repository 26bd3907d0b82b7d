// The output parser through the C API: what tests/text shows of the parser itself is not repeated.
#include "api/small_model.h"

using namespace sluice_test;

namespace {

Handle<sluice_output_parser> make_parser(std::uint32_t flags = 0, std::string_view tools = {}) {
    auto options = sized<sluice_output_parser_options>();
    options.flags = flags;
    options.tools = tools.empty() ? nullptr : tools.data();
    options.tools_size = tools.size();
    sluice_output_parser* parser = nullptr;
    sluice_error error;
    const std::int32_t status = sluice_output_parser_create(&options, &parser, &error);
    INFO(error.message);
    REQUIRE(status == SLUICE_OK);
    return Handle<sluice_output_parser>(parser);
}

void push(sluice_output_parser* parser, std::string_view bytes) {
    REQUIRE(sluice_output_parser_push(parser, bytes.data(), bytes.size(), nullptr) == SLUICE_OK);
}

sluice_output_event next_of(sluice_output_parser* parser) {
    auto event = sized<sluice_output_event>();
    REQUIRE(sluice_output_parser_next(parser, &event, nullptr) == SLUICE_OK);
    return event;
}

std::string_view view(const char* data, std::uint64_t size) {
    return {data, static_cast<std::size_t>(size)};
}

}  // namespace

TEST_CASE("output parser: a whole answer comes through the C API in its order") {
    const auto parser = make_parser();
    push(parser.get(),
         "<think>hm</think>\nLook:<|tool_call_start|>[a.b(c=[1], d='x'), e(f=)]<|tool_call_end|><thi");
    REQUIRE(sluice_output_parser_finish(parser.get(), nullptr) == SLUICE_OK);

    auto event = next_of(parser.get());
    CHECK(event.kind == SLUICE_EVENT_THINKING);
    CHECK(view(event.text, event.text_size) == "hm");
    event = next_of(parser.get());
    CHECK(event.kind == SLUICE_EVENT_TEXT);
    CHECK(view(event.text, event.text_size) == "Look:");
    event = next_of(parser.get());
    CHECK(event.kind == SLUICE_EVENT_TOOL_CALL_BEGIN);
    CHECK(view(event.name, event.name_size) == "a.b");
    CHECK(event.call_index == 0);
    for (const auto& [path, value] : {std::pair{"c[0]", "1"}, {"c", "[1]"}, {"d", "\"x\""}}) {
        event = next_of(parser.get());
        CHECK(event.kind == SLUICE_EVENT_TOOL_CALL_ARGUMENT);
        CHECK(view(event.name, event.name_size) == "a.b");
        CHECK(view(event.path, event.path_size) == path);
        CHECK(view(event.text, event.text_size) == value);
    }
    event = next_of(parser.get());
    CHECK(event.kind == SLUICE_EVENT_TOOL_CALL_END);
    CHECK(event.valid == 1);
    CHECK(view(event.text, event.text_size) == R"({"c":[1],"d":"x"})");
    CHECK(event.call_offset == 43);
    CHECK(event.call_size == 17);
    CHECK(event.expected_size == 0);
    CHECK(next_of(parser.get()).kind == SLUICE_EVENT_TOOL_CALL_BEGIN);
    event = next_of(parser.get());
    CHECK(event.kind == SLUICE_EVENT_TOOL_CALL_END);
    CHECK(event.valid == 0);
    CHECK(event.call_index == 1);
    CHECK(view(event.text, event.text_size) == "{}");
    CHECK(view(event.expected, event.expected_size) == "a value");
    CHECK(event.slip_offset == 66);
    CHECK(event.slip_size == 1);
    event = next_of(parser.get());
    CHECK(event.kind == SLUICE_EVENT_TEXT);
    CHECK(view(event.text, event.text_size) == "<thi");
    event = next_of(parser.get());
    CHECK(event.kind == SLUICE_EVENT_END);
    CHECK(event.open == 0);
    CHECK(next_of(parser.get()).kind == SLUICE_EVENT_NONE);
}

TEST_CASE("output parser: flags tell where the prompt left off and whether calls count in thinking") {
    const auto open = make_parser(SLUICE_OUTPUT_THINKING_OPEN | SLUICE_OUTPUT_CALLS_IN_THINKING);
    push(open.get(), "hm<|tool_call_start|>[f(");
    REQUIRE(sluice_output_parser_finish(open.get(), nullptr) == SLUICE_OK);
    CHECK(next_of(open.get()).kind == SLUICE_EVENT_THINKING);
    CHECK(next_of(open.get()).kind == SLUICE_EVENT_TOOL_CALL_BEGIN);
    CHECK(next_of(open.get()).valid == 0);
    CHECK(next_of(open.get()).open == (SLUICE_OPEN_THINKING | SLUICE_OPEN_TOOL_CALLS));
}

TEST_CASE("output parser: budgets of the options hold, and what they cannot be is refused") {
    auto options = sized<sluice_output_parser_options>();
    options.max_depth = 1;
    options.max_calls = 2;
    options.max_call_size = 12;
    sluice_output_parser* made = nullptr;
    REQUIRE(sluice_output_parser_create(&options, &made, nullptr) == SLUICE_OK);
    const Handle<sluice_output_parser> parser(made);
    push(made, "<|tool_call_start|>[f(a=[[1]]), f(a=123456789), f()]<|tool_call_end|>");
    std::vector<std::string> expected;
    for (auto event = next_of(made); event.kind != SLUICE_EVENT_NONE; event = next_of(made)) {
        if (event.kind == SLUICE_EVENT_TOOL_CALL_END)
            expected.emplace_back(event.expected, event.expected_size);
    }
    CHECK(expected == std::vector<std::string>{"at most 1 brackets around a value",
                                               "at most 12 bytes in one call",
                                               "at most 2 calls in one output"});
    options.max_depth = 1025;
    sluice_error error = dirty_error();
    CHECK(sluice_output_parser_create(&options, &made, &error) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(made == nullptr);
    CHECK(std::string(error.message) == "max_depth is 1025, at most 1024 is possible");
}

TEST_CASE("output parser: tools are compared with, and refused when they are none") {
    const auto parser =
        make_parser(0, R"([{"name": "f", "parameters": {"properties": {"a": {"type": "string"}}}}])");
    push(parser.get(), "<|tool_call_start|>[f('x'), f(a=1)]");
    std::vector<std::int32_t> valid;
    for (auto event = next_of(parser.get()); event.kind != SLUICE_EVENT_NONE; event = next_of(parser.get())) {
        if (event.kind == SLUICE_EVENT_TOOL_CALL_END) valid.push_back(event.valid);
    }
    CHECK(valid == std::vector<std::int32_t>{1, 0});
    for (const std::string_view tools : {"{}", "[1]", "[", "x"}) {
        auto options = sized<sluice_output_parser_options>();
        options.tools = tools.data();
        options.tools_size = tools.size();
        sluice_output_parser* none = nullptr;
        CHECK(sluice_output_parser_create(&options, &none, nullptr) == SLUICE_E_CORRUPT);
    }
}

TEST_CASE("output parser: after the end nothing can be pushed, and a wrong struct costs no event") {
    const auto parser = make_parser();
    REQUIRE(sluice_output_parser_finish(parser.get(), nullptr) == SLUICE_OK);
    CHECK(sluice_output_parser_push(parser.get(), "x", 1, nullptr) == SLUICE_E_STATE);
    CHECK(sluice_output_parser_finish(parser.get(), nullptr) == SLUICE_E_STATE);
    sluice_output_event wrong = {};
    CHECK(sluice_output_parser_next(parser.get(), &wrong, nullptr) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(next_of(parser.get()).kind == SLUICE_EVENT_END);
}
