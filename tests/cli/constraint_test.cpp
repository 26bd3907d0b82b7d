// sluice generate under a constraint: what it writes, and what it refuses.
#include <fstream>
#include <regex>

#include "run_command.h"
#include "support/catch.h"

namespace {

std::string written(const Workplace& place, const std::string& name, std::string_view text) {
    std::ofstream(place.path(name), std::ios::binary) << text;
    return place.path(name);
}

Outcome generate(const Workplace& place, std::vector<std::string> more) {
    std::vector<std::string> arguments{"generate",   place.model(), "--ids",  "1",   "-n",    "400",
                                       "--sampling", "plain",       "--temp", "1.5", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return place.run(arguments);
}

}  // namespace

TEST_CASE("generate: a schema, an expression, a grammar or tools hold the answer") {
    const Workplace place;
    const std::string schema = written(
        place, "schema.json",
        R"({"type":"object","properties":{"a":{"enum":[1,2]},"b":{"type":"boolean"}},"required":["a","b"]})");
    const std::string grammar = written(place, "calls.txt", "root ::= (\"go\" | \"stop\") \" \" [0-9]{2}");
    const std::string tools = written(
        place, "tools.json",
        R"([{"name":"add","parameters":{"properties":{"x":{"type":"integer"}},"required":["x"]}},{"name":"no"}])");
    for (const char* seed : {"1", "2", "3"}) {
        const auto json = generate(place, {"--schema", schema, "--seed", seed}).json();
        CAPTURE(json.dump());
        CHECK(json["reason"] == "stop_token");
        const auto document = nlohmann::json::parse(json["text"].get<std::string>());
        CHECK((document["a"] == 1 || document["a"] == 2));
        CHECK(document["b"].is_boolean());
        const auto text_of = [&](const std::vector<std::string>& more) {
            std::vector<std::string> arguments = more;
            arguments.insert(arguments.end(), {"--seed", seed});
            return generate(place, arguments).json()["text"].get<std::string>();
        };
        CHECK(std::regex_match(text_of({"--regex", "[a-c]{4}"}), std::regex("[a-c]{4}")));
        CHECK(std::regex_match(text_of({"--grammar", grammar}), std::regex("(go|stop) [0-9]{2}")));
        CHECK(std::regex_match(text_of({"--tools", tools, "--tool", "no"}),
                               std::regex("\\[no\\(\\)(, ?no\\(\\))*\\]")));
        CHECK(text_of({"--schema", schema, "--constrain-after", "<|im_end|>"}) != "");
    }
}

TEST_CASE("generate: what is wrong with a constraint is one sentence") {
    const Workplace place;
    const std::string schema = written(place, "schema.json", R"({"properties":{"a":{"not":{}}}})");
    const Outcome refused = generate(place, {"--schema", schema});
    CHECK(refused.exit_code == 1);
    CHECK(refused.err.find("keyword not at #/properties/a is not supported") != std::string::npos);
    CHECK(generate(place, {"--schema", place.path("missing.json")}).exit_code == 1);
    CHECK(generate(place, {"--regex", "("}).exit_code == 1);
    CHECK(generate(place, {"--regex", "a", "--constrain-after", "no such token"}).exit_code == 1);
    CHECK(generate(place, {"--regex", "a", "--schema", schema}).exit_code == 2);
    CHECK(generate(place, {"--tool", "a"}).exit_code == 2);
    CHECK(generate(place, {"--free-whitespace"}).exit_code == 2);
}
