// sluice parse: raw output in, lines of JSON out.
#include <fstream>

#include "run_command.h"
#include "support/catch.h"

namespace {

const std::string kOutput =
    "<think>hm</think>\nLook: \xF0\x9F\x99\x82<|tool_call_start|>[f(a={'b': [12345678901234567890123]}), g(x=)]"
    "<|tool_call_end|>";

std::vector<nlohmann::json> events_of(const Outcome& outcome) {
    INFO(outcome.err);
    REQUIRE(outcome.exit_code == 0);
    std::vector<nlohmann::json> events;
    for (std::size_t at = 0; at < outcome.out.size();) {
        const std::size_t end = outcome.out.find('\n', at);
        events.push_back(nlohmann::json::parse(outcome.out.substr(at, end - at), nullptr, false));
        REQUIRE(events.back().is_object());
        at = end + 1;
        // Neighbouring text is one event: how it is cut depends on how it arrives.
        const std::size_t n = events.size();
        const bool is_text = events[n - 1]["event"] == "text" || events[n - 1]["event"] == "thinking";
        if (n == 1 || !is_text || events[n - 1]["event"] != events[n - 2]["event"]) continue;
        events[n - 2]["text"] =
            events[n - 2]["text"].get<std::string>() + events[n - 1]["text"].get<std::string>();
        events.pop_back();
    }
    return events;
}

}  // namespace

TEST_CASE("parse: an answer becomes events, one line of JSON each") {
    const Workplace place("");
    const Outcome outcome = place.run({"parse"}, kOutput);
    const auto events = events_of(outcome);
    REQUIRE(events.size() == 10);
    CHECK(events[0] == nlohmann::json({{"event", "thinking"}, {"text", "hm"}}));
    CHECK(events[1] == nlohmann::json({{"event", "text"}, {"text", "Look: \xF0\x9F\x99\x82"}}));
    CHECK(events[2]["event"] == "tool_call_begin");
    CHECK(events[2]["name"] == "f");
    CHECK(events[3]["event"] == "tool_call_argument");
    CHECK(events[3]["path"] == "a.b[0]");
    CHECK(events[5]["path"] == "a");
    CHECK(events[6]["event"] == "tool_call_end");
    CHECK(events[6]["valid"] == true);
    CHECK(events[8]["event"] == "tool_call_end");
    CHECK(outcome.out.find(R"("arguments":{"a":{"b":[12345678901234567890123]}},"valid":true)") !=
          std::string::npos);
}

TEST_CASE("parse: a slip is an event that names its bytes, not a failure") {
    const Workplace place("");
    const auto events = events_of(place.run({"parse"}, kOutput));
    const auto& slip = events.at(8)["slip"];
    CHECK(events.at(8)["valid"] == false);
    CHECK(slip["expected"] == "a value");
    CHECK(kOutput.substr(slip["offset"].get<std::size_t>(), slip["size"].get<std::size_t>()) == ")");
}

TEST_CASE("parse: the events do not depend on the chunk") {
    const Workplace place("");
    const auto whole = events_of(place.run({"parse"}, kOutput));
    for (const char* chunk : {"1", "2", "7", "1000"}) {
        CHECK(events_of(place.run({"parse", "--chunk", chunk}, kOutput)) == whole);
    }
}

TEST_CASE("parse: calls are compared with the tools of a file") {
    const Workplace place("");
    std::ofstream(place.path("tools.json"))
        << R"([{"name": "f", "parameters": {"required": ["b"]}}, {"name": "g"}])";
    const auto events = events_of(place.run({"parse", "--tools", place.path("tools.json")},
                                            "<|tool_call_start|>[f(), g(a=1), h()]<|tool_call_end|>"));
    std::vector<nlohmann::json> expected;
    for (const auto& event : events) {
        if (event["event"] == "tool_call_end")
            expected.push_back(event["valid"].get<bool>() ? "" : event["slip"]["expected"]);
    }
    CHECK(expected == std::vector<nlohmann::json>{"an argument \"b\"", "", "a declared tool: f, g"});
}

TEST_CASE("parse: flags tell what the output alone does not") {
    const Workplace place("");
    const auto events = events_of(
        place.run({"parse", "--thinking", "open", "--calls-in-thinking"}, "hm<|tool_call_start|>[f()]"));
    REQUIRE(events.size() == 4);
    CHECK(events[0]["event"] == "thinking");
    CHECK(events[1]["event"] == "tool_call_begin");
    CHECK(events[3] == nlohmann::json({{"event", "end"}, {"open", {"thinking", "tool_calls"}}}));
}

TEST_CASE("parse: an output that began inside thinking is known by its first tag, unless told otherwise") {
    const Workplace place("");
    CHECK(events_of(place.run({"parse"}, "hm</think>4"))[0]["event"] == "thinking");
    CHECK(events_of(place.run({"parse", "--thinking", "closed"}, "hm</think>4"))[0]["text"] == "hm4");
    CHECK(place.run({"parse", "--thinking", "perhaps"}, "").exit_code == 2);
}

TEST_CASE("parse: bytes that are no text are repaired, and no output has an end too") {
    const Workplace place("");
    CHECK(events_of(place.run({"parse"}, "a\xFF"))[0]["text"] == "a\uFFFD");
    CHECK(events_of(place.run({"parse"}, "")).size() == 1);
}

TEST_CASE("parse: wrong tools and wrong usage are told apart") {
    const Workplace place("");
    std::ofstream(place.path("tools.json")) << "{}";
    std::ofstream(place.path("empty.json"));
    CHECK(place.run({"parse", "--tools", place.path("tools.json")}).exit_code == 1);
    CHECK(place.run({"parse", "--tools", place.path("empty.json")}).exit_code == 1);
    CHECK(place.run({"parse", "--tools", place.path("none.json")}).exit_code == 1);
    CHECK(place.run({"parse", "--tools", "-"}).exit_code == 2);
    CHECK(place.run({"parse", "--chunk", "0"}).exit_code == 2);
}
