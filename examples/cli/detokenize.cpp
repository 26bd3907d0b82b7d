// sluice detokenize: token ids from standard input to text.
#include <limits>
#include <memory>

#include "commands.h"
#include "options.h"
#include "output.h"

namespace command {

namespace {

struct Options {
    std::string model;
    bool skip_special = false;
};

std::vector<sluicepp::TokenId> ids_of(const std::string& text) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_array()) throw Failure("standard input is not a JSON array of token ids");
    std::vector<sluicepp::TokenId> ids;
    ids.reserve(json.size());
    for (std::size_t i = 0; i < json.size(); ++i) {
        const auto& element = json[i];
        constexpr auto kMost = std::numeric_limits<sluicepp::TokenId>::max();
        if (!element.is_number_unsigned() || element.get<std::uint64_t>() > kMost) {
            throw Failure("element " + std::to_string(i) + " of the JSON array is not a token id");
        }
        ids.push_back(element.get<sluicepp::TokenId>());
    }
    return ids;
}

int run(const Options& options) {
    const auto engine = make_engine({1, ""});
    const auto tokenizer = open_tokenizer(engine, options.model);
    const auto ids = ids_of(read_stdin());
    write_stdout(tokenizer.decode(ids, options.skip_special ? SLUICE_DECODE_SKIP_SPECIAL : 0U));
    return kDone;
}

}  // namespace

Command add_detokenize(Program& program) {
    auto options = std::make_shared<Options>();
    CommandLine line =
        program.add("detokenize", "Reads a JSON array of token ids from standard input and prints their text.");
    add_model(line, options->model);
    line.flag("--skip-special", options->skip_special, "leave special tokens out");
    line.footer("Example:\n  echo '[1, 5, 7]' | sluice detokenize model.gguf");
    return {line, [options] { return run(*options); }};
}

}  // namespace command
