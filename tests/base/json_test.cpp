#include "base/json.h"

#include "support/catch.h"

using namespace sluice;

namespace {

std::int32_t status_of(std::string_view text, const JsonLimits& limits = {}) {
    const auto parsed = Json::parse(text, "test.json", limits);
    return parsed ? SLUICE_OK : parsed.error().status;
}

}  // namespace

TEST_CASE("json: values arrive with their types") {
    const auto parsed = Json::parse(R"({"n": null, "t": true, "i": -7, "u": 18446744073709551615, "d": 2.5,
                                        "s": "a\u00e9", "a": [1, [2]], "o": {"k": 3.0}})",
                                    "test.json");
    REQUIRE(parsed.ok());
    CHECK(parsed->find("n")->is_null());
    CHECK(*parsed->find("t")->boolean());
    CHECK(parsed->find("i")->integer() == -7);
    CHECK_FALSE(parsed->find("i")->natural());
    CHECK(parsed->find("u")->natural() == 18446744073709551615ull);
    CHECK_FALSE(parsed->find("u")->integer());
    CHECK(parsed->find("d")->number() == 2.5);
    CHECK_FALSE(parsed->find("d")->integer());
    CHECK(*parsed->find("s")->string() == "a\xC3\xA9");
    CHECK((*parsed->find("a")->array())[1].array()->front().integer() == 2);
    CHECK(parsed->find("o")->find("k")->integer() == 3);
    CHECK(parsed->find("absent") == nullptr);
    CHECK(parsed->find("d")->find("k") == nullptr);
}

TEST_CASE("json: what is not JSON is corrupt, and the message names the text and the place") {
    for (const std::string_view bad :
         {"", "{", "[1,]", "{\"a\" 1}", "nul", "1 2", "\"\\ud800\"", "\"\xFF\"", "[1e999999]", "\"a"}) {
        CHECK(status_of(bad) == SLUICE_E_CORRUPT);
    }
    const auto parsed = Json::parse("[1, x]", "test.json");
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().message.find("test.json") != std::string::npos);
    CHECK(parsed.error().file_offset == 5);
}

TEST_CASE("json: a key that appears twice is corrupt") {
    CHECK(status_of(R"({"a": 1, "b": 2, "a": 3})") == SLUICE_E_CORRUPT);
    CHECK(status_of(R"([{"a": 1}, {"a": 3}])") == SLUICE_OK);
}

TEST_CASE("json: depth, size and count have limits") {
    const std::string deep = std::string(64, '[') + std::string(64, ']');
    CHECK(status_of(deep) == SLUICE_OK);
    CHECK(status_of("[" + deep + "]") == SLUICE_E_LIMIT);
    CHECK(status_of(std::string(1000000, '[')) == SLUICE_E_LIMIT);
    CHECK(status_of("[1,2,3,4]", {.max_values = 4}) == SLUICE_E_LIMIT);
    CHECK(status_of("[1,2,3,4]", {.max_size = 8}) == SLUICE_E_LIMIT);
}

TEST_CASE("json: an integer of a hundred thousand digits is no crash") {
    CHECK(status_of("[" + std::string(100000, '9') + "]") == SLUICE_E_CORRUPT);
    CHECK(status_of("[0." + std::string(100000, '9') + "]") == SLUICE_OK);
}

TEST_CASE("json: a tree is written back as compact text") {
    const auto parsed = Json::parse(R"({ "a" : [1, 2.5, "x"], "b": null })", "test.json");
    REQUIRE(parsed.ok());
    CHECK(parsed->dump() == R"({"a":[1,2.5,"x"],"b":null})");
}
