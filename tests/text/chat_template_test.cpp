// How messages are brought into one form, and the template for models without one.
#include "text/chat_template.h"
#include "support/catch.h"

namespace sluice {
namespace {

std::string rendered(std::string_view source, std::string_view messages, std::string_view tools = {},
                     std::string_view variables = {}) {
    auto parsed = ChatTemplate::parse(source, {{"bos_token", "<|startoftext|>"}});
    if (!parsed) return parsed.error().message;
    ChatRequest request;
    request.messages = messages;
    request.tools = tools;
    request.variables = variables;
    auto prompt = parsed->render(request);
    return prompt ? *prompt : prompt.error().message;
}

constexpr std::string_view kTools = R"([{"type": "function", "function": {"name": "f"}}, {"name": "g"}])";

}  // namespace

TEST_CASE("chat template: content that is null or left out beside calls is an empty text") {
    CHECK(rendered("{{ messages[0].content is string }}", R"([{"role": "a", "content": null}])") == "True");
    CHECK(rendered("{{ messages[0].content is string }}", R"([{"role": "a", "tool_calls": []}])") == "True");
    CHECK(rendered("{{ messages[0].content is defined }}", R"([{"role": "a"}])") == "False");
    CHECK(rendered("{{ messages[0].tool_calls is defined }}", R"([{"role": "a", "tool_calls": null}])") ==
          "False");
}

TEST_CASE("chat template: thinking and reasoning_content stand for each other") {
    CHECK(rendered("{{ messages[0].thinking }}", R"([{"role": "a", "reasoning_content": "x"}])") == "x");
    CHECK(rendered("{{ messages[0].reasoning_content }}", R"([{"role": "a", "thinking": "x"}])") == "x");
    CHECK(rendered("{{ messages[0].thinking }}",
                   R"([{"role": "a", "thinking": "x", "reasoning_content": "y"}])") == "x");
    CHECK(rendered("{{ messages[0].thinking is defined }}", R"([{"role": "a", "reasoning_content": null}])") ==
          "False");
}

TEST_CASE("chat template: arguments that are JSON text become the object they spell") {
    const std::string_view source = "{{ messages[0].tool_calls[0].function.arguments }}";
    const auto with = [&](const std::string& arguments) {
        return rendered(source, R"([{"role": "a", "tool_calls": [{"function": {"name": "f", "arguments": )" +
                                    arguments + "}}]}]");
    };
    CHECK(with(R"("{\"a\": [1, 2.0, null]}")") == "{'a': [1, 2.0, None]}");
    CHECK(with(R"({"a": 1})") == "{'a': 1}");
    CHECK(with(R"("")") == "{}");
    CHECK(with(R"("not json")") == "not json");
    CHECK(with(R"("[1]")") == "[1]");
    CHECK(rendered("{{ messages[0].tool_calls[0].arguments.a }}",
                   R"([{"role": "a", "tool_calls": [{"name": "f", "arguments": "{\"a\": 5}"}]}])") == "5");
}

TEST_CASE("chat template: numbers of JSON keep their spelling") {
    CHECK(rendered("{{ tools | tojson }}", "[]",
                   R"([{"a": 1.0, "b": 1e3, "c": 18446744073709551615, "d": -5, "e": 0.1}])") ==
          R"([{"a": 1.0, "b": 1000.0, "c": 18446744073709551615, "d": -5, "e": 0.1}])");
}

TEST_CASE("chat template: more variables are given, but not those with an argument of their own") {
    CHECK(rendered("{{ x }}{{ bos_token }}", "[]", {}, R"({"x": 1, "bos_token": "B"})") == "1B");
    CHECK(rendered("{{ x }}", "[]", {}, R"({"tools": 1})").find("variables holds tools") == 0);
    CHECK(rendered("{{ x }}", "[]", {}, "[]") == "variables is not an object");
    CHECK(rendered("{{ x }}", "[]", "[1]") == "tools[0] is not an object");
    CHECK(rendered("{{ tools is none }}", "[]", "null") == "True");
}

TEST_CASE("chat template: the built-in one writes the family's form") {
    CHECK(rendered(kBuiltInChatTemplate, R"([{"role": "user", "content": "Hi"}])") ==
          "<|startoftext|><|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
    CHECK(
        rendered(
            kBuiltInChatTemplate,
            R"([{"role": "system", "content": "S"}, {"role": "user", "content": [{"type": "text", "text": "a"},
                   {"type": "image"}]}])",
            kTools) ==
        "<|startoftext|><|im_start|>system\nS\nList of tools: [{\"type\": \"function\", \"function\": "
        "{\"name\": "
        "\"f\"}}, {\"name\": \"g\"}]<|im_end|>\n<|im_start|>user\na<image><|im_end|>\n<|im_start|>assistant\n");
    CHECK(rendered(kBuiltInChatTemplate,
                   R"([{"role": "user", "content": "1"},
                   {"role": "assistant", "content": "<think>a</think>\n b"}, {"role": "user", "content": "2"},
                   {"role": "assistant", "thinking": "t", "content": "c", "tool_calls": [
                     {"function": {"name": "f", "arguments": {"s": "it's", "n": 3, "o": {"k": true}}}},
                     {"function": {"name": "g", "arguments": "{}"}}]},
                   {"role": "tool", "content": "r"}])") ==
          "<|startoftext|><|im_start|>user\n1<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
          "<|im_start|>user\n2<|im_end|>\n<|im_start|>assistant\n<think>t</think>c<|tool_call_start|>"
          "[f(s=\"it's\", n=3, o={\"k\": true}), g()]<|tool_call_end|><|im_end|>\n"
          "<|im_start|>tool\nr<|im_end|>\n<|im_start|>assistant\n");
    CHECK(rendered(kBuiltInChatTemplate, "[]") == "<|startoftext|><|im_start|>assistant\n");
}

}  // namespace sluice
