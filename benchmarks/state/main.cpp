// What the memory of a conversation costs: a second turn after a long history, kept or loaded from a file,
// against feeding its new tokens at that depth; going back, forking, saving and loading. Sees what hosts see.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <sluice/sluice.hpp>
#include <string>
#include <vector>

namespace {

struct Options {
    std::string model;
    std::uint32_t n_history = 4000;
    std::uint32_t n_new = 32;
    std::uint32_t n_dropped = 200;
    std::uint32_t n_repetitions = 5;
    std::uint32_t n_threads = 0;
    std::string kv = "f16";
    std::string folder = std::filesystem::temp_directory_path().string();
};

using Ids = std::vector<sluicepp::TokenId>;

// Tokens of a fixed stream of random numbers (splitmix64), so that every run reads the same.
Ids random_ids(std::size_t count, std::uint64_t seed, std::uint32_t n_tokens) {
    Ids ids;
    for (std::size_t i = 0; i < count; ++i) {
        seed += 0x9E3779B97F4A7C15U;
        std::uint64_t z = (seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
        ids.push_back(static_cast<sluicepp::TokenId>((z ^ (z >> 31)) % n_tokens));
    }
    return ids;
}

double milliseconds_of(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

std::int32_t type_number(const std::string& name) {
    const std::map<std::string, std::int32_t> numbers = {
        {"f32", SLUICE_KV_F32}, {"f16", SLUICE_KV_F16}, {"q8_0", SLUICE_KV_Q8_0}, {"q4_0", SLUICE_KV_Q4_0}};
    return numbers.at(name);
}

// What is measured, by name, one number for each repetition.
class Measured {
public:
    void add(const std::string& name, double milliseconds) { values_[name].push_back(milliseconds); }
    void print(const std::string& name, const char* what) const {
        std::printf("%10.1f ms  %s\n", median(values_.at(name)), what);
    }
    void print_ratio(const std::string& name, const std::string& to) const {
        std::vector<double> ratios;
        for (std::size_t i = 0; i < values_.at(name).size(); ++i) {
            ratios.push_back(values_.at(name)[i] / values_.at(to)[i]);
        }
        std::printf("%10.3f     times that, median of the repetitions\n", median(ratios));
    }

private:
    std::map<std::string, std::vector<double>> values_;
};

// A session on a copy of a cache, and how long its first token takes after `begin`.
double first_token(const sluicepp::Model& model, const sluicepp::KvCache& base,
                   const sluicepp::SessionOptions& options,
                   const std::function<void(sluicepp::Session&)>& begin) {
    const sluicepp::KvCache cache = base.fork();
    sluicepp::Session session(model, cache, options);
    return milliseconds_of([&] {
        begin(session);
        session.next();
    });
}

void run(const Options& options) {
    const sluicepp::Engine engine(options.n_threads);
    const sluicepp::Model model(engine, options.model);
    const auto n_tokens = static_cast<std::uint32_t>(model.describe().vocabulary_size);
    auto kv = sluicepp::sized<sluice_kv_cache_options>();
    kv.capacity = std::uint64_t{options.n_history} + options.n_new + 16;
    kv.key_type = kv.value_type = type_number(options.kv);
    sluicepp::SessionOptions session_options;
    session_options.flags = SLUICE_SESSION_IGNORE_STOP_TOKENS;
    session_options.sampling = sluicepp::sized<sluice_sampling>();
    session_options.sampling->mode = SLUICE_SAMPLING_GREEDY;

    const Ids history = random_ids(options.n_history, 1, n_tokens);
    const Ids more = random_ids(options.n_new, 2, n_tokens);
    // The end is dropped where a prompt ended and an answer began, and so a mark stands; or some tokens before.
    const std::size_t n_left = options.n_history - std::min(options.n_dropped, options.n_history - 100);
    const std::size_t n_unmarked = n_left - 50;
    const auto first_of_history = [&](std::size_t n) {
        return Ids(history.begin(), history.begin() + static_cast<std::ptrdiff_t>(n));
    };
    const auto with_more = [&](Ids ids) {
        ids.insert(ids.end(), more.begin(), more.end());
        return ids;
    };
    const Ids whole = with_more(history);
    const Ids edited = with_more(first_of_history(n_left));
    const Ids edited_unmarked = with_more(first_of_history(n_unmarked));

    const sluicepp::KvCache base(model, kv);
    const double prefill = milliseconds_of([&] {
        sluicepp::Session session(model, base, session_options);
        session.feed(first_of_history(n_left));
        session.feed({history.begin() + static_cast<std::ptrdiff_t>(n_left), history.end()});
    });
    // At the shorter length, for what feeding costs there.
    sluicepp::KvCache shorter = base.fork();
    {
        sluicepp::Session session(model, shorter, session_options);
        session.rewind(n_left);
    }
    const std::string file =
        (std::filesystem::path(options.folder) / ("sluice-state-" + std::to_string(getpid()))).string();

    Measured measured;
    for (std::uint32_t i = 0; i < options.n_repetitions; ++i) {
        measured.add("save", milliseconds_of([&] { base.save(file); }));
    }
    const std::uintmax_t file_size = std::filesystem::file_size(file);
    for (std::uint32_t i = 0; i < options.n_repetitions; ++i) {
        const auto add = [&](const char* name, double milliseconds) { measured.add(name, milliseconds); };
        add("feed", first_token(model, base, session_options, [&](sluicepp::Session& s) { s.feed(more); }));
        add("prompt",
            first_token(model, base, session_options, [&](sluicepp::Session& s) { s.prompt(whole); }));
        sluicepp::KvCache loaded(model, kv);
        add("load", milliseconds_of([&] { loaded.load(file); }));
        add("prompt loaded",
            first_token(model, loaded, session_options, [&](sluicepp::Session& s) { s.prompt(whole); }));
        add("feed shorter",
            first_token(model, shorter, session_options, [&](sluicepp::Session& s) { s.feed(more); }));
        add("prompt edited",
            first_token(model, base, session_options, [&](sluicepp::Session& s) { s.prompt(edited); }));
        add("prompt unmarked", first_token(model, base, session_options,
                                           [&](sluicepp::Session& s) { s.prompt(edited_unmarked); }));
        add("fork", milliseconds_of([&] { base.fork(); }));
    }
    std::filesystem::remove(file);

    std::printf("history of %u tokens, %u new ones, cache of %s; medians of %u\n\n", options.n_history,
                options.n_new, options.kv.c_str(), options.n_repetitions);
    std::printf("%10.1f ms  reading the history, once\n", prefill);
    measured.print("feed", "to the first token when the new tokens are fed behind the history");
    measured.print("prompt", "when all tokens are given again (a second turn)");
    measured.print_ratio("prompt", "feed");
    measured.print("prompt loaded", "the same after saving and loading");
    measured.print_ratio("prompt loaded", "feed");
    measured.print("feed shorter", "when the new tokens are fed behind the history without its end");
    measured.print("prompt edited", "when all tokens are given again, without that end (it was dropped)");
    measured.print_ratio("prompt edited", "feed shorter");
    measured.print("prompt unmarked", "when it ends where no mark stands, and convolutions are computed again");
    measured.print_ratio("prompt unmarked", "feed shorter");
    measured.print("fork", "forking the cache");
    measured.print("save", "saving it");
    measured.print("load", "loading it");
    std::printf("%10.1f MB  the file\n", static_cast<double>(file_size) / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Measures what the memory of a conversation costs.", "state");
    app.add_option("MODEL", options.model, "a GGUF file or a checkpoint folder")->required();
    app.add_option("-d", options.n_history, "tokens of the history; default: 4000")
        ->check(CLI::Range(200, 1 << 20));
    app.add_option("-n", options.n_new, "tokens of the second turn; default: 32")->check(CLI::Range(1, 4096));
    app.add_option("--dropped", options.n_dropped,
                   "tokens at the history's end that a template drops, as old thinking; default: 200");
    app.add_option("-r", options.n_repetitions, "repetitions; default: 5")->check(CLI::Range(1, 1000));
    app.add_option("-t,--threads", options.n_threads, "threads; default: one per core");
    app.add_option("--kv", options.kv, "how keys and values are stored; default: f16")
        ->check(CLI::IsMember({"f32", "f16", "q8_0", "q4_0"}));
    app.add_option("--folder", options.folder,
                   "where the state file is written; default: the system's for such");
    CLI11_PARSE(app, argc, argv);
    try {
        run(options);
        return 0;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "state: %s\n", failure.what());
        return 1;
    }
}
