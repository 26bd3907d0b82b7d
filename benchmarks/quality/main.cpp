// What a smaller type costs: files of one model against its float file, on a text and on questions.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <exception>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "quality/cases.h"
#include "quality/divergence.h"

using namespace quality;

namespace {

struct Options {
    std::string reference;
    std::vector<std::string> models;
    std::string text;
    std::string cases;
    std::string activations;
    std::vector<std::string> kv = {"f16"};
    std::uint32_t window = 512;
    std::uint64_t n_tokens = 20000;
    std::uint32_t n_threads = 0;
    bool json = false;
};

std::vector<sluicepp::TokenId> read_text(const Options& options, const sluicepp::Tokenizer& tokenizer) {
    std::ifstream file(options.text, std::ios::binary);
    if (!file) throw std::runtime_error(options.text + " cannot be opened");
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    auto ids = tokenizer.encode(text);
    if (ids.size() > options.n_tokens) ids.resize(options.n_tokens);
    if (ids.size() < 2) throw std::runtime_error(options.text + " has no two tokens");
    return ids;
}

nlohmann::json describe(const Reader& model, const std::string& kv, const Divergence& sums) {
    nlohmann::json json = {{"model", model.path()}, {"kv", kv}, {"file_bytes", model.file_size()}};
    if (sums.n_tokens == 0) return json;
    json["perplexity"] = sums.perplexity();
    json["kl_divergence"] = sums.mean_divergence();
    json["same_best"] = sums.best_agreement();
    json["same_experts"] = sums.expert_agreement();
    json["tokens"] = sums.n_tokens;
    return json;
}

void print(const nlohmann::json& model) {
    std::printf("%s, %.1f MB, %s", model["model"].get<std::string>().c_str(),
                model["file_bytes"].get<double>() / 1e6, model["kv"].get<std::string>().c_str());
    if (model.contains("perplexity")) {
        std::printf(": perplexity %.4f, KL divergence %.3g, same best token %.2f %%, same experts %.2f %%",
                    model["perplexity"].get<double>(), model["kl_divergence"].get<double>(),
                    100 * model["same_best"].get<double>(), 100 * model["same_experts"].get<double>());
    }
    std::printf("\n");
    if (!model.contains("exact")) return;
    for (const auto& [kind, score] : model["exact"].items()) {
        std::printf("    %s: %s of %s exact\n", kind.c_str(), score["right"].dump().c_str(),
                    score["asked"].dump().c_str());
    }
}

std::int32_t activations_of(const std::string& name) {
    if (name == "float32") return SLUICE_ACTIVATIONS_FLOAT32;
    return name == "int8" ? SLUICE_ACTIVATIONS_INT8 : SLUICE_ACTIVATIONS_DEFAULT;
}

const std::map<std::string, std::int32_t> kKvTypes = {
    {"f32", SLUICE_KV_F32}, {"f16", SLUICE_KV_F16}, {"q8_0", SLUICE_KV_Q8_0}, {"q4_0", SLUICE_KV_Q4_0}};

// "TYPE", or "TYPE/TYPE" for keys and values.
KvTypes kv_types_of(const std::string& name) {
    const auto find = [&](const std::string& type) {
        const auto found = kKvTypes.find(type);
        if (found == kKvTypes.end()) throw std::runtime_error("--kv " + name + ": there is no type " + type);
        return found->second;
    };
    const std::size_t slash = name.find('/');
    return {find(name.substr(0, slash)), find(slash == std::string::npos ? name : name.substr(slash + 1))};
}

int run(const Options& options) {
    auto engine_options = sluicepp::sized<sluice_engine_options>();
    engine_options.n_threads = options.n_threads;
    const sluicepp::Engine engine(engine_options);
    // The reference is as exact as can be; the others are as people run them.
    std::deque<Reader> readers;
    std::vector<std::string> kv = {"f32"};
    readers.emplace_back(engine, options.reference, SLUICE_ACTIVATIONS_FLOAT32, kv_types_of(kv[0]),
                         options.window);
    for (std::size_t i = 0; i < options.models.size() * options.kv.size(); ++i) {
        const std::string& path = options.models[i / options.kv.size()];
        kv.push_back(options.kv[i % options.kv.size()]);
        readers.emplace_back(engine, path, activations_of(options.activations), kv_types_of(kv.back()),
                             options.window);
        if (readers.back().vocabulary_size() != readers[0].vocabulary_size() ||
            readers.back().n_experts_used() != readers[0].n_experts_used()) {
            throw std::runtime_error(path + " is another model than " + options.reference);
        }
    }
    std::vector<Divergence> sums(readers.size());
    if (!options.text.empty()) {
        const auto ids = read_text(options, readers[0].tokenizer());
        for (std::size_t first = 0; first + 1 < ids.size(); first += options.window) {
            const std::size_t last = std::min<std::size_t>(first + options.window, ids.size());
            if (last - first < 2) break;
            const auto at = ids.begin() + static_cast<std::ptrdiff_t>(first);
            const std::vector<sluicepp::TokenId> window(at, ids.begin() + static_cast<std::ptrdiff_t>(last));
            for (std::size_t i = 0; i < readers.size(); ++i) {
                readers[i].read(window);
                add_window(window, readers[0], readers[i], sums[i]);
            }
        }
    }
    const auto cases = options.cases.empty() ? std::vector<Case>() : read_cases(options.cases);
    auto all = nlohmann::json::array();
    for (std::size_t i = 0; i < readers.size(); ++i) {
        all.push_back(describe(readers[i], kv[i], sums[i]));
        if (cases.empty()) continue;
        for (const auto& [kind, score] : ask(readers[i].model(), cases, kv_types_of(kv[i]))) {
            all.back()["exact"][kind] = {{"asked", score.n_asked}, {"right", score.n_right}};
        }
    }
    if (options.json) {
        std::printf("%s\n", all.dump(2).c_str());
    } else {
        for (const auto& model : all) print(model);
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app(
        "Compares files of one model with its float file: perplexity, KL divergence, the same best token and "
        "the same experts on a text; exact answers to questions.");
    app.add_option("REFERENCE", options.reference, "the float model: GGUF or checkpoint folder")->required();
    app.add_option("MODELS", options.models, "the same model in other types");
    app.add_option("--text", options.text, "a text to read");
    app.add_option("--cases", options.cases, "JSON array of objects with kind, prompt and expected");
    app.add_option("--tokens", options.n_tokens, "tokens of the text; default: 20000");
    app.add_option("--window", options.window, "tokens that are read from an empty cache; default: 512")
        ->check(CLI::Range(2, 4096));
    app.add_option("--activations", options.activations, "of MODELS: float32 or int8; default: the faster one")
        ->check(CLI::IsMember({"float32", "int8"}));
    app.add_option("--kv", options.kv,
                   "how MODELS store keys and values, each in turn: f32, f16, q8_0, q4_0, or KEYS/VALUES; "
                   "default: f16")
        ->delimiter(',');
    app.add_option("-t,--threads", options.n_threads, "default: one per core");
    app.add_flag("--json", options.json, "print JSON");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    if (options.text.empty() && options.cases.empty()) {
        std::fprintf(stderr, "quality: there is nothing to compare on: give --text or --cases\n");
        return 2;
    }
    try {
        return run(options);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "quality: %s\n", error.what());
        return 1;
    }
}
