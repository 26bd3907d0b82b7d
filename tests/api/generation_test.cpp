// Feed and next as a caller sees them: order of calls, ends, limits, what a refusal leaves behind.
#include <algorithm>
#include <cmath>
#include <limits>

#include "api/small_model.h"

using namespace sluice_test;

namespace {

struct Opened {
    explicit Opened(const std::string& kind = "tiny") : model(open_model(engine.get(), kind)) {
        sluice_tokenizer* made = nullptr;
        REQUIRE(sluice_tokenizer_of_model(model.get(), &made, nullptr) == SLUICE_OK);
        tokenizer.reset(made);
        REQUIRE(sluice_model_describe(model.get(), &info, nullptr) == SLUICE_OK);
    }
    std::int32_t id_of(std::string_view token) const {
        std::int32_t id = -1;
        REQUIRE(sluice_tokenizer_find(tokenizer.get(), token.data(), token.size(), &id, nullptr) == SLUICE_OK);
        return id;
    }
    // Only the single letters a to z can be chosen.
    std::vector<sluice_logit_bias> letters_only() const {
        std::vector<sluice_logit_bias> biases;
        for (char letter = 'a'; letter <= 'z'; ++letter) biases.push_back({id_of({&letter, 1}), 1000.0F});
        return biases;
    }

    Handle<sluice_engine> engine = make_engine();
    Handle<sluice_model> model;
    Handle<sluice_tokenizer> tokenizer;
    sluice_model_info info = sized<sluice_model_info>();
};

sluice_sampling letters_sampling(const std::vector<sluice_logit_bias>& biases) {
    auto sampling = sized<sluice_sampling>();
    sampling.mode = SLUICE_SAMPLING_PLAIN;
    sampling.seed = 5;
    sampling.logit_biases = biases.data();
    sampling.n_logit_biases = static_cast<std::uint32_t>(biases.size());
    return sampling;
}

// All text until END, and the END event.
std::pair<std::string, sluice_event> read_to_end(sluice_session* session) {
    std::string text;
    for (int i = 0; i < 10'000; ++i) {
        const NextEvent found = next(session);
        REQUIRE(found.status == SLUICE_OK);
        if (found.event.kind == SLUICE_EVENT_END) return {text, found.event};
        text += found.text;
    }
    FAIL("generation does not end");
    return {};
}

}  // namespace

TEST_CASE("session: next and logits before the first feed are refused") {
    const Opened its;
    const auto session = make_session(its.model.get(), 8);
    CHECK(next(session.get()).status == SLUICE_E_STATE);
    std::uint64_t needed = 0;
    CHECK(sluice_session_logits(session.get(), nullptr, 0, &needed, nullptr) == SLUICE_E_STATE);
    CHECK(sluice_session_top_log_probabilities(session.get(), nullptr, nullptr, 0, &needed, nullptr) ==
          SLUICE_E_STATE);
    CHECK(sluice_session_traced_logits(session.get(), nullptr, 0, &needed, nullptr) == SLUICE_E_STATE);
    CHECK(feed(session.get(), some_ids(3)) == SLUICE_OK);
    CHECK(sluice_session_reset(session.get(), nullptr) == SLUICE_OK);
    CHECK(next(session.get()).status == SLUICE_E_STATE);
}

