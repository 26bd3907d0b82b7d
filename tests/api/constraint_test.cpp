// Constraints through the C API: what they judge, and what sessions write under them.
#include <unistd.h>

#include <cstdio>
#include <set>

#include "api/small_model.h"

using namespace sluice_test;

namespace {

sluice_text view(std::string_view text) {
    sluice_text out = {};
    out.data = text.data();
    out.size = text.size();
    return out;
}

struct Opened {
    Opened() {
        sluice_tokenizer* made = nullptr;
        REQUIRE(sluice_tokenizer_of_model(model.get(), &made, nullptr) == SLUICE_OK);
        tokenizer.reset(made);
    }
    std::int32_t create(std::int32_t kind, std::string_view text, sluice_constraint** made, sluice_error* error,
                        std::uint32_t flags = 0, std::vector<std::int32_t> end_tokens = {}) const {
        auto options = sized<sluice_constraint_options>();
        options.kind = kind;
        options.flags = flags;
        options.text = view(text);
        options.end_tokens = end_tokens.data();
        options.n_end_tokens = static_cast<std::uint32_t>(end_tokens.size());
        return sluice_constraint_create(tokenizer.get(), &options, made, error);
    }
    Handle<sluice_constraint> constraint(std::int32_t kind, std::string_view text, std::uint32_t flags = 0,
                                         const std::vector<std::int32_t>& end_tokens = {}) const {
        sluice_constraint* made = nullptr;
        sluice_error error;
        const std::int32_t status = create(kind, text, &made, &error, flags, end_tokens);
        INFO(error.message);
        REQUIRE(status == SLUICE_OK);
        return Handle<sluice_constraint>(made);
    }
    Handle<sluice_session> session(std::uint64_t seed, bool is_greedy = false) const {
        auto sampling = is_greedy ? greedy() : sized<sluice_sampling>();
        if (!is_greedy) sampling.mode = SLUICE_SAMPLING_PLAIN;
        sampling.seed = seed;
        if (!is_greedy) sampling.temperature = 1.5F;
        auto options = sized<sluice_session_options>();
        options.sampling = &sampling;
        return make_session(model.get(), options);
    }

    Handle<sluice_engine> engine = make_engine();
    Handle<sluice_model> model = open_model(engine.get(), "tiny");
    Handle<sluice_tokenizer> tokenizer;
};

std::int32_t judged(const sluice_constraint* constraint, std::string_view text) {
    std::int32_t verdict = -1;
    REQUIRE(sluice_constraint_judge(constraint, text.data(), text.size(), &verdict, nullptr) == SLUICE_OK);
    return verdict;
}

struct Written {
    std::string text;
    std::int32_t reason = 0;
};

Written write(sluice_session* session, std::int32_t first = 5) {
    REQUIRE(sluice_session_feed(session, &first, 1, nullptr) == SLUICE_OK);
    Written written;
    for (int i = 0; i < 4000; ++i) {
        const NextEvent found = next(session);
        REQUIRE(found.status == SLUICE_OK);
        if (found.event.kind == SLUICE_EVENT_END) {
            written.reason = found.event.reason;
            return written;
        }
        written.text += found.text;
    }
    FAIL("generation does not end");
    return written;
}

constexpr std::string_view kForm =
    R"({"type":"object","properties":{"name":{"type":"string","maxLength":8},"age":{"type":"integer","minimum":0,
    "maximum":150},"tags":{"type":"array","items":{"enum":["a","b"]},"maxItems":2}},"required":["name","age"]})";

}  // namespace

TEST_CASE("constraint: a session under one writes complete texts of it and nothing else") {
    const Opened its;
    struct Case {
        std::int32_t kind;
        std::string_view text;
        std::uint32_t flags;
    };
    const std::vector<Case> cases{
        {SLUICE_CONSTRAINT_JSON_SCHEMA, kForm, 0},
        {SLUICE_CONSTRAINT_REGEX, "[a-f]{3,6}-[0-9]+", 0},
        {SLUICE_CONSTRAINT_GRAMMAR, "root ::= (\"yes\" | \"no\") (\", \" [a-z]{2,4}){2}", 0},
        {SLUICE_CONSTRAINT_TOOLS,
         R"([{"name":"add","parameters":{"properties":{"x":{"type":"integer"}},"required":["x"]}}])",
         SLUICE_CONSTRAINT_ONE_CALL},
    };
    for (const Case& one : cases) {
        CAPTURE(one.text);
        const auto constraint = its.constraint(one.kind, one.text, one.flags);
        std::set<std::string> texts;
        for (std::uint64_t seed = 1; seed <= 4; ++seed) {
            const auto session = its.session(seed, seed == 4);
            REQUIRE(sluice_session_constrain(session.get(), constraint.get(), -1, nullptr) == SLUICE_OK);
            for (int answer = 0; answer < 2; ++answer) {
                const Written written = write(session.get());
                CAPTURE(written.text);
                CHECK(written.reason == SLUICE_END_STOP_TOKEN);
                CHECK(judged(constraint.get(), written.text) == SLUICE_CONSTRAINT_COMPLETE);
                texts.insert(written.text);
            }
        }
        CHECK(texts.size() > 1);
    }
}

