// sluice tokenize: text from standard input to token ids.
#include <memory>

#include "commands.h"
#include "options.h"
#include "output.h"

namespace command {

namespace {

struct Options {
    std::string model;
    bool bos = false;
    bool plain = false;
};

int run(const Options& options) {
    const auto engine = make_engine({1, ""});
    const auto tokenizer = open_tokenizer(engine, options.model);
    const std::uint32_t flags =
        (options.bos ? SLUICE_ENCODE_BOS : 0U) | (options.plain ? SLUICE_ENCODE_PLAIN : 0U);
    write_json(tokenizer.encode(read_stdin(), flags));
    return kDone;
}

}  // namespace

Command add_tokenize(Program& program) {
    auto options = std::make_shared<Options>();
    CommandLine line = program.add(
        "tokenize", "Reads text from standard input, byte for byte, and prints its token ids as a JSON array.");
    add_model(line, options->model);
    line.flag("--bos", options->bos, "put the begin-of-sequence token in front");
    line.flag("--plain", options->plain, "text that spells a special token stays text");
    line.footer("Example:\n  printf 'Hello' | sluice tokenize model.gguf --bos");
    return {line, [options] { return run(*options); }};
}

}  // namespace command