TEST_CASE("session: a refused feed leaves the conversation as it was") {
    const Opened its;
    const auto cache = make_cache(its.model.get(), 16);
    const auto session = make_session(its.model.get(), 8, cache.get());
    REQUIRE(feed(session.get(), some_ids(5)) == SLUICE_OK);
    const std::vector<float> before = logits_of(session.get());
    const auto size = static_cast<std::int32_t>(its.info.vocabulary_size);
    sluice_error error = dirty_error();
    for (const std::int32_t id : {-1, size, 2147483647, -2147483647 - 1}) {
        error = dirty_error();
        CHECK(feed(session.get(), {20, id, 21}, &error) == SLUICE_E_INVALID_ARGUMENT);
        CHECK(is_whole(error, SLUICE_E_INVALID_ARGUMENT));
        CHECK(std::string(error.message).find(std::to_string(id)) != std::string::npos);
    }
    CHECK(feed(session.get(), {}) == SLUICE_E_INVALID_ARGUMENT);
    error = dirty_error();
    CHECK(feed(session.get(), some_ids(12), &error) == SLUICE_E_CONTEXT_FULL);
    CHECK(is_whole(error, SLUICE_E_CONTEXT_FULL));
    CHECK(sluice_kv_cache_position(cache.get()) == 5);
    CHECK(same_bits(before, logits_of(session.get())));
    CHECK(feed(session.get(), some_ids(11)) == SLUICE_OK);
    CHECK(sluice_kv_cache_position(cache.get()) == 16);
}

TEST_CASE("session: a full context ends generation and the conversation stays") {
    const Opened its;
    const auto cache = make_cache(its.model.get(), 6);
    const auto session = make_session(its.model.get(), 8, cache.get());
    REQUIRE(feed(session.get(), some_ids(4)) == SLUICE_OK);
    const auto [text, end] = read_to_end(session.get());
    CHECK(end.reason == SLUICE_END_CONTEXT_FULL);
    CHECK(end.n_tokens == 3);
    CHECK(sluice_kv_cache_position(cache.get()) == 6);
    CHECK(next(session.get()).event.reason == SLUICE_END_CONTEXT_FULL);
    CHECK(feed(session.get(), some_ids(1)) == SLUICE_E_CONTEXT_FULL);
    CHECK(sluice_session_reset(session.get(), nullptr) == SLUICE_OK);
    CHECK(sluice_kv_cache_position(cache.get()) == 0);
    CHECK(feed(session.get(), some_ids(4)) == SLUICE_OK);
    CHECK(generate(session.get(), 3).size() == 3);
}

TEST_CASE("session: END repeats until the next feed") {
    const Opened its;
    const sluice_sampling sampling = greedy();
    auto options = sized<sluice_session_options>();
    options.flags = SLUICE_SESSION_IGNORE_STOP_TOKENS;
    options.max_tokens = 3;
    options.sampling = &sampling;
    const auto session = make_session(its.model.get(), options);
    REQUIRE(feed(session.get(), some_ids(4)) == SLUICE_OK);
    for (int round = 0; round < 2; ++round) {
        const auto [text, end] = read_to_end(session.get());
        CHECK(end.reason == SLUICE_END_MAX_TOKENS);
        CHECK(end.n_tokens == 3);
        CHECK(end.token_id == -1);
        for (int i = 0; i < 3; ++i) {
            const NextEvent again = next(session.get());
            CHECK(again.status == SLUICE_OK);
            CHECK(again.event.kind == SLUICE_EVENT_END);
            CHECK(again.event.reason == SLUICE_END_MAX_TOKENS);
        }
        REQUIRE(feed(session.get(), some_ids(2)) == SLUICE_OK);
    }
}

TEST_CASE("session: a stop string ends generation and neither it nor its beginning is shown") {
    const Opened its;
    const auto biases = its.letters_only();
    const sluice_sampling sampling = letters_sampling(biases);
    auto options = sized<sluice_session_options>();
    options.sampling = &sampling;
    options.max_tokens = 24;
    const auto free_session = make_session(its.model.get(), options);
    REQUIRE(feed(free_session.get(), some_ids(4)) == SLUICE_OK);
    const std::string whole = read_to_end(free_session.get()).first;
    REQUIRE(whole.size() == 24);

    const std::string wanted = whole.substr(9, 4);
    const std::string never = "not this one";
    const sluice_text strings[] = {{never.size(), never.data()}, {wanted.size(), wanted.data()}};
    options.stop_strings = strings;
    options.n_stop_strings = 2;
    const auto session = make_session(its.model.get(), options);
    REQUIRE(feed(session.get(), some_ids(4)) == SLUICE_OK);
    const auto [text, end] = read_to_end(session.get());
    CHECK(end.reason == SLUICE_END_STOP_STRING);
    CHECK(end.stop_string == 1);
    CHECK(text == whole.substr(0, whole.find(wanted)));

    // A beginning of a stop string that never completes comes out at the end.
    const std::string beginning = whole.substr(20) + "#";
    const sluice_text unfinished[] = {{beginning.size(), beginning.data()}};
    options.stop_strings = unfinished;
    options.n_stop_strings = 1;
    REQUIRE(sluice_session_reset(session.get(), nullptr) == SLUICE_OK);
    REQUIRE(sluice_session_configure(session.get(), &options, nullptr) == SLUICE_OK);
    REQUIRE(feed(session.get(), some_ids(4)) == SLUICE_OK);
    CHECK(read_to_end(session.get()).first == whole);
}

