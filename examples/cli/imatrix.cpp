// sluice imatrix: what a model finds important in a text, for sluice quantize.
#include <sluice/experimental.h>

#include <memory>

#include "commands.h"
#include "options.h"
#include "output.h"

namespace command {

namespace {

constexpr std::uint32_t kMostWindow = 4096;

struct Options {
    std::string model;
    std::string text;
    std::string out;
    std::uint32_t window = 512;
    EngineOptions engine;
};

int run(const Options& options) {
    const std::string text = read_file(options.text);
    const auto engine = make_engine(options.engine);
    const auto model = open_model(engine, options.model, SLUICE_ACTIVATIONS_FLOAT32);
    const auto ids = sluicepp::Tokenizer(model).encode(text);
    if (ids.empty()) throw Failure("the text is empty");
    Progress progress;
    auto c_options = sluicepp::sized<sluice_importance_options>();
    c_options.window = options.window;
    c_options.progress_user = &progress;
    c_options.progress = [](void* user, std::uint64_t done, std::uint64_t total) -> std::int32_t {
        static_cast<Progress*>(user)->show("read " + count_text(done) + " of " + count_text(total) + " tokens");
        return 0;
    };
    sluicepp::check(sluice_importance_write, model.get(), ids.data(), ids.size(), options.out.data(),
                    options.out.size(), &c_options);
    progress.clear();
    write_stdout(options.out + ": importance from " + count_text(ids.size()) + " tokens\n");
    return kDone;
}

}  // namespace

Command add_imatrix(Program& program) {
    auto options = std::make_shared<Options>();
    CommandLine line = program.add("imatrix",
                                   "Lets a model read a text and writes how large the inputs of its matrices "
                                   "are, for quantize --imatrix. Take the model in floats, and a text like "
                                   "those that it will meet.");
    add_model(line, options->model);
    line.add("--text", options->text, "text to read; - for standard input").required().called("FILE");
    line.add("-o,--out", options->out, "GGUF file to write").required().called("FILE");
    line.add("--window", options->window, "tokens that are read together; default: 512")
        .within(1, kMostWindow)
        .called("N");
    add_engine(line, options->engine);
    line.footer("Example:\n  sluice imatrix model-BF16.gguf --text book.txt -o book.imatrix.gguf");
    return {line, [options] { return run(*options); }};
}

}  // namespace command
