// What jinja2 makes of the same templates with the settings of transformers; tests/text/jinja/make_expected.py
// asks it.
#include <fstream>
#include <iterator>

#include "base/json.h"
#include "support/catch.h"
#include "support/test_data.h"
#include "text/chat_template.h"
#include "text/jinja/spelling.h"

namespace sluice {
namespace {

std::string read_file(const std::string& name) {
    const std::string path = test_data_folder() + "/text/jinja/" + name;
    std::ifstream file(path, std::ios::binary);
    if (!file) FAIL(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Json read_json(const std::string& name) {
    auto json = Json::parse(read_file(name), name);
    if (!json) FAIL(json.error().message);
    return *json;
}

const std::string& text_at(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    REQUIRE(value != nullptr);
    REQUIRE(value->string() != nullptr);
    return *value->string();
}

using Variables = std::vector<std::pair<std::string, Json>>;

Result<std::string> rendered(std::string_view source, const Variables& variables,
                             std::optional<std::int64_t> local_time) {
    auto parsed = jinja::Template::parse(source);
    if (!parsed) return parsed.error();
    return parsed->render(variables, {{}, local_time});
}

// An error is compared as such; its words are ours.
void check_same(const Result<std::string>& result, const Json& expected) {
    if (expected.find("error") != nullptr) {
        CHECK_FALSE(result.ok());
        if (!result) CHECK(result.error().message.find("template") != std::string::npos);
        return;
    }
    if (!result) FAIL_CHECK(result.error().message);
    if (result) CHECK(*result == text_at(expected, "text"));
}

}  // namespace

TEST_CASE("jinja: small templates give what jinja2 gives, or fail where it fails") {
    const Json expected = read_json("expected.json");
    const Json* cases = expected.find("cases");
    REQUIRE(cases->array()->size() >= 700);
    const Variables& variables = *expected.find("variables")->object();
    const auto local_time = expected.find("local_time")->integer();
    for (const Json& one : *cases->array()) {
        const std::string& source = text_at(one, "source");
        CAPTURE(source);
        check_same(rendered(source, variables, local_time), one);
    }
}

TEST_CASE("jinja: templates in the manner of five families give what jinja2 gives") {
    const Json conversations = read_json("conversations.json");
    const Json expected = read_json("families.json");
    REQUIRE(expected.array()->size() >= 60);
    for (const Json& one : *expected.array()) {
        const std::string& name = text_at(one, "template");
        const std::string& conversation = text_at(one, "conversation");
        CAPTURE(name, conversation);
        const Variables& variables = *conversations.find(conversation)->object();
        check_same(rendered(read_file("families/" + name), variables, 1'700'000'000), one);
    }
}

}  // namespace sluice
