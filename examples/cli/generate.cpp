// sluice generate: continues a text or a list of tokens, and streams what comes.
#include <algorithm>
#include <memory>

#include "commands.h"
#include "constraint_options.h"
#include "host.h"
#include "options.h"
#include "output.h"

namespace command {

namespace {

struct Options {
    std::string model;
    std::optional<std::string> prompt;
    std::optional<std::string> file;
    std::optional<std::string> ids;
    bool bos = false;
    bool no_bos = false;
    bool plain = false;
    bool skip_special = false;

    std::uint64_t max_tokens = 0;
    bool ignore_eos = false;
    std::vector<std::string> stop_strings;

    std::string sampling = "model";
    std::optional<std::uint64_t> seed;
    std::optional<float> temperature;
    std::optional<std::int32_t> top_k;
    std::optional<float> top_p;
    std::optional<float> min_p;
    std::optional<float> typical_p;
    std::optional<float> repetition_penalty;
    float frequency_penalty = 0;
    float presence_penalty = 0;
    std::int32_t penalty_window = 0;
    float dry_multiplier = 0;
    float dry_base = 0;
    std::int32_t dry_allowed_length = 0;

    std::optional<std::string> save;
    std::optional<std::string> resume;

    std::uint32_t n_top = 0;
    bool json = false;
    bool stats = false;
    ConstraintOptions constraint;
    KvOptions kv;
    ActivationOptions activations;
    EngineOptions engine;
};

// What came of one answer.
struct Answer {
    std::string text;
    std::vector<sluicepp::TokenId> ids;
    std::vector<float> log_probabilities;
    Json top = Json::array();
    std::int32_t reason = 0;
    sluicepp::TokenId stop_token = -1;
    std::uint32_t stop_string = 0;
};

bool has_prompt(const Options& options) {
    return options.prompt || options.file || options.ids;
}

// Empty where a saved conversation goes on without a new prompt.
std::vector<sluicepp::TokenId> prompt_ids(const Options& options, const sluicepp::Model& model) {
    if (!has_prompt(options) && options.resume) return {};
    if (!has_prompt(options)) throw UsageFailure("one of --prompt, --file, --ids and --resume is needed");
    if (options.ids) return parse_ids(*options.ids);
    const sluicepp::Tokenizer tokenizer(model);
    const bool begins = !options.resume && tokenizer.describe().adds_bos == 1;
    const bool bos = options.bos || (!options.no_bos && begins);
    const std::uint32_t flags = (bos ? SLUICE_ENCODE_BOS : 0U) | (options.plain ? SLUICE_ENCODE_PLAIN : 0U);
    auto ids = tokenizer.encode(options.prompt ? *options.prompt : read_file(*options.file), flags);
    if (ids.empty()) throw Failure("the prompt is empty and the model has no token to begin with; try --bos");
    return ids;
}

// In the C struct 0 means "default"; on the command line a value that is given is meant.
sluice_sampling sampling_of(const Options& options) {
    auto sampling = sluicepp::sized<sluice_sampling>();
    const bool greedy = options.sampling == "greedy" || options.temperature == 0.0F;
    sampling.mode = greedy                        ? SLUICE_SAMPLING_GREEDY
                    : options.sampling == "plain" ? SLUICE_SAMPLING_PLAIN
                                                  : SLUICE_SAMPLING_MODEL;
    // The library takes 0 for "a fresh one"; whoever writes --seed 0 wants the same answer twice.
    constexpr std::uint64_t kSeedForZero = 0x9E3779B97F4A7C15;
    if (options.seed) sampling.seed = *options.seed == 0 ? kSeedForZero : *options.seed;
    if (!greedy) sampling.temperature = options.temperature.value_or(0.0F);
    if (options.top_k) sampling.top_k = *options.top_k == 0 ? -1 : *options.top_k;
    if (options.min_p) sampling.min_p = *options.min_p == 0.0F ? -1.0F : *options.min_p;
    const auto above_zero = [](const char* name, std::optional<float> given) {
        if (given == 0.0F) throw UsageFailure(std::string(name) + " is 0, it must be above 0; 1 is off");
        return given.value_or(0.0F);
    };
    sampling.top_p = above_zero("--top-p", options.top_p);
    sampling.typical_p = above_zero("--typical-p", options.typical_p);
    sampling.repetition_penalty = above_zero("--repetition-penalty", options.repetition_penalty);
    sampling.frequency_penalty = options.frequency_penalty;
    sampling.presence_penalty = options.presence_penalty;
    sampling.penalty_window = options.penalty_window;
    sampling.dry_multiplier = options.dry_multiplier;
    sampling.dry_base = options.dry_base;
    sampling.dry_allowed_length = options.dry_allowed_length;
    return sampling;
}

// Room for prompt and answer: at least the library's default, at most what the model was made for.
std::uint64_t cache_capacity(const Options& options, const sluicepp::Model& model, std::size_t n_prompt) {
    constexpr std::uint64_t kDefault = 4096;  // kv_cache.h
    constexpr std::uint64_t kAnswer = 1024;
    if (options.kv.capacity > 0) return options.kv.capacity;
    const std::uint64_t context_size = model.describe().context_size;
    if (options.resume) return context_size;  // it takes memory as it fills
    const std::uint64_t answer = options.max_tokens > 0 ? options.max_tokens : kAnswer;
    const std::uint64_t wanted = answer < context_size ? n_prompt + answer : context_size;
    return wanted > kDefault ? std::min(wanted, context_size) : 0;
}

sluicepp::SessionOptions session_options(const Options& options) {
    sluicepp::SessionOptions result;
    result.flags = (options.skip_special ? SLUICE_SESSION_SKIP_SPECIAL : 0U) |
                   (options.ignore_eos ? SLUICE_SESSION_IGNORE_STOP_TOKENS : 0U);
    result.max_tokens = options.max_tokens;
    result.n_top_log_probabilities = options.n_top;
    result.stop_strings = options.stop_strings;
    result.sampling = sampling_of(options);
    return result;
}

Json top_of(sluicepp::Session& session, const sluicepp::Tokenizer& tokenizer) {
    Json top = Json::array();
    for (const auto& [id, log_probability] : session.top_log_probabilities()) {
        top.push_back({{"id", id}, {"text", tokenizer.decode({id})}, {"log_probability", log_probability}});
    }
    return top;
}

// Pulls events to the end. Text goes to standard output as it comes, unless the whole is wanted as JSON.
Answer answer_of(const Options& options, const sluicepp::Model& model, sluicepp::Session& session) {
    std::optional<sluicepp::Tokenizer> tokenizer;
    if (options.n_top > 0) tokenizer.emplace(model);
    const bool for_eyes = stdout_is_terminal();
    Answer answer;
    for (;;) {
        const sluicepp::Event event = session.next();
        if (event.is_text()) {
            answer.text += event.text;
            if (!options.json && !event.text.empty()) {
                write_stdout(for_eyes ? visible(event.text, LineEnds::kKeep) : std::string(event.text));
                flush_stdout();
            }
            if (event.token_id < 0) continue;
            answer.ids.push_back(event.token_id);
            answer.log_probabilities.push_back(event.log_probability);
            if (tokenizer) answer.top.push_back(top_of(session, *tokenizer));
        }
        if (event.is_end()) {
            answer.reason = event.reason;
            answer.stop_token = event.token_id;
            answer.stop_string = event.stop_string;
            if (for_eyes && !options.json) write_stdout("\n");
            return answer;
        }
    }
}

Json rate_json(std::uint64_t n_tokens, std::uint64_t nanoseconds) {
    const auto tokens_per_s = rate(n_tokens, nanoseconds);
    return tokens_per_s ? Json(*tokens_per_s) : Json();
}

Json json_of(const Options& options, const Answer& answer, std::size_t n_prompt,
             const sluice_statistics& statistics, const sluice_engine_info& engine) {
    Json json = {{"text", answer.text},
                 {"ids", answer.ids},
                 {"prompt_tokens", n_prompt},
                 {"tokens", answer.ids.size()},
                 {"reason", reason_name(answer.reason)}};
    if (options.n_top > 0) {
        json["log_probabilities"] = answer.log_probabilities;
        json["top"] = answer.top;
    }
    if (answer.reason == SLUICE_END_STOP_TOKEN) json["stop_token"] = answer.stop_token;
    if (answer.reason == SLUICE_END_STOP_STRING) json["stop_string"] = options.stop_strings[answer.stop_string];
    json["seed"] = statistics.seed;
    json["load_s"] = static_cast<double>(statistics.load_nanoseconds) / 1e9;
    json["prefill_tokens_per_s"] = rate_json(statistics.prefill_tokens, statistics.prefill_nanoseconds);
    json["decode_tokens_per_s"] = rate_json(statistics.decode_tokens, statistics.decode_nanoseconds);
    json["peak_memory"] = peak_memory();
    json["kernels"] = engine.kernels;
    json["threads"] = engine.n_threads;
    return json;
}

void show_statistics(const Answer& answer, std::size_t n_prompt, const sluice_statistics& statistics,
                     const sluice_engine_info& engine) {
    const auto speed = [](std::uint64_t n_tokens, std::uint64_t nanoseconds) {
        const auto tokens_per_s = rate(n_tokens, nanoseconds);
        return tokens_per_s ? " at " + number_text(*tokens_per_s, 1) + " tokens/s" : std::string();
    };
    const std::string text =
        row_text("prompt", count_text(n_prompt) + " tokens" +
                               speed(statistics.prefill_tokens, statistics.prefill_nanoseconds)) +
        row_text("answer", count_text(answer.ids.size()) + " tokens" +
                               speed(statistics.decode_tokens, statistics.decode_nanoseconds) + ", ended by " +
                               reason_name(answer.reason)) +
        row_text("seed", std::to_string(statistics.seed)) + row_text("peak memory", size_text(peak_memory())) +
        row_text("kernels", std::string(engine.kernels) + ", " + std::to_string(engine.n_threads) + " threads");
    std::fprintf(stderr, "\n%s", text.c_str());
}

int run(const Options& options) {
    Interrupt interrupt;  // before the engine's threads
    const auto engine = make_engine(options.engine);
    const auto model = open_model(engine, options.model, options.activations.number());
    const auto ids = prompt_ids(options, model);
    auto kv = sluicepp::sized<sluice_kv_cache_options>();
    kv.capacity = cache_capacity(options, model, ids.size());
    kv.key_type = kv.value_type = options.kv.type_number();
    const sluicepp::KvCache cache(model, kv);
    sluicepp::Session session(model, cache, session_options(options));
    hold_to(options.constraint, model, session);

    struct Cancelling {
        Interrupt& interrupt;
        Cancelling(Interrupt& signal, sluicepp::Session& answering) : interrupt(signal) {
            interrupt.set_action([&answering] { answering.cancel(); });
        }
        ~Cancelling() { interrupt.set_action({}); }
    } cancelling(interrupt, session);

    Answer answer;
    try {
        if (options.resume) session.load(*options.resume);
        if (!ids.empty()) session.feed(ids);
        answer = answer_of(options, model, session);
    } catch (const sluicepp::Exception& failure) {
        if (failure.status() != SLUICE_E_CANCELLED) throw;
        answer.reason = SLUICE_END_CANCELLED;
    }
    if (options.save) {
        survive_file_size_limit();
        session.save(*options.save);
    }
    const auto statistics = session.statistics();
    if (options.json) write_json(json_of(options, answer, ids.size(), statistics, engine.describe()));
    flush_stdout();
    if (options.stats) show_statistics(answer, ids.size(), statistics, engine.describe());
    return interrupt.happened() ? kInterrupted : kDone;
}

void add_prompt(CommandLine line, Options& options) {
    CommandLine prompt = line.group("Prompt", "One of");
    prompt.add("-p,--prompt", options.prompt, "text to continue").called("TEXT");
    prompt.add("-f,--file", options.file, "file with the text to continue; - is standard input").called("FILE");
    Option ids = prompt.add("--ids", options.ids, "token ids, for example 1,5,7").called("LIST");
    prompt.takes_one_at_most();
    Option bos = line.flag("--bos", options.bos, "begin-of-sequence token in front, whatever the model says");
    Option no_bos = line.flag("--no-bos", options.no_bos, "none in front, whatever the model says");
    Option plain = line.flag("--plain", options.plain, "text that spells a special token stays text");
    bos.excludes(no_bos).excludes(ids);
    no_bos.excludes(ids);
    plain.excludes(ids);
}

void add_sampling(CommandLine line, Options& options) {
    CommandLine group = line.group("Sampling", "What is not given is as the model's makers recommend");
    group
        .add("--sampling", options.sampling,
             "what is not given: model (default), plain (off) or greedy (off, the most likely token)")
        .one_of({"model", "plain", "greedy"})
        .called("MODE");
    group.add("--temp", options.temperature, "temperature; 0: always the most likely token").called("T");
    group.add("--seed", options.seed, "same seed, same answer; default: a fresh one")
        .not_negative()
        .called("S");
    group.add("--top-k", options.top_k, "keep the K most likely; 0: off").called("K");
    group.add("--top-p", options.top_p, "keep the most likely that sum to P; 1: off").called("P");
    group.add("--min-p", options.min_p, "keep those with P times the highest probability; 0: off").called("P");
    group.add("--typical-p", options.typical_p, "locally typical sampling; 1: off").called("P");
    group.add("--repetition-penalty", options.repetition_penalty, "multiplicative; 1: off").called("X");
    group.add("--frequency-penalty", options.frequency_penalty, "per occurrence").called("X");
    group.add("--presence-penalty", options.presence_penalty, "once").called("X");
    group.add("--penalty-window", options.penalty_window, "last tokens the penalties see; 0: all").called("N");
    group.add("--dry-multiplier", options.dry_multiplier, "\"don't repeat yourself\"; 0: off").called("X");
    group.add("--dry-base", options.dry_base, "default: 1.75").called("X");
    group.add("--dry-allowed-length", options.dry_allowed_length, "default: 2").called("N");
}

}  // namespace

Command add_generate(Program& program) {
    auto options = std::make_shared<Options>();
    CommandLine line = program.add("generate", "Continues a text and prints what comes, as it comes.");
    add_model(line, options->model);
    add_prompt(line, *options);
    line.add("-n,--max-tokens", options->max_tokens, "most tokens to generate; 0 (default): as many as fit")
        .not_negative()
        .called("N");
    line.add("--save", options->save, "file to write the conversation to at the end").called("FILE");
    line.add("--resume", options->resume,
             "file of --save: the conversation goes on, with the prompt behind it, or with none where it stood")
        .called("FILE");
    line.flag("--ignore-eos", options->ignore_eos, "go on after the end of the message");
    line.add("--stop", options->stop_strings, "end before this text; may be given again").called("TEXT").once();
    line.flag("--skip-special", options->skip_special, "leave special tokens out of the text");
    add_constraint(line, options->constraint);
    add_sampling(line, *options);
    add_kv(line, options->kv);
    add_activations(line, options->activations);
    add_engine(line, options->engine);
    Option json = line.flag("--json", options->json, "print one JSON object at the end instead");
    line.add("--top", options->n_top, "with --json: the N most likely tokens at each place")
        .within(0, 64)
        .needs(json)
        .called("N");
    line.flag("--stats", options->stats, "print times and memory to standard error at the end");
    line.footer(
        "Ctrl-C ends the answer; what has come so far is printed, exit code 130.\n"
        "Example:\n  sluice generate model.gguf --prompt \"The sea is\" -n 40 --temp 0.7 --seed 1");
    return {line, [options] { return run(*options); }};
}

}  // namespace command