TEST_CASE("session: stop tokens end generation and can be ignored") {
    const Opened its;
    const auto biases = its.letters_only();
    const sluice_sampling sampling = letters_sampling(biases);
    auto options = sized<sluice_session_options>();
    options.sampling = &sampling;
    options.max_tokens = 40;
    const auto session = make_session(its.model.get(), options);
    REQUIRE(feed(session.get(), some_ids(4)) == SLUICE_OK);
    const std::vector<std::int32_t> ids = generate(session.get(), 12);
    const std::int32_t stop = ids.back();
    const auto first = static_cast<std::uint64_t>(std::find(ids.begin(), ids.end(), stop) - ids.begin());

    options.stop_tokens = &stop;
    options.n_stop_tokens = 1;
    const auto stopped = make_session(its.model.get(), options);
    REQUIRE(feed(stopped.get(), some_ids(4)) == SLUICE_OK);
    const auto [text, end] = read_to_end(stopped.get());
    CHECK(end.reason == SLUICE_END_STOP_TOKEN);
    CHECK(end.token_id == stop);
    CHECK(end.n_tokens == first);
    CHECK(text.size() == first);

    options.flags = SLUICE_SESSION_IGNORE_STOP_TOKENS;
    const auto ignoring = make_session(its.model.get(), options);
    REQUIRE(feed(ignoring.get(), some_ids(4)) == SLUICE_OK);
    CHECK(generate(ignoring.get(), 12) == ids);

    const std::int32_t outside = static_cast<std::int32_t>(its.info.vocabulary_size);
    options.stop_tokens = &outside;
    sluice_session* none = nullptr;
    CHECK(sluice_session_create(its.model.get(), nullptr, &options, &none, nullptr) ==
          SLUICE_E_INVALID_ARGUMENT);
}

TEST_CASE("session: log-probabilities are those of the logits") {
    const Opened its;
    const sluice_sampling sampling = greedy();
    auto options = sized<sluice_session_options>();
    options.flags = SLUICE_SESSION_IGNORE_STOP_TOKENS;
    options.sampling = &sampling;
    options.n_top_log_probabilities = 5;
    const auto session = make_session(its.model.get(), options);
    REQUIRE(feed(session.get(), some_ids(4)) == SLUICE_OK);
    for (int i = 0; i < 4; ++i) {
        const std::vector<float> logits = logits_of(session.get());
        double sum = 0;
        const double largest = *std::max_element(logits.begin(), logits.end());
        for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
        const NextEvent found = next(session.get());
        REQUIRE(found.event.kind == SLUICE_EVENT_TEXT);
        std::int32_t ids[5];
        float values[5];
        std::uint64_t needed = 0;
        CHECK(sluice_session_top_log_probabilities(session.get(), ids, values, 4, &needed, nullptr) ==
              SLUICE_E_BUFFER_TOO_SMALL);
        REQUIRE(sluice_session_top_log_probabilities(session.get(), ids, values, 5, &needed, nullptr) ==
                SLUICE_OK);
        CHECK(needed == 5);
        CHECK(ids[0] == found.event.token_id);
        CHECK(values[0] == found.event.log_probability);
        for (int k = 0; k < 5; ++k) {
            const double expected =
                static_cast<double>(logits[static_cast<std::size_t>(ids[k])]) - largest - std::log(sum);
            CHECK(std::fabs(static_cast<double>(values[k]) - expected) < 1e-5);
            CHECK((k == 0 || values[k] <= values[k - 1]));
        }
    }
    options.n_top_log_probabilities = 65;
    sluice_session* none = nullptr;
    CHECK(sluice_session_create(its.model.get(), nullptr, &options, &none, nullptr) < 0);
}

