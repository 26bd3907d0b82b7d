// sluice bench: how fast a model reads prompts and writes answers here. Medians over repetitions; the clock
// runs around the calls of the library, so all its work counts.
#include <algorithm>
#include <chrono>
#include <memory>

#include "commands.h"
#include "host.h"
#include "options.h"
#include "output.h"

namespace command {

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
    std::string model;
    std::vector<std::uint32_t> prompts = {128, 512};
    std::vector<std::uint32_t> answers = {64};
    std::vector<std::uint32_t> depths = {0};
    std::uint32_t n_repetitions = 3;
    bool json = false;
    KvOptions kv;
    EngineOptions engine;
};

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

struct Spread {
    double median = 0;
    double least = 0;
    double most = 0;
};

Spread spread_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    const double median = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
    return {median, values.front(), values.back()};
}

// The same ids on every run and machine, different enough to wake different experts.
std::vector<sluicepp::TokenId> some_ids(std::size_t n_ids, std::uint32_t n_tokens) {
    std::vector<sluicepp::TokenId> ids(n_ids);
    std::uint64_t state = 1;
    for (auto& id : ids) {
        state = state * 6364136223846793005U + 1442695040888963407U;  // Knuth's MMIX
        id = static_cast<sluicepp::TokenId>((state >> 33) % n_tokens);
    }
    return ids;
}

struct Bench {
    sluicepp::Session session;
    std::uint32_t n_tokens;  // ids below are fed
    std::uint32_t n_repetitions;
    double token_read_size;
    Progress progress;

    Json prefill(std::uint32_t n_prompt) {
        const auto ids = some_ids(n_prompt, n_tokens);
        std::vector<double> rates;
        std::vector<double> first_tokens;
        for (std::uint32_t repetition = 0; repetition < n_repetitions; ++repetition) {
            progress.show("prompt of " + count_text(n_prompt) + ", repetition " + count_text(repetition + 1));
            session.reset();
            const auto begin = Clock::now();
            session.feed(ids);
            rates.push_back(n_prompt / seconds_since(begin));
            session.next();
            first_tokens.push_back(seconds_since(begin));
        }
        const Spread speed = spread_of(rates);
        return {{"tokens", n_prompt},
                {"tokens_per_s", speed.median},
                {"tokens_per_s_least", speed.least},
                {"tokens_per_s_most", speed.most},
                {"time_to_first_token_s", spread_of(first_tokens).median}};
    }

    Json decode(std::uint32_t n_answer, std::uint32_t depth) {
        const auto ids = some_ids(std::max(depth, 1U), n_tokens);
        std::vector<double> rates;
        for (std::uint32_t repetition = 0; repetition < n_repetitions; ++repetition) {
            progress.show("answer of " + count_text(n_answer) + " after " + count_text(depth) +
                          ", repetition " + count_text(repetition + 1));
            session.reset();
            session.feed(ids);
            session.next();  // its logits come from the prompt; every later one computes a token
            const auto begin = Clock::now();
            for (std::uint32_t i = 0; i < n_answer; ++i) session.next();
            rates.push_back(n_answer / seconds_since(begin));
        }
        const Spread speed = spread_of(rates);
        return {{"tokens", n_answer},
                {"depth", depth},
                {"tokens_per_s", speed.median},
                {"tokens_per_s_least", speed.least},
                {"tokens_per_s_most", speed.most},
                {"gb_per_s", speed.median * token_read_size / 1e9}};
    }
};

// Room for the longest measurement, and the default where that is more.
std::uint64_t capacity_for(const Options& options, std::uint32_t context_size) {
    if (options.kv.capacity > 0) return options.kv.capacity;
    const auto most = [](const std::vector<std::uint32_t>& numbers) {
        return numbers.empty() ? std::uint64_t{0} : *std::max_element(numbers.begin(), numbers.end());
    };
    const std::uint64_t needed =
        std::max(most(options.prompts), most(options.depths) + most(options.answers)) + 2;
    return needed > 4096 ? needed : std::min<std::uint64_t>(4096, context_size);
}

