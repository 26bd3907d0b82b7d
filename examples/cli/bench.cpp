// sluice bench: how fast a model reads prompts and writes answers here, beside what the machine can do at best.
#include <algorithm>
#include <chrono>
#include <memory>

#include "bench_batch.h"
#include "bench_measure.h"
#include "bench_report.h"
#include "commands.h"
#include "host.h"
#include "options.h"
#include "output.h"

namespace command {

namespace {

using Clock = std::chrono::steady_clock;

// Set before main: loading the program itself does not count.
const Clock::time_point kProgramStart = Clock::now();

constexpr std::uint32_t kFirstPrompt = 16;  // of which the first token is awaited from the program's start
// Wakes every expert: fewer tokens would leave page faults to the measurement (performance.md 5.3).
constexpr std::uint32_t kWarmUpPrompt = 64;

struct Options {
    std::string model;
    std::string text;
    std::string fill = "prompt";
    std::vector<std::uint32_t> prompts = {128, 512};
    std::vector<std::uint32_t> answers = {64};
    std::vector<std::uint32_t> depths = {0};
    std::vector<std::uint32_t> batches;
    std::uint32_t n_repetitions = 3;
    std::uint32_t look_milliseconds = 60;
    bool json = false;
    KvOptions kv;
    ActivationOptions activations;
    EngineOptions engine;
};

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Room for the longest measurement, for all repetitions of it where the model allows that, and the default
// where that is more.
std::uint64_t capacity_for(const Options& options, std::uint32_t context_size) {
    if (options.kv.capacity > 0) return options.kv.capacity;
    const auto most = [](const std::vector<std::uint32_t>& numbers) {
        return numbers.empty() ? std::uint64_t{0} : *std::max_element(numbers.begin(), numbers.end());
    };
    const std::uint64_t depth = std::max<std::uint64_t>(most(options.depths), 1);
    const std::uint64_t prompt = std::max<std::uint64_t>(most(options.prompts), kWarmUpPrompt);
    const std::uint64_t one = std::max(prompt, depth + most(options.answers)) + 2;
    const std::uint64_t all = std::max(prompt, depth + options.n_repetitions * most(options.answers)) + 2;
    return std::max(one, std::min<std::uint64_t>(context_size, std::max<std::uint64_t>(all, 4096)));
}

// 0 stands for none.
std::vector<std::uint32_t> positive(std::vector<std::uint32_t> numbers) {
    std::erase(numbers, 0U);
    return numbers;
}

Prompts prompts_for(const Options& options, const sluicepp::Model& model) {
    const sluicepp::Tokenizer tokenizer(model);
    if (options.text.empty()) {
        return Prompts(std::min(tokenizer.describe().n_tokens, model.describe().vocabulary_size));
    }
    auto ids = tokenizer.encode(read_file(options.text), SLUICE_ENCODE_PLAIN);
    if (ids.empty()) throw Failure(options.text + " has no text to measure with");
    return Prompts(std::move(ids));
}

Json machine_json(const Machine& machine, const sluicepp::Engine& engine) {
    const auto known = [](double number) { return number > 0 ? Json(number) : Json(); };
    const auto info = engine.describe();
    return {{"bytes_per_s", known(machine.best().bytes)},
            {"int8_multiply_adds_per_s", known(machine.best().int8_multiply_adds)},
            {"cpu", info.cpu},
            {"kernels", info.kernels},
            {"threads", info.n_threads},
            {"looks", machine.looks()}};
}

int run(const Options& options) {
    const auto engine = make_engine(options.engine);
    const auto begin = Clock::now();
    const auto model = open_model(engine, options.model, options.activations.number());
    const double load_s = seconds_since(begin);
    const auto info = model.describe();
    auto kv = sluicepp::sized<sluice_kv_cache_options>();
    kv.capacity = capacity_for(options, info.context_size);
    kv.key_type = kv.value_type = options.kv.type_number();
    const TokenWork work = token_work_of(model, kv);
    Machine machine(engine, options.look_milliseconds);
    const Prompts prompts = prompts_for(options, model);
    ModelBench bench(model, kv, machine, prompts, work, options.n_repetitions,
                     options.fill == "random" ? History::kRandom : History::kPrompt);

    const auto fitting = [&](std::uint32_t n) {
        return static_cast<std::uint32_t>(
            std::min<std::uint64_t>(n, std::max<std::uint64_t>(kv.capacity, 3) - 2));
    };
    bench.answer_once(fitting(kFirstPrompt));
    const double first_token_s = seconds_since(kProgramStart);
    bench.answer_once(fitting(kWarmUpPrompt));

    std::vector<PrefillResult> prefills;
    for (const std::uint32_t n_prompt : positive(options.prompts)) prefills.push_back(bench.prefill(n_prompt));
    const std::vector<DecodeResult> decodes = bench.decode(options.depths, positive(options.answers));
    bench.end_progress();
    const auto answers = positive(options.answers);
    const auto batches =
        answers.empty()
            ? std::vector<BatchResult>()
            : bench_batches(model, kv, prompts, positive(options.batches), answers.front(),
                            options.depths.empty() ? 0 : options.depths.front(), options.n_repetitions);

    Json json = {{"model", options.model},
                 {"architecture", info.architecture},
                 {"quantisation", info.quantisation},
                 {"weights_size", info.weights_size},
                 {"token_read_size", info.token_read_size},
                 {"kv_bytes_per_position", work.position_bytes},
                 {"multiply_adds_per_prompt_token", work.prompt_multiply_adds},
                 {"machine", machine_json(machine, engine)},
                 {"threads", engine.describe().n_threads},
                 {"kv", options.kv.type},
                 {"fill", options.fill},
                 {"text_tokens", prompts.text_size()},
                 {"repetitions", options.n_repetitions},
                 {"load_s", load_s},
                 {"start_to_first_token_s", first_token_s},
                 {"prefill", Json::array()},
                 {"decode", Json::array()},
                 {"batch", Json::array()},
                 {"peak_memory", machine.peak_memory_beside()}};
    for (const PrefillResult& result : prefills) json["prefill"].push_back(prefill_json(result));
    for (const DecodeResult& result : decodes) json["decode"].push_back(decode_json(result));
    for (const BatchResult& result : batches) json["batch"].push_back(batch_json(result, batches.front()));
    if (options.json) {
        write_json(json);
    } else {
        write_stdout(bench_text(json));
    }
    return kDone;
}

}  // namespace

Command add_bench(Program& program) {
    auto options = std::make_shared<Options>();
    CommandLine line = program.add("bench", "Measures how fast a model reads prompts and writes answers.");
    add_model(line, options->model);
    const auto add_list = [&](const char* name, std::vector<std::uint32_t>& list, const char* what) {
        line.add(name, list, what).comma_separated().called("LIST");
    };
    add_list("-p", options->prompts, "tokens of prompts; 0: none; default: 128,512");
    add_list("-n", options->answers, "tokens of answers; 0: none; default: 64");
    add_list("-d", options->depths, "tokens in the cache before the answers; default: 0");
    line.add("--fill", options->fill,
             "what is in the cache before the answers: prompt (tokens that are read) or random (numbers that "
             "nobody "
             "computed, for depths that would take too long); default: prompt")
        .one_of({"prompt", "random"})
        .called("WHAT");
    add_list("--batch", options->batches,
             "sessions that write answers of the first -n, after prompts of the first -d, together");
    line.add("-r", options->n_repetitions, "repetitions, of which the median counts; default: 3")
        .within(1, 1000)
        .called("R");
    line.add("--text", options->text, "file whose tokens are fed; default: random tokens").called("FILE");
    line.add("--machine", options->look_milliseconds,
             "milliseconds for each look at what the machine can do, before and after each repetition; "
             "0: none; default: 60")
        .within(0, 10000)
        .called("MS");
    add_kv(line, options->kv);
    add_activations(line, options->activations);
    add_engine(line, options->engine);
    add_json(line, options->json);
    line.footer(
        "Shares are of what the machine showed right before and right after a repetition; the median counts.\n"
        "gb_per_s counts weights, keys and values.\n"
        "Repetitions of an answer follow one another, each deeper by its length.\n"
        "Example:\n  sluice bench model.gguf -p 128,512 -n 64 -d 0,2048 -t 2 --json\n"
        "  sluice bench model.gguf -p 0 -n 16 -d 32000 --fill random --kv q8_0 --ctx 32768");
    return {line, [options] { return run(*options); }};
}

}  // namespace command
