// Chat templates through the boundary: where they come from, what they are given, how they fail.
#include "api/small_model.h"

namespace sluice_test {
namespace {

struct DestroysTemplate {
    void operator()(sluice_chat_template* chat_template) const { sluice_chat_template_destroy(chat_template); }
};
using Template = std::unique_ptr<sluice_chat_template, DestroysTemplate>;

Template created(std::string_view source, const sluice_tokenizer* tokenizer = nullptr) {
    sluice_chat_template* made = nullptr;
    sluice_error error;
    if (sluice_chat_template_create(source.data(), source.size(), tokenizer, &made, &error) != SLUICE_OK)
        FAIL(error.message);
    return Template(made);
}

std::string rendered(const sluice_chat_template* chat_template, std::string_view messages,
                     const sluice_render_options* options = nullptr) {
    sluice_error error;
    std::uint64_t needed = 0;
    if (sluice_chat_template_render(chat_template, messages.data(), messages.size(), options, nullptr, 0,
                                    &needed, &error) != SLUICE_OK)
        return error.message;
    std::string prompt(needed, '\0');
    REQUIRE(sluice_chat_template_render(chat_template, messages.data(), messages.size(), options, prompt.data(),
                                        needed, &needed, nullptr) == SLUICE_OK);
    return prompt;
}

constexpr std::string_view kHello = R"([{"role": "user", "content": "Hello"}])";

}  // namespace

TEST_CASE("chat template: the one of a model knows its special tokens, with and without the weights") {
    auto options = engine_options();
    sluice_engine* engine = nullptr;
    REQUIRE(sluice_engine_create(&options, &engine, nullptr) == SLUICE_OK);
    const Handle<sluice_engine> owned(engine);
    const auto source = memory_source(model_bytes("tiny"));
    sluice_model* model = nullptr;
    REQUIRE(sluice_model_open(engine, &source, nullptr, &model, nullptr) == SLUICE_OK);
    const Handle<sluice_model> owned_model(model);
    sluice_chat_template* of_model = nullptr;
    REQUIRE(sluice_chat_template_of_model(model, &of_model, nullptr) == SLUICE_OK);
    const Template first(of_model);
    sluice_chat_template* alone = nullptr;
    REQUIRE(sluice_chat_template_open(engine, &source, &alone, nullptr) == SLUICE_OK);
    const Template second(alone);
    CHECK(sluice_chat_template_is_built_in(of_model) == 0);
    CHECK(rendered(of_model, kHello) == rendered(alone, kHello));
    CHECK(rendered(of_model, kHello).find("Hello") != std::string::npos);

    sluice_tokenizer* tokenizer = nullptr;
    REQUIRE(sluice_tokenizer_of_model(model, &tokenizer, nullptr) == SLUICE_OK);
    const Handle<sluice_tokenizer> owned_tokenizer(tokenizer);
    const Template bos = created("{{ bos_token }}{{ messages | length }}", tokenizer);
    CHECK(rendered(bos.get(), kHello) == "<|startoftext|>1");
    CHECK(rendered(created("{{ bos_token }}.").get(), kHello) == ".");
}

TEST_CASE("chat template: options reach the template") {
    const Template made = created(
        "{{ add_generation_prompt }} {{ tools }} {{ mood }} {{ strftime_now('%d %b %Y') if strftime_now is "
        "defined else 'no clock' }}");
    CHECK(rendered(made.get(), kHello) == "True None  no clock");
    auto options = sized<sluice_render_options>();
    options.flags = SLUICE_RENDER_NO_GENERATION_PROMPT;
    const std::string_view tools = R"([{"name": "f"}])";
    const std::string_view variables = R"({"mood": [1.0, null]})";
    options.tools = tools.data();
    options.tools_size = tools.size();
    options.variables = variables.data();
    options.variables_size = variables.size();
    options.local_time = 1'700'000'000;
    CHECK(rendered(made.get(), kHello, &options) == "False [{'name': 'f'}] [1.0, None] 14 Nov 2023");
    options.max_output = 8;
    CHECK(rendered(made.get(), kHello, &options) ==
          "template line 1: the template makes a text of 10 bytes, more than 8");
    options.max_output = 0;
    options.max_steps = 3;
    CHECK(rendered(made.get(), kHello, &options).find("more than 3 steps") != std::string::npos);
    options.max_steps = 0;
    options.flags = 2;
    CHECK(rendered(made.get(), kHello, &options).find("options.flags") != std::string::npos);
    options.flags = 0;
    options.reserved[3] = 1;
    CHECK(rendered(made.get(), kHello, &options).find("reserved") != std::string::npos);
}

TEST_CASE("chat template: a refusal is the template's own words and leaves nothing behind") {
    const Template made = created("\n{{ raise_exception('roles must alternate') }}");
    std::uint64_t needed = 0;
    sluice_error error;
    CHECK(sluice_chat_template_render(made.get(), kHello.data(), kHello.size(), nullptr, nullptr, 0, &needed,
                                      &error) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(std::string(error.message) == "template line 2: the template refuses: roles must alternate");
    CHECK(error.subsystem == SLUICE_SUBSYSTEM_CHAT);
    sluice_chat_template* none = made.get();
    CHECK(sluice_chat_template_create("{% if %}", 8, nullptr, &none, &error) == SLUICE_E_CORRUPT);
    CHECK(none == nullptr);
    CHECK(sluice_chat_template_create(nullptr, 3, nullptr, &none, &error) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(sluice_chat_template_render(nullptr, "", 0, nullptr, nullptr, 0, &needed, &error) ==
          SLUICE_E_INVALID_ARGUMENT);
}

TEST_CASE("chat template: the built-in one serves files without a template") {
    const Template made = created("");
    CHECK(sluice_chat_template_is_built_in(made.get()) == 1);
    CHECK(rendered(made.get(), kHello) == "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
    std::uint64_t needed = 0;
    REQUIRE(sluice_chat_template_source(made.get(), nullptr, 0, &needed, nullptr) == SLUICE_OK);
    CHECK(needed > 1000);
}

}  // namespace sluice_test
