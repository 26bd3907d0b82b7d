// sluice render: a conversation in JSON to the prompt that a model reads.
#include <memory>
#include <optional>

#include "commands.h"
#include "host.h"
#include "options.h"
#include "output.h"

namespace command {

namespace {

struct Options {
    std::string model;
    std::string template_file;
    std::string messages;
    std::string tools;
    std::vector<std::string> variables;
    bool no_generation_prompt = false;
};

// {"a": 1, "b": "x"} of "a=1" and "b=\"x\"".
std::string variables_text(const std::vector<std::string>& given) {
    Json variables = Json::object();
    for (const std::string& one : given) {
        const std::size_t equals = one.find('=');
        if (equals == std::string::npos || equals == 0)
            throw UsageFailure("--var takes NAME=JSON, given is " + one);
        Json value = Json::parse(one.substr(equals + 1), nullptr, false);
        if (value.is_discarded())
            throw UsageFailure("the value of --var " + one.substr(0, equals) +
                               " is not JSON (a text needs quotes)");
        variables[one.substr(0, equals)] = std::move(value);
    }
    return variables.dump();
}

sluicepp::ChatTemplate open_template(const sluicepp::Engine& engine, const Options& options) {
    if (options.template_file.empty()) return {engine, sluicepp::path_source(options.model)};
    const auto tokenizer = open_tokenizer(engine, options.model);
    return sluicepp::ChatTemplate(read_file(options.template_file), &tokenizer);
}

int run(const Options& options) {
    const auto engine = make_engine({1, ""});
    const auto chat_template = open_template(engine, options);
    const std::string messages = read_file(options.messages);
    const std::string tools = options.tools.empty() ? "" : read_file(options.tools);
    const std::string variables = variables_text(options.variables);
    sluicepp::RenderOptions request;
    request.tools = tools;
    request.variables = variables;
    request.add_generation_prompt = !options.no_generation_prompt;
    request.local_time = local_time();
    write_stdout(chat_template.render(messages, request));
    return kDone;
}

}  // namespace

Command add_render(Program& program) {
    auto options = std::make_shared<Options>();
    CommandLine line =
        program.add("render",
                    "Prints the prompt that the model's chat template makes of a conversation, byte "
                    "for byte. A model without a template is rendered with a built-in one.");
    add_model(line, options->model);
    line.add("--template", options->template_file, "a Jinja template instead of the model's").called("FILE");
    line.add("--messages", options->messages,
             "a JSON array of messages with role and content; - is standard input")
        .called("FILE")
        .required();
    line.add("--tools", options->tools, "a JSON array of tools").called("FILE");
    line.flag("--no-generation-prompt", options->no_generation_prompt,
              "do not begin the assistant's next message");
    line.add("--var", options->variables, "one more variable of the template; can be given several times")
        .called("NAME=JSON")
        .once();
    line.footer(
        "Example:\n  printf '[{\"role\": \"user\", \"content\": \"Hello\"}]' | sluice render model.gguf "
        "--messages -");
    return {line, [options] { return run(*options); }};
}

}  // namespace command