TEST_CASE("session: sampling that makes no sense is refused and named") {
    const Opened its;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinity = std::numeric_limits<float>::infinity();
    const sluice_logit_bias outside = {static_cast<std::int32_t>(its.info.vocabulary_size), 1.0F};
    const sluice_logit_bias not_a_number = {20, nan};
    const std::int32_t no_token = -1;
    std::vector<sluice_sampling> wrong;
    const auto add = [&](auto&& change) {
        auto sampling = sized<sluice_sampling>();
        change(sampling);
        wrong.push_back(sampling);
    };
    for (const float value : {nan, infinity, -1.0F}) {
        add([&](auto& s) { s.temperature = value; });
        add([&](auto& s) { s.top_p = value; });
        add([&](auto& s) { s.min_p = value == -1.0F ? -0.5F : value; });
        add([&](auto& s) { s.typical_p = value; });
        add([&](auto& s) { s.repetition_penalty = value; });
        add([&](auto& s) { s.frequency_penalty = value == -1.0F ? -infinity : value; });
        add([&](auto& s) { s.presence_penalty = value == -1.0F ? -infinity : value; });
        add([&](auto& s) { s.dry_multiplier = value; });
        add([&](auto& s) { s.dry_base = value; });
    }
    add([](auto& s) { s.temperature = 101.0F; });
    add([](auto& s) { s.top_p = 1.5F; });
    add([](auto& s) { s.min_p = 1.5F; });
    add([](auto& s) { s.top_k = -2; });
    add([](auto& s) { s.penalty_window = -1; });
    add([](auto& s) { s.dry_allowed_length = -1; });
    add([](auto& s) { s.dry_window = -1; });
    add([](auto& s) { s.mode = 3; });
    add([](auto& s) { s.mode = -1; });
    add([](auto& s) { s.n_logit_biases = 1; });
    add([](auto& s) { s.n_dry_breakers = 1; });
    add([&](auto& s) { s.n_logit_biases = 1, s.logit_biases = &outside; });
    add([&](auto& s) { s.n_logit_biases = 1, s.logit_biases = &not_a_number; });
    add([&](auto& s) { s.n_dry_breakers = 1, s.dry_breakers = &no_token; });

    const auto session = make_session(its.model.get(), 8);
    REQUIRE(feed(session.get(), some_ids(4)) == SLUICE_OK);
    const std::vector<std::int32_t> expected = [&] {
        const auto twin = make_session(its.model.get(), 8);
        REQUIRE(feed(twin.get(), some_ids(4)) == SLUICE_OK);
        return generate(twin.get(), 6);
    }();
    for (std::size_t i = 0; i < wrong.size(); ++i) {
        INFO("sampling " << i);
        auto options = sized<sluice_session_options>();
        options.sampling = &wrong[i];
        sluice_error error = dirty_error();
        sluice_session* none = nullptr;
        CHECK(sluice_session_create(its.model.get(), nullptr, &options, &none, &error) ==
              SLUICE_E_INVALID_ARGUMENT);
        CHECK(is_whole(error, SLUICE_E_INVALID_ARGUMENT));
        CHECK(none == nullptr);
        CHECK(sluice_session_configure(session.get(), &options, nullptr) == SLUICE_E_INVALID_ARGUMENT);
    }
    // What was refused changed nothing.
    CHECK(generate(session.get(), 6) == expected);
}

