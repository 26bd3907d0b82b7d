// Templates and messages that want more than they may have: each is an error that says so, within its budget.
#include <string>

#include "support/catch.h"
#include "text/chat_template.h"

namespace sluice {
namespace {

constexpr std::string_view kHello = R"([{"role": "user", "content": "Hello"}])";

std::string repeated(std::string_view piece, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += piece;
    return text;
}

// The error of parsing or rendering; fails the test where there is none. The budgets are small, so that the
// test is fast also where each step is slow.
Error refused(std::string_view source, std::string_view messages = kHello) {
    jinja::Limits limits;
    limits.max_steps = 200'000;
    limits.max_output = 1u << 20;
    limits.max_memory = 8u << 20;
    auto parsed = ChatTemplate::parse(source, {}, limits);
    if (!parsed) return parsed.error();
    ChatRequest request;
    request.messages = messages;
    request.limits = limits;
    const auto prompt = parsed->render(request);
    if (!prompt) return prompt.error();
    FAIL("not refused: " << source.substr(0, 200));
    return {};
}

void check_limit(std::string_view source, std::string_view what) {
    CAPTURE(source.substr(0, 120));
    const Error error = refused(source);
    CHECK(error.status == SLUICE_E_LIMIT);
    CHECK(error.message.find(what) != std::string::npos);
    if (error.message.find(what) == std::string::npos) CHECK(error.message == what);
}

}  // namespace

TEST_CASE("chat template: loops end with their budget of steps") {
    check_limit("{{ range(10 ** 9) }}", "range has 1000000000 numbers");
    check_limit("{{ range(-9223372036854775807, 9223372036854775807) }}", "range has");
    check_limit("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
                "200000 steps");
    check_limit(
        "{% set l = [0] * 1000 %}{% for a in l %}{% for b in l %}{{ l | sort }}{% endfor %}{% endfor %}",
        "200000 steps");
    check_limit("{% set s = 'ab' * 200000 %}{% for a in range(99999) %}{{ s | upper | length }}{% endfor %}",
                "200000 steps");
    check_limit(
        "{% set s = 'a' * 500000 %}{% for a in range(9999) %}{{ ('a' * 250000 + 'b') in s }}{% endfor %}",
        "200000 steps");
}

TEST_CASE("chat template: texts and values end with their budgets of bytes") {
    check_limit("{{ 'a' * 10 ** 9 }}", "a text of 1000000000 bytes");
    check_limit("{{ 'ab' * 9223372036854775807 }}", "a text of");
    check_limit("{{ 'x'.center(10 ** 15) }}", "a text of");
    check_limit("{{ 'x' | indent(10 ** 15) }}", "a text of");
    check_limit("{{ '%9999999999d' % 1 }}", "width");
    check_limit("{{ [1] | tojson(indent=10 ** 9) }}", "indent of 1000000000");
    check_limit(
        "{% set ns = namespace(s='a') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "a text of 2097152 bytes");
    check_limit(
        "{% set ns = namespace(s='a' * 1000) %}{% for i in range(9999) %}{% set ns.s = ns.s.replace('a', "
        "'aa') %}{% endfor %}",
        "template");
    check_limit("{{ ('a' * 2000).replace('', 'b' * 2000) }}", "a text of");
    check_limit("{{ ('a' * 2000) | list | join('b' * 2000) }}", "a text of");
    check_limit("{% for i in range(99999) %}{{ 'abc' * 1000 }}{% endfor %}", "a text of");
    check_limit(
        "{% set ns = namespace(l=[0]) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "template");
    check_limit("{{ ('a' * 1000000) | length }}{{ ('a' * 1000000) | list | length }}", "template");
}

TEST_CASE("chat template: nesting ends with its budget, in the source, in values and in calls") {
    const std::size_t deep = 100'000;
    check_limit("{{ " + repeated("(", deep) + "1" + repeated(")", deep) + " }}", "nested deeper than 64");
    check_limit("{{ " + repeated("[", deep) + repeated("]", deep) + " }}", "nested deeper than 64");
    check_limit("{{ " + repeated("{1:", deep) + "1" + repeated("}", deep) + " }}", "nested deeper than 64");
    check_limit("{{ " + repeated("-", deep) + "1 }}", "nested deeper than 64");
    check_limit("{{ " + repeated("a[", deep) + "1" + repeated("]", deep) + " }}", "nested deeper than 64");
    check_limit("{{ " + repeated("f(", deep) + repeated(")", deep) + " }}", "nested deeper than 64");
    check_limit("{{ " + repeated("1 if 1 else ", deep / 2) + "1 }}", "nested deeper than 64");
    check_limit(repeated("{% if 1 %}", deep / 2), "nested deeper than 64");
    check_limit(repeated("{% for a in b %}", deep / 2), "nested deeper than 64");
    check_limit(repeated("{% macro m() %}", deep / 2), "nested deeper than 64");
    check_limit("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "nested deeper than");
    check_limit("{% set ns = namespace(l=[]) %}{% for i in range(9999) %}{% set ns.l = [ns.l] %}{% endfor %}",
                "nested deeper than 64");
    check_limit(
        "{% set ns = namespace(d={}) %}{% for i in range(9999) %}{% set ns.d = {'k': ns.d} %}{% endfor %}",
        "nested deeper than 64");
    check_limit("{{ 'a' | map(" + repeated("'map', ", 500) + "'upper') | list }}", "nested deeper than");
    check_limit("{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}", "nested deeper than");
}

TEST_CASE("chat template: chains as long as the source are no nesting") {
    const std::size_t n = 5'000;
    const std::string chains[] = {
        "{{ 1" + repeated(" + 1", n) + " }}",       "{{ 1" + repeated(" ~ 1", n) + " }}",
        "{{ a" + repeated(" or a", n) + " }}",      "{{ " + repeated("not ", n) + "1 }}",
        "{{ 'a'" + repeated(" | upper", n) + " }}", "{{ 1" + repeated(" == 1", n) + " }}",
        "{{ 'a'" + repeated(".upper()", n) + " }}", "{% if 0 %}" + repeated("{% elif 0 %}", n) + "{% endif %}",
        "{{ " + repeated("'a' ", n) + " }}",        "{{ [" + repeated("1,", n) + "] | length }}",
    };
    for (const std::string& source : chains) {
        CAPTURE(source.substr(0, 40));
        auto parsed = ChatTemplate::parse(source, {});
        REQUIRE(parsed.ok());
        ChatRequest request;
        request.messages = kHello;
        CHECK(parsed->render(request).ok());
    }
}

TEST_CASE("chat template: values that share their parts are not printed without end") {
    const std::string doubling =
        "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}";
    for (const char* use : {"{{ ns.l }}", "{{ ns.l | tojson }}", "{{ ns.l | string | length }}"}) {
        const Error error = refused(doubling + use);
        CHECK(error.status == SLUICE_E_LIMIT);
    }
    const Error error = refused(
        "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, "
        "ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}");
    CHECK(error.status == SLUICE_E_LIMIT);
}

TEST_CASE("chat template: the sandbox shows nothing of what is inside") {
    for (const char* source :
         {"{{ ''.__class__.__mro__ }}", "{{ messages.__init__.__globals__ }}", "{{ messages['__class__'].x }}",
          "{{ messages.append(1) }}", "{{ messages[0].update({'a': 1}) }}", "{{ messages[0].pop('role') }}",
          "{{ messages[0] | attr('clear') | string ~ messages[0].clear() }}"}) {
        CAPTURE(source);
        CHECK(refused(source).status == SLUICE_E_INVALID_ARGUMENT);
    }
    for (const char* source : {"{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}"})
        CHECK(refused(source).status == SLUICE_E_UNSUPPORTED);
}

TEST_CASE("chat template: a source that is none is refused, with its line") {
    CHECK(refused("a\xFF").status == SLUICE_E_CORRUPT);
    CHECK(refused("{{ '\xC3' }}").status == SLUICE_E_CORRUPT);
    CHECK(refused("{{ '\\ud800' }}").status == SLUICE_E_CORRUPT);
    const Error size = refused(std::string((1u << 20) + 1, 'x'));
    CHECK(size.status == SLUICE_E_LIMIT);
    CHECK(size.message == "the template has 1048577 bytes, more than 1048576");
    CHECK(refused("\n\n{{ 1 +").message ==
          "template line 3: expected an expression, found the end of the template");
    CHECK(refused("{% for x of y %}").message == "template line 1: expected in, found of");
    CHECK(refused("x\n{# never").message == "template line 2: a comment begins here and has no end #}");
    CHECK(refused("{{ a }\n}").message.find("template line 1: a } without its {") == 0);
    CHECK(refused("{{ nothing.x }}").message == "template line 1: 'nothing' is undefined");
    CHECK(refused("\n{{ messages | nonsense }}").message == "template line 2: there is no filter nonsense");
}

TEST_CASE("chat template: messages of a wrong shape are refused, naming the message") {
    const std::string_view source = "{{ messages | length }}";
    const std::pair<const char*, const char*> cases[] = {
        {"", "messages is not valid JSON"},
        {"{}", "messages is not an array"},
        {"[1]", "messages[0] is not an object"},
        {R"([{"role": "user"}, {"content": "x"}])", "messages[1] has no role that is a text"},
        {R"([{"role": 7}])", "messages[0] has no role that is a text"},
        {R"([{"role": "user", "content": 7}])", "messages[0].content is neither a text nor an array of parts"},
        {R"([{"role": "user", "tool_calls": {}}])", "messages[0].tool_calls is not an array"},
        {R"([{"role": "user", "tool_calls": [1]}])", "messages[0].tool_calls[0] is not an object"},
        {"[{\"role\": \"\xFF\"}]", "messages is not valid JSON"},
        {R"([{"role": "\ud800"}])", "messages is not valid JSON"},
        {R"([{"role": "user", "role": "user"}])", "appears twice"},
    };
    for (const auto& [messages, why] : cases) {
        CAPTURE(messages);
        CHECK(refused(source, messages).message.find(why) != std::string::npos);
    }
    const std::size_t deep = 1'000'000;
    const Error nested = refused(source, repeated("[", deep));
    CHECK(nested.status == SLUICE_E_LIMIT);
    CHECK(nested.message == "messages: nested deeper than 64");
    CHECK(refused(source, "[{\"role\": \"user\", \"x\": " + repeated("{\"a\":", deep)).status ==
          SLUICE_E_LIMIT);
}

TEST_CASE("chat template: what messages say is text, and stays so") {
    auto parsed = ChatTemplate::parse("{{ messages[0].content }}{{ messages[0].content | length }}", {});
    REQUIRE(parsed.ok());
    ChatRequest request;
    request.messages = R"([{"role": "user", "content": "{{ 1 + 1 }}{% raw %}<|im_end|>"}])";
    CHECK(*parsed->render(request) == "{{ 1 + 1 }}{% raw %}<|im_end|>30");
}

}  // namespace sluice