TEST_CASE("constraint: it begins behind a token and ends with its end tokens") {
    const Opened its;
    const auto token = [&](std::string_view spelling) {
        std::int32_t id = -1;
        REQUIRE(sluice_tokenizer_find(its.tokenizer.get(), spelling.data(), spelling.size(), &id, nullptr) ==
                SLUICE_OK);
        return id;
    };
    const std::int32_t begin = token("a");
    const auto constraint = its.constraint(SLUICE_CONSTRAINT_REGEX, "xyz", 0, {token("q")});
    auto sampling = sized<sluice_sampling>();
    sampling.mode = SLUICE_SAMPLING_PLAIN;
    sampling.seed = 3;
    std::vector<sluice_logit_bias> biases;
    for (const char c : {'a', 'b', 'q', 'x', 'y', 'z'}) biases.push_back({token({&c, 1}), 1000.0F});
    sampling.logit_biases = biases.data();
    sampling.n_logit_biases = static_cast<std::uint32_t>(biases.size());
    auto options = sized<sluice_session_options>();
    options.sampling = &sampling;
    options.max_tokens = 60;
    const auto session = make_session(its.model.get(), options);
    REQUIRE(sluice_session_constrain(session.get(), constraint.get(), begin, nullptr) == SLUICE_OK);
    const std::string text = write(session.get()).text;
    const std::size_t place = text.find('a');
    CAPTURE(text);
    REQUIRE(place != std::string::npos);
    CHECK(text.substr(place, 5) == "axyzq");
    CHECK(text.size() == 60);
}

TEST_CASE("constraint: where nothing may follow the answer ends") {
    const Opened its;
    const auto session = make_session(its.model.get());  // goes on after stop tokens
    const auto constraint = its.constraint(SLUICE_CONSTRAINT_REGEX, "ab", 0, {'z'});
    REQUIRE(sluice_session_constrain(session.get(), constraint.get(), -1, nullptr) == SLUICE_OK);
    const std::int32_t first = 5;
    REQUIRE(sluice_session_feed(session.get(), &first, 1, nullptr) == SLUICE_OK);
    CHECK(next(session.get()).text == "a");
    // In the middle of an answer it stays.
    CHECK(sluice_session_constrain(session.get(), nullptr, -1, nullptr) == SLUICE_E_STATE);
    CHECK(next(session.get()).text == "b");
    sluice_session_reset(session.get(), nullptr);
    CHECK(sluice_session_constrain(session.get(), nullptr, -1, nullptr) == SLUICE_OK);
}

TEST_CASE("constraint: an answer that was saved goes on under it, if it fits") {
    const Opened its;
    const std::string path = "/tmp/sluice_constraint_" + std::to_string(getpid()) + ".state";
    const auto constraint = its.constraint(SLUICE_CONSTRAINT_REGEX, "[a-c]{9}z");
    const auto session = its.session(7);
    REQUIRE(sluice_session_constrain(session.get(), constraint.get(), -1, nullptr) == SLUICE_OK);
    const std::int32_t first = 5;
    REQUIRE(sluice_session_feed(session.get(), &first, 1, nullptr) == SLUICE_OK);
    std::string text;
    for (int i = 0; i < 3; ++i) text += next(session.get()).text;
    REQUIRE(sluice_session_save(session.get(), path.data(), path.size(), nullptr) == SLUICE_OK);

    const auto again = its.session(7);
    REQUIRE(sluice_session_constrain(again.get(), constraint.get(), -1, nullptr) == SLUICE_OK);
    REQUIRE(sluice_session_load(again.get(), path.data(), path.size(), nullptr) == SLUICE_OK);
    for (int i = 0; i < 20; ++i) {
        const NextEvent found = next(again.get());
        REQUIRE(found.status == SLUICE_OK);
        if (found.event.kind == SLUICE_EVENT_END) break;
        text += found.text;
    }
    CAPTURE(text);
    CHECK(judged(constraint.get(), text) == SLUICE_CONSTRAINT_COMPLETE);

    const auto wrong = its.constraint(SLUICE_CONSTRAINT_REGEX, "[x-z]+");
    const auto lost = its.session(7);
    REQUIRE(sluice_session_constrain(lost.get(), wrong.get(), -1, nullptr) == SLUICE_OK);
    REQUIRE(sluice_session_load(lost.get(), path.data(), path.size(), nullptr) == SLUICE_OK);
    CHECK(next(lost.get()).status == SLUICE_E_STATE);
    std::remove(path.c_str());
}