std::string text_of(const Json& json) {
    std::string text = row_text("model", json["model"].get<std::string>()) +
                       row_text("kernels", json["kernels"].get<std::string>() + ", " +
                                               std::to_string(json["threads"].get<int>()) + " threads") +
                       row_text("load", number_text(json["load_s"].get<double>(), 3) + " s");
    for (const Json& entry : json["prefill"]) {
        text += row_text("prompt of " + std::to_string(entry["tokens"].get<int>()),
                         number_text(entry["tokens_per_s"].get<double>(), 1) + " tokens/s, first token after " +
                             number_text(entry["time_to_first_token_s"].get<double>(), 3) + " s");
    }
    for (const Json& entry : json["decode"]) {
        text += row_text("answer after " + std::to_string(entry["depth"].get<int>()),
                         number_text(entry["tokens_per_s"].get<double>(), 1) + " tokens/s over " +
                             std::to_string(entry["tokens"].get<int>()) + ", " +
                             number_text(entry["gb_per_s"].get<double>(), 2) + " GB/s of weights");
    }
    return text + row_text("peak memory", size_text(json["peak_memory"].get<std::uint64_t>()));
}

int run(const Options& options) {
    const auto engine = make_engine(options.engine);
    const auto begin = Clock::now();
    const auto model = open_model(engine, options.model);
    const double load_s = seconds_since(begin);
    const auto info = model.describe();
    auto kv = sluicepp::sized<sluice_kv_cache_options>();
    kv.capacity = capacity_for(options, info.context_size);
    kv.key_type = kv.value_type = options.kv.type_number();
    const sluicepp::KvCache cache(model, kv);
    sluicepp::SessionOptions session_options;
    session_options.flags = SLUICE_SESSION_IGNORE_STOP_TOKENS;
    session_options.sampling = sluicepp::sized<sluice_sampling>();
    session_options.sampling->mode = SLUICE_SAMPLING_GREEDY;
    const std::uint32_t n_tokens = sluicepp::Tokenizer(model).describe().n_tokens;
    Bench bench{sluicepp::Session(model, cache, session_options),
                std::min(n_tokens, info.vocabulary_size),
                options.n_repetitions,
                static_cast<double>(info.token_read_size),
                {}};

    const auto engine_info = engine.describe();
    Json json = {{"model", options.model},
                 {"architecture", info.architecture},
                 {"quantisation", info.quantisation},
                 {"weights_size", info.weights_size},
                 {"token_read_size", info.token_read_size},
                 {"cpu", engine_info.cpu},
                 {"kernels", engine_info.kernels},
                 {"threads", engine_info.n_threads},
                 {"kv", options.kv.type},
                 {"repetitions", options.n_repetitions},
                 {"load_s", load_s},
                 {"prefill", Json::array()},
                 {"decode", Json::array()}};
    for (const std::uint32_t n_prompt : options.prompts) {
        if (n_prompt > 0) json["prefill"].push_back(bench.prefill(n_prompt));
    }
    for (const std::uint32_t depth : options.depths) {
        for (const std::uint32_t n_answer : options.answers) {
            if (n_answer > 0) json["decode"].push_back(bench.decode(n_answer, depth));
        }
    }
    bench.progress.clear();
    json["peak_memory"] = peak_memory();
    if (options.json) {
        write_json(json);
    } else {
        write_stdout(text_of(json));
    }
    return kDone;
}

}  // namespace

Command add_bench(CLI::App& app) {
    auto options = std::make_shared<Options>();
    CLI::App* parser =
        app.add_subcommand("bench", "Measures how fast a model reads prompts and writes answers.");
    add_model(*parser, options->model);
    const auto add_list = [&](const char* name, std::vector<std::uint32_t>& list, const char* what) {
        parser->add_option(name, list, what)->delimiter(',')->allow_extra_args(false)->type_name("LIST");
    };
    add_list("-p", options->prompts, "tokens of prompts; 0: none; default: 128,512");
    add_list("-n", options->answers, "tokens of answers; 0: none; default: 64");
    add_list("-d", options->depths, "tokens in the cache before an answer; default: 0");
    parser->add_option("-r", options->n_repetitions, "repetitions, of which the median counts; default: 3")
        ->check(CLI::Range(1U, 1000U))
        ->type_name("R");
    add_kv(*parser, options->kv);
    add_engine(*parser, options->engine);
    add_json(*parser, options->json);
    parser->footer("Example:\n  sluice bench model.gguf -p 128,512 -n 64 -d 0,2048 -t 2 --json");
    return {parser, [options] { return run(*options); }};
}

}  // namespace command
