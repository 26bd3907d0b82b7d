// The C++ face: ownership, failures and events, on a random model.
#include <sluice/experimental.h>
#include <unistd.h>

#include <cstdio>
#include <sluice/sluice.hpp>
#include <stdexcept>
#include <thread>

#include "support/catch.h"

std::size_t n_tokens_of_second_file(const sluicepp::Tokenizer& tokenizer, std::string_view text);

namespace {

// A random model in a file of its own.
class ModelFile {
public:
    explicit ModelFile(std::string_view kind = "moe")
        : path_("/tmp/sluice_bindings_cpp_" + std::to_string(getpid()) + ".gguf") {
        sluicepp::check(sluice_random_model_write, path_.data(), path_.size(), kind.data(), kind.size(),
                        std::uint64_t{1});
    }
    ~ModelFile() { std::remove(path_.c_str()); }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

sluicepp::SessionOptions greedy(std::uint64_t max_tokens) {
    sluicepp::SessionOptions options;
    options.flags = SLUICE_SESSION_IGNORE_STOP_TOKENS;
    options.max_tokens = max_tokens;
    options.sampling = sluicepp::sized<sluice_sampling>();
    options.sampling->mode = SLUICE_SAMPLING_GREEDY;
    return options;
}

template <class Call>
std::int32_t status_of(Call&& call) {
    try {
        call();
    } catch (const sluicepp::Exception& failure) {
        CHECK(std::string(failure.what()).size() > 0);
        return failure.status();
    }
    return SLUICE_OK;
}

}  // namespace

TEST_CASE("cpp: a loop over events continues a text and ends with a reason") {
    const ModelFile file;
    const sluicepp::Engine engine(1);
    const sluicepp::Model model(engine, file.path());
    sluicepp::Session session(model, greedy(5));
    session.feed_text("Hello", SLUICE_ENCODE_BOS);
    std::vector<sluicepp::TokenId> ids;
    std::string text;
    std::int32_t reason = 0;
    for (const sluicepp::Event& event : session.events()) {
        text += event.text;
        if (event.is_text() && event.token_id >= 0) ids.push_back(event.token_id);
        if (event.is_end()) reason = event.reason;
    }
    CHECK(reason == SLUICE_END_MAX_TOKENS);
    CHECK(ids.size() == 5);
    CHECK(text == sluicepp::Tokenizer(model).decode(ids));
    CHECK(session.statistics().decode_tokens <= 5);
}

TEST_CASE("cpp: a failure arrives as an exception with status, sentence and place") {
    const sluicepp::Engine engine(1);
    CHECK(status_of([&] { sluicepp::Model(engine, "/no/such/model.gguf"); }) == SLUICE_E_NOT_FOUND);
    const std::string nonsense = "GGUX is not what a model begins with";
    try {
        sluicepp::Model(engine, sluicepp::memory_source(nonsense.data(), nonsense.size()));
        FAIL("nonsense was opened");
    } catch (const sluicepp::Exception& failure) {
        CHECK(failure.status() < 0);
        CHECK(std::string(failure.status_name()).rfind("SLUICE_E_", 0) == 0);
        CHECK(failure.subsystem() != 0);
        CHECK(failure.file_offset() == 0);
    }
}

TEST_CASE("cpp: objects may end in any order") {
    const ModelFile file;
    std::optional<sluicepp::Session> session;
    {
        const sluicepp::Engine engine(1);
        const sluicepp::Model model(engine, file.path());
        const sluicepp::KvCache cache(model);
        session.emplace(model, cache, greedy(2));
    }
    session->feed({1, 5});
    CHECK(session->next().is_text());
}

TEST_CASE("cpp: caches fork, mark and go back, and a session keeps what a prompt shares with its cache") {
    const ModelFile file;
    const sluicepp::Engine engine(1);
    const sluicepp::Model model(engine, file.path());
    sluicepp::KvCache cache(model);
    cache.reserve(20);
    std::uint64_t mark = 0;
    std::uint64_t gone = 0;
    {
        sluicepp::Session session(model, cache, greedy(4));
        CHECK(session.prompt({1, 5, 7, 9}) == 0);
        mark = cache.mark();
        CHECK(session.prompt({1, 5, 7, 9, 11, 13}) == 4);
        gone = cache.mark();
        session.rewind(5);
        CHECK(cache.tokens() == std::vector<sluicepp::TokenId>{1, 5, 7, 9, 11});
    }
    const sluicepp::KvCache fork = cache.fork();
    cache.rewind(mark);
    CHECK(status_of([&] { cache.rewind(gone); }) == SLUICE_E_NOT_FOUND);
    CHECK(cache.tokens().size() == 4);
    CHECK(fork.tokens().size() == 5);
    cache.unmark(mark);
    CHECK(status_of([&] { cache.unmark(mark); }) == SLUICE_E_NOT_FOUND);
    const std::uint64_t size = cache.trim();
    CHECK(size == cache.describe().size);
}

TEST_CASE("cpp: sessions share the beginnings of their prompts, and conversations go to files") {
    const ModelFile file;
    const sluicepp::Engine engine(1);
    const sluicepp::Model model(engine, file.path());
    sluicepp::Session first(model, greedy(4));
    sluicepp::Session second(model, greedy(4));
    {
        const sluicepp::PrefixTree tree(model, 1 << 20);
        tree.share_with(first);
        tree.share_with(second);
        CHECK(first.prompt({1, 5, 7, 9}) == 0);
        CHECK(tree.describe().n_prefixes == 1);
    }
    CHECK(second.prompt({1, 5, 7, 9, 11}) == 4);
    const std::string path = file.path() + ".state";
    second.save(path);
    first.load(path);
    CHECK(first.next().token_id == second.next().token_id);
    std::remove(path.c_str());
}

TEST_CASE("cpp: a move leaves one owner") {
    const ModelFile file;
    const sluicepp::Engine engine(1);
    sluicepp::Model model(engine, file.path());
    sluicepp::Model other = std::move(model);
    CHECK(model.get() == nullptr);
    sluicepp::Session first(other, greedy(2));
    sluicepp::Session second(other, greedy(3));
    first.feed({1});
    second = std::move(first);
    CHECK(second.next().is_text());
}

TEST_CASE("cpp: progress is told, may cancel, and what it throws leaves the constructor") {
    const ModelFile file;
    const sluicepp::Engine engine(1);
    std::uint64_t last = 0;
    const auto told = [&](std::uint64_t done, std::uint64_t) {
        last = done;
        return true;
    };
    sluicepp::Model(engine, file.path(), 0, told);
    CHECK(last > 0);
    const auto cancel = [](std::uint64_t, std::uint64_t) { return false; };
    CHECK(status_of([&] { sluicepp::Model(engine, file.path(), 0, cancel); }) == SLUICE_E_CANCELLED);
    const auto fail = [](std::uint64_t, std::uint64_t) -> bool { throw std::runtime_error("the host's own"); };
    CHECK_THROWS_AS(sluicepp::Model(engine, file.path(), 0, fail), std::runtime_error);
}

TEST_CASE("cpp: encode and decode give the text back") {
    const ModelFile file;
    const sluicepp::Engine engine(1);
    const sluicepp::Tokenizer tokenizer(engine, sluicepp::path_source(file.path()));
    const std::string text = "naïve 日本語, twice: naïve 日本語";
    CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
    CHECK(tokenizer.encode("").empty());
    CHECK(tokenizer.decode({}).empty());
    CHECK(n_tokens_of_second_file(tokenizer, text) == tokenizer.encode(text).size());
    const auto end = tokenizer.find("<|im_end|>");
    REQUIRE(end.has_value());
    CHECK(tokenizer.is_special(*end));
    CHECK(tokenizer.token_bytes(*end) == "<|im_end|>");
    CHECK(!tokenizer.find("no token is spelled so").has_value());
}

TEST_CASE("cpp: a model tells its metadata, tensors and plan") {
    const ModelFile file;
    const sluicepp::Engine engine(1);
    const sluicepp::Model model(engine, file.path());
    CHECK(model.metadata("general.architecture") == std::optional<std::string>("lfm2moe"));
    CHECK(!model.metadata("no.such.key").has_value());
    const auto info = model.describe();
    CHECK(info.n_tensors > 0);
    CHECK(model.tensor(0).size > 0);
    CHECK(status_of([&] { model.tensor(info.n_tensors); }) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(model.recommended_sampling().temperature > 0);
    CHECK(sluicepp::plan(sluicepp::path_source(file.path())).total > 0);
}

TEST_CASE("cpp: the router counts what sessions wake") {
    const ModelFile file;
    const sluicepp::Engine engine(1);
    const sluicepp::Model model(engine, file.path());
    sluicepp::Router router(model);
    sluicepp::Session session(model, greedy(1));
    session.feed({1, 5, 7});
    const auto info = router.describe();
    CHECK(info.n_tokens == 3);
    std::uint64_t n_woken = 0;
    for (const std::uint64_t count : router.counts(info.n_layers - 1).counts) n_woken += count;
    CHECK(n_woken == 3 * info.n_experts_used);
    router.reset();
    CHECK(router.describe().n_tokens == 0);
}

TEST_CASE("cpp: a session gives logits and the most likely tokens") {
    const ModelFile file;
    const sluicepp::Engine engine(1);
    const sluicepp::Model model(engine, file.path());
    auto options = greedy(4);
    options.n_top_log_probabilities = 3;
    sluicepp::Session session(model, options);
    session.feed({1, 5});
    CHECK(session.logits().size() == model.describe().vocabulary_size);
    const auto event = session.next();
    const auto top = session.top_log_probabilities();
    REQUIRE(top.size() == 3);
    CHECK(top[0].id == event.token_id);
    CHECK(top[0].log_probability >= top[1].log_probability);
    options.max_tokens = 1;
    session.configure(options);
    session.reset();
    session.feed({1, 5});
    CHECK(session.next().token_id == event.token_id);
    CHECK(session.next().reason == SLUICE_END_MAX_TOKENS);
}

TEST_CASE("cpp: a batch gives every session its event") {
    const sluicepp::Engine engine(1);
    const ModelFile file;
    const sluicepp::Model model(engine, file.path());
    sluicepp::SessionOptions options;
    options.max_tokens = 3;
    options.sampling = sluicepp::sized<sluice_sampling>();
    options.sampling->mode = SLUICE_SAMPLING_GREEDY;
    sluicepp::Session alone(model, options), first(model, options), second(model, options), empty(model);
    alone.feed_text("ab");
    std::string expected;
    for (const sluicepp::Event& event : alone.events()) expected += event.text;

    auto batch_options = sluicepp::sized<sluice_batch_options>();
    batch_options.max_tokens = 8;
    sluicepp::Batch batch(model, batch_options);
    first.queue_text("ab");
    second.queue(std::vector<sluicepp::TokenId>(40, 70));
    std::string found;
    bool was_reading = false;
    for (int i = 0; i < 4; ++i) {
        const auto outcomes = batch.step({&first, &second, &empty});
        REQUIRE(outcomes.size() == 3);
        found += outcomes[0].event.text;
        if (outcomes[1].event.is_progress()) {
            was_reading = true;
            CHECK(outcomes[1].event.prompt_done + outcomes[1].event.prompt_to_go == 40);
        }
        CHECK(outcomes[2].status == SLUICE_E_STATE);
    }
    CHECK(found == expected);
    CHECK(was_reading);
    CHECK_THROWS_AS(batch.step({&empty}), sluicepp::Exception);
    CHECK_THROWS_AS(batch.step({}), sluicepp::Exception);
    CHECK_THROWS_AS(batch.step({&first, &first}), sluicepp::Exception);
}

TEST_CASE("cpp: another thread can cancel") {
    const ModelFile file;
    const sluicepp::Engine engine(1);
    const sluicepp::Model model(engine, file.path());
    sluicepp::Session session(model, greedy(0));
    session.feed({1});
    std::thread([&] { session.cancel(); }).join();
    const auto event = session.next();
    CHECK(event.is_end());
    CHECK(event.reason == SLUICE_END_CANCELLED);
    CHECK(session.next().is_text());
}

TEST_CASE("cpp: the log function lives as long as its engine") {
    struct Counted {
        explicit Counted(int* n_alive) : n_alive_(n_alive) { ++*n_alive_; }
        Counted(const Counted& other) : Counted(other.n_alive_) {}
        ~Counted() { --*n_alive_; }
        Counted& operator=(const Counted&) = delete;
        void operator()(std::int32_t, std::string_view) const {}
        int* n_alive_;
    };
    int n_alive = 0;
    {
        const sluicepp::Engine engine(sluicepp::sized<sluice_engine_options>(), Counted(&n_alive));
        CHECK(n_alive == 1);
    }
    CHECK(n_alive == 0);
    auto wrong = sluicepp::sized<sluice_engine_options>();
    wrong.n_threads = 100000;
    CHECK(status_of([&] { sluicepp::Engine(wrong, Counted(&n_alive)); }) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(n_alive == 0);
}

TEST_CASE("cpp: a raw output becomes events") {
    sluicepp::OutputParser parser(0, R"([{"name": "f"}])");
    parser.push("Hi<|tool_call_start|>[f(a=[1]), g()]");
    parser.finish();
    sluicepp::OutputEvent event{};
    REQUIRE(parser.next(event));
    CHECK(event.text == "Hi");
    REQUIRE(parser.next(event));
    CHECK(event.name == "f");
    REQUIRE(parser.next(event));
    CHECK(event.path == "a[0]");
    REQUIRE(parser.next(event));
    REQUIRE(parser.next(event));
    CHECK(event.valid);
    CHECK(event.text == R"({"a":[1]})");
    REQUIRE(parser.next(event));
    REQUIRE(parser.next(event));
    CHECK(!event.valid);
    CHECK(event.call_index == 1);
    CHECK(event.expected == "a declared tool: f");
    REQUIRE(parser.next(event));
    CHECK(event.kind == SLUICE_EVENT_END);
    CHECK(event.open_tool_calls);
    CHECK(!parser.next(event));
    CHECK(status_of([&] { parser.push("x"); }) == SLUICE_E_STATE);
    CHECK(status_of([] { sluicepp::OutputParser(0, "{}"); }) == SLUICE_E_CORRUPT);
}

TEST_CASE("cpp: a constraint judges texts and holds answers") {
    const ModelFile file;
    const sluicepp::Engine engine(1);
    const sluicepp::Model model(engine, file.path());
    const sluicepp::Tokenizer tokenizer(model);
    const sluicepp::Constraint constraint(tokenizer, SLUICE_CONSTRAINT_REGEX, "(yes|no)!");
    CHECK(constraint.judge("ye") == SLUICE_CONSTRAINT_BEGUN);
    CHECK(constraint.judge("no!") == SLUICE_CONSTRAINT_COMPLETE);
    CHECK(constraint.judge("maybe") == SLUICE_CONSTRAINT_REFUSED);
    CHECK(constraint.describe().n_states > 0);
    sluicepp::SessionOptions options = greedy(20);
    options.flags = 0;
    sluicepp::Session session(model, options);
    constraint.hold(session);
    session.feed({1, 5});
    std::string text;
    for (const sluicepp::Event& event : session.events()) text += event.text;
    CHECK((text == "yes!" || text == "no!"));
    sluicepp::release(session);
    CHECK(status_of([&] { sluicepp::Constraint(tokenizer, SLUICE_CONSTRAINT_REGEX, "("); }) ==
          SLUICE_E_INVALID_ARGUMENT);
}