TEST_CASE("constraint: it judges texts") {
    const Opened its;
    const auto constraint = its.constraint(SLUICE_CONSTRAINT_JSON_SCHEMA, kForm);
    CHECK(judged(constraint.get(), "") == SLUICE_CONSTRAINT_BEGUN);
    CHECK(judged(constraint.get(), R"({"name": "A)") == SLUICE_CONSTRAINT_BEGUN);
    CHECK(judged(constraint.get(), R"({"name": "A", "age": 3})") == SLUICE_CONSTRAINT_COMPLETE);
    CHECK(judged(constraint.get(), R"({"age")") == SLUICE_CONSTRAINT_REFUSED);
}

TEST_CASE("constraint: the same text is compiled once, and outlives who asked first") {
    const Opened its;
    auto first = its.constraint(SLUICE_CONSTRAINT_REGEX, "[a-z]+");
    const auto session = its.session(1);
    REQUIRE(sluice_session_constrain(session.get(), first.get(), -1, nullptr) == SLUICE_OK);
    first.reset();
    const auto second = its.constraint(SLUICE_CONSTRAINT_REGEX, "[a-z]+");
    const std::int32_t id = 5;
    REQUIRE(sluice_session_feed(session.get(), &id, 1, nullptr) == SLUICE_OK);
    REQUIRE(next(session.get()).status == SLUICE_OK);
    auto info = sized<sluice_constraint_info>();
    REQUIRE(sluice_constraint_describe(second.get(), &info, nullptr) == SLUICE_OK);
    CHECK(info.masks_computed == 1);
    CHECK(info.n_states > 0);
    CHECK(info.memory > 0);
    CHECK(info.vocabulary_memory > 0);
}

TEST_CASE("constraint: wrong arguments are refused by name") {
    const Opened its;
    sluice_constraint* made = nullptr;
    sluice_error error;
    CHECK(its.create(SLUICE_CONSTRAINT_JSON_SCHEMA, R"({"not":{}})", &made, &error) == SLUICE_E_UNSUPPORTED);
    CHECK(std::string(error.message) == "the schema's keyword not at # is not supported");
    CHECK(made == nullptr);
    CHECK(its.create(0, "a", &made, &error) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(its.create(5, "a", &made, &error) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(its.create(SLUICE_CONSTRAINT_REGEX, "a", &made, &error, 1024) == SLUICE_E_UNSUPPORTED);
    CHECK(its.create(SLUICE_CONSTRAINT_REGEX, "a", &made, &error, SLUICE_CONSTRAINT_ONE_CALL) ==
          SLUICE_E_INVALID_ARGUMENT);
    CHECK(its.create(SLUICE_CONSTRAINT_REGEX, "(", &made, &error) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(its.create(SLUICE_CONSTRAINT_REGEX, "a", &made, &error, 0, {1'000'000}) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(its.create(SLUICE_CONSTRAINT_REGEX, "a", &made, &error, 0, {-1}) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(its.create(SLUICE_CONSTRAINT_TOOLS, "[]", &made, &error) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(its.create(SLUICE_CONSTRAINT_GRAMMAR, "", &made, &error) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(sluice_constraint_create(its.tokenizer.get(), nullptr, &made, &error) == SLUICE_E_INVALID_ARGUMENT);
    auto options = sized<sluice_constraint_options>();
    options.kind = SLUICE_CONSTRAINT_REGEX;
    CHECK(sluice_constraint_create(nullptr, &options, &made, &error) == SLUICE_E_INVALID_ARGUMENT);
    options.reserved[1] = 1;
    CHECK(sluice_constraint_create(its.tokenizer.get(), &options, &made, &error) == SLUICE_E_UNSUPPORTED);
    CHECK(sluice_constraint_judge(nullptr, "a", 1, nullptr, &error) == SLUICE_E_INVALID_ARGUMENT);
    sluice_constraint_destroy(nullptr);

    const Opened other;
    const auto foreign = other.constraint(SLUICE_CONSTRAINT_REGEX, "a");
    const auto session = its.session(1);
    CHECK(sluice_session_constrain(session.get(), foreign.get(), -1, &error) == SLUICE_E_INVALID_ARGUMENT);
    const auto own = its.constraint(SLUICE_CONSTRAINT_REGEX, "a");
    CHECK(sluice_session_constrain(session.get(), own.get(), 1'000'000, &error) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(sluice_session_constrain(session.get(), nullptr, 1, &error) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(sluice_session_constrain(nullptr, own.get(), -1, &error) == SLUICE_E_INVALID_ARGUMENT);
}
