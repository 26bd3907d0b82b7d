// sluice render: what it prints and how it refuses.
#include <fstream>

#include "run_command.h"
#include "support/catch.h"

namespace {

void write(const std::string& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

constexpr std::string_view kHello = R"([{"role": "user", "content": "Hello"}])";

}  // namespace

TEST_CASE("render: the model's template, tools, variables and the generation prompt reach the prompt") {
    const Workplace place;
    const Outcome plain = place.run({"render", place.model(), "--messages", "-"}, kHello);
    CHECK(plain.exit_code == 0);
    CHECK(plain.out.find("Hello") != std::string::npos);
    write(place.path("t.jinja"),
          "{{ bos_token }}{{ messages[0].content }} {{ tools | tojson }} {{ a }} {{ b }} "
          "{{ add_generation_prompt }}");
    write(place.path("tools.json"), R"([{"name": "f"}])");
    const Outcome made = place.run(
        {"render", place.model(), "--template", place.path("t.jinja"), "--messages", "-", "--tools",
         place.path("tools.json"), "--var", "a=[1, true]", "--var", "b=\"x=y\"", "--no-generation-prompt"},
        kHello);
    CHECK(made.err.empty());
    CHECK(made.out == "<|startoftext|>Hello [{\"name\": \"f\"}] [1, True] x=y False");
}

TEST_CASE("render: what is wrong is one sentence") {
    const Workplace place;
    CHECK(place.run({"render", place.model()}).exit_code == 2);
    CHECK(place.run({"render", place.model(), "--messages", "-", "--var", "a"}, kHello).exit_code == 2);
    CHECK(place.run({"render", place.model(), "--messages", "-", "--var", "a=b"}, kHello).exit_code == 2);
    const Outcome no_role = place.run({"render", place.model(), "--messages", "-"}, "[{}]");
    CHECK(no_role.exit_code == 1);
    CHECK(no_role.err == "sluice: messages[0] has no role that is a text\n");
    write(place.path("t.jinja"), "\n{% if x %}");
    const Outcome broken =
        place.run({"render", place.model(), "--template", place.path("t.jinja"), "--messages", "-"}, kHello);
    CHECK(broken.exit_code == 1);
    CHECK(broken.err ==
          "sluice: template line 2: expected elif or else or endif, found the end of the template\n");
}