TEST_CASE("session: the same seed gives the same tokens and another one others") {
    const Opened its;
    const auto run = [&](std::uint64_t seed) {
        auto sampling = sized<sluice_sampling>();
        sampling.mode = SLUICE_SAMPLING_PLAIN;
        sampling.seed = seed;
        auto options = sized<sluice_session_options>();
        options.flags = SLUICE_SESSION_IGNORE_STOP_TOKENS;
        options.sampling = &sampling;
        const auto session = make_session(its.model.get(), options);
        REQUIRE(feed(session.get(), some_ids(4)) == SLUICE_OK);
        const std::vector<std::int32_t> first = generate(session.get(), 24);
        auto statistics = sized<sluice_statistics>();
        REQUIRE(sluice_session_statistics(session.get(), &statistics, nullptr) == SLUICE_OK);
        CHECK((seed == 0 ? statistics.seed != 0 : statistics.seed == seed));
        REQUIRE(sluice_session_reset(session.get(), nullptr) == SLUICE_OK);
        REQUIRE(feed(session.get(), some_ids(4)) == SLUICE_OK);
        CHECK(generate(session.get(), 24) == first);
        return first;
    };
    CHECK(run(7) == run(7));
    CHECK(run(7) != run(8));
    CHECK(run(0) != run(0));
}

TEST_CASE("session: statistics count what was done") {
    const Opened its;
    const auto session = make_session(its.model.get(), 8);
    REQUIRE(feed(session.get(), some_ids(10)) == SLUICE_OK);
    generate(session.get(), 4);
    auto statistics = sized<sluice_statistics>();
    REQUIRE(sluice_session_statistics(session.get(), &statistics, nullptr) == SLUICE_OK);
    CHECK(statistics.prefill_tokens == 10);
    CHECK(statistics.decode_tokens == 3);
    CHECK(statistics.position == 13);
    CHECK(statistics.memory > 0);
}

TEST_CASE("session: text with special tokens can be fed plain") {
    const Opened its;
    const std::string text = "<|im_end|>";
    const auto position_after = [&](std::uint32_t flags) {
        const auto session = make_session(its.model.get(), 8);
        REQUIRE(sluice_session_feed_text(session.get(), text.data(), text.size(), flags, nullptr) == SLUICE_OK);
        auto statistics = sized<sluice_statistics>();
        REQUIRE(sluice_session_statistics(session.get(), &statistics, nullptr) == SLUICE_OK);
        return statistics.position;
    };
    CHECK(position_after(0) == 1);
    CHECK(position_after(SLUICE_ENCODE_BOS) == 2);
    CHECK(position_after(SLUICE_ENCODE_PLAIN) > 2);
}

TEST_CASE("session: a configuration in the middle keeps the text that was held back") {
    const Opened its;
    const std::string letters = "\xC3\xA4";
    const auto id_of_byte = [&](std::size_t i) {
        std::int32_t id = -1;
        REQUIRE(sluice_tokenizer_find(its.tokenizer.get(), letters.data() + i, 1, &id, nullptr) == SLUICE_OK);
        return id;
    };
    const auto only = [](const sluice_logit_bias& bias) {
        auto sampling = greedy();
        sampling.logit_biases = &bias;
        sampling.n_logit_biases = 1;
        return sampling;
    };
    const sluice_logit_bias first = {id_of_byte(0), 1000.0F};
    const sluice_logit_bias second = {id_of_byte(1), 1000.0F};
    sluice_sampling sampling = only(first);
    auto options = sized<sluice_session_options>();
    options.sampling = &sampling;
    const auto session = make_session(its.model.get(), options);
    REQUIRE(feed(session.get(), some_ids(4)) == SLUICE_OK);
    CHECK(next(session.get()).text.empty());
    sampling = only(second);
    REQUIRE(sluice_session_configure(session.get(), &options, nullptr) == SLUICE_OK);
    CHECK(next(session.get()).text == letters);
}
