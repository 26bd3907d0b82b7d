// What transformers renders with templates of the family, from the oracle's folder.
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/json.h"
#include "support/catch.h"
#include "text/chat_template.h"
#include "text/jinja/spelling.h"

namespace sluice {
namespace {

std::string read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) FAIL(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string text_at(const Json& json, std::string_view name) {
    const Json* value = json.find(name);
    return value == nullptr || value->string() == nullptr ? std::string() : *value->string();
}

// The value as JSON text again, with its members in order.
std::string spelled(const Json& json) {
    jinja::Meter meter({});
    auto value = jinja::from_json(meter, json);
    if (!value) FAIL(value.error().message);
    auto text = jinja::json_of(meter, *value, {});
    if (!text) FAIL(text.error().message);
    return *text;
}

}  // namespace

TEST_CASE("chat template: conversations are rendered byte for byte as transformers renders them") {
    const char* oracle = std::getenv("SLUICE_ORACLE_DIR");
    if (oracle == nullptr) {
        WARN("skipped: SLUICE_ORACLE_DIR is not set");
        return;
    }
    const std::string folder = std::string(oracle) + "/chat/";
    const std::string path = folder + "cases.json";
    auto cases = Json::parse(read_text(path), path);
    if (!cases) FAIL(cases.error().message);
    REQUIRE(cases->array() != nullptr);
    CHECK(cases->array()->size() >= 420);
    for (const Json& one : *cases->array()) {
        const std::string name = text_at(one, "template");
        auto opened =
            ChatTemplate::parse(read_text(folder + name + ".jinja"), {{"bos_token", "<|startoftext|>"}});
        if (!opened) FAIL(opened.error().message);
        const std::string messages = spelled(*one.find("messages"));
        const std::string tools = spelled(*one.find("tools"));
        const std::string variables = spelled(*one.find("variables"));
        ChatRequest request;
        request.messages = messages;
        request.tools = tools;
        request.variables = variables;
        request.add_generation_prompt = *one.find("add_generation_prompt")->boolean();
        CAPTURE(name, text_at(one, "conversation"), request.add_generation_prompt, variables);
        const auto prompt = opened->render(request);
        if (!prompt) FAIL(prompt.error().message);
        CHECK(*prompt == text_at(one, "expected"));
    }
}

}  // namespace sluice
