// Calls of tools: what of their notation is accepted, restricted by name and by signature.
#include "text/grammar/tool_signatures.h"

#include "text/grammar/rig.h"

namespace sluice::grammar {
namespace {

constexpr std::string_view kTools = R"([
  {"type":"function","function":{"name":"weather","description":"d","parameters":{"type":"object","properties":{
     "city":{"type":"string"},"unit":{"enum":["C","F"]},"days":{"type":"integer","minimum":1,"maximum":14}},
     "required":["city"]}}},
  {"name":"calendar.create","parameters":{"type":"object","properties":{"when":{"type":"object","properties":{
     "day":{"type":"string","format":"date"},"all_day":{"type":"boolean"}},"required":["day"]},
     "guests":{"type":"array","items":{"type":"string"}},"note":{"type":["string","null"]}},"required":["when"]}},
  {"name":"now"}])";

void check_calls(const ToolOptions& options, const std::vector<std::string_view>& good,
                 const std::vector<std::string_view>& bad) {
    const Automaton automaton = built(compile_tools(kTools, options));
    for (const std::string_view text : good) {
        CAPTURE(text);
        CHECK(accepts(automaton, text));
    }
    for (const std::string_view text : bad) {
        CAPTURE(text);
        CHECK_FALSE(accepts(automaton, text));
    }
}

std::int32_t status_of_tools(std::string_view tools, const ToolOptions& options = {}) {
    const auto made = compile_tools(tools, options);
    return made ? SLUICE_OK : made.error().status;
}

}  // namespace

TEST_CASE("tools: calls are written as Python with the arguments that the signature names") {
    check_calls(
        {},
        {R"([weather(city="Oslo")])", R"([weather(city='Oslo', unit="C", days=3)])",
         R"([weather(city="O",days=14)])", R"([now()])", R"([now(), weather(city=""), now()])",
         R"([calendar.create(when={"day": "2024-02-29", 'all_day': True}, guests=['a', "b"], note=None)])",
         R"([calendar.create(when={'day':'2024-02-29'})])"},
        {"", "[]", "now()", R"([weather()])", R"([weather("Oslo")])", R"([weather(city=Oslo)])",
         R"([weather(city="O", days=15)])", R"([weather(city="O", unit="K")])",
         R"([weather(unit="C", city="O")])", R"([weather(city="O", x=1)])", R"([wether(city="O")])",
         R"([now(x=1)])", R"([now(),])", R"([now() now()])", R"([calendar.create(when={"day": "2024-02-30"})])",
         R"([calendar.create(when={"day": "2024-02-29"}, note=null)])", R"([weather(city = "O")])"});
}

TEST_CASE("tools: calls are written as JSON when asked for") {
    ToolOptions options;
    options.notation = Notation::kJson;
    check_calls(options,
                {R"([{"name": "weather", "arguments": {"city": "Oslo", "days": 2}}])",
                 R"([{"name":"now","arguments":{}}])",
                 R"([{"name": "now", "arguments": {}}, {"name": "weather", "arguments": {"city": "B"}}])"},
                {R"([{"name": "weather", "arguments": {}}])", R"([{"name": "now", "arguments": {"x": 1}}])",
                 R"([{"name": "other", "arguments": {}}])", R"({"name": "now", "arguments": {}})",
                 R"([{"name": "now", "arguments": 1}])"});
}

TEST_CASE("tools: one call, or calls of one tool") {
    ToolOptions one;
    one.one_call = true;
    check_calls(one, {"[now()]"}, {"[now(), now()]", "[]"});
    ToolOptions named;
    named.only_tool = "weather";
    check_calls(named, {R"([weather(city="O")])"}, {"[now()]"});
}

TEST_CASE("tools: wrong lists of tools are refused with the reason") {
    for (const std::string_view tools :
         {"[]", "{}", "1", "[1]", R"([{"name":1}])", R"([{"name":""}])", R"([{"name":"a"},{"name":"a"}])",
          R"([{"name":"a","parameters":1}])"}) {
        CAPTURE(tools);
        CHECK(status_of_tools(tools) == SLUICE_E_INVALID_ARGUMENT);
    }
    for (const std::string_view tools :
         {R"([{"name":"a b"}])", R"([{"name":"1a"}])", R"([{"name":"a."}])",
          R"([{"name":"a","parameters":{"properties":{"b-c":{}}}}])",
          R"([{"name":"a","parameters":{"not":{}}}])", R"([{"name":"a","parameters":{"anyOf":[{}]}}])"}) {
        CAPTURE(tools);
        CHECK(status_of_tools(tools) == SLUICE_E_UNSUPPORTED);
    }
    CHECK(status_of_tools("[") == SLUICE_E_CORRUPT);
    ToolOptions missing;
    missing.only_tool = "b";
    CHECK(status_of_tools(R"([{"name":"a"}])", missing) == SLUICE_E_INVALID_ARGUMENT);
    ToolOptions json;
    json.notation = Notation::kJson;
    CHECK(status_of_tools(R"([{"name":"a b","parameters":{"properties":{"b-c":{}}}}])", json) == SLUICE_OK);
}

}  // namespace sluice::grammar
