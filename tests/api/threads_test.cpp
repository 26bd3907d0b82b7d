// What threads may do to a session: nothing to its numbers, BUSY when two come at once, cancel at any time.
#include <atomic>
#include <functional>
#include <thread>

#include "api/small_model.h"

using namespace sluice_test;

namespace {

// An executor of the host's that runs each task on a thread of its own, after whatever the test wants done.
struct Executor {
    std::function<std::int32_t(std::uint32_t n_loops)> before;  // other than 0: refuses
    std::uint32_t n_loops = 0;
    std::uint32_t n_destroyed = 0;

    static std::int32_t run(void* user, sluice_task_fn task, void* context, std::uint32_t n_tasks) {
        auto& its = *static_cast<Executor*>(user);
        ++its.n_loops;
        const std::int32_t answer = its.before ? its.before(its.n_loops) : 0;
        if (answer != 0) return answer;
        std::vector<std::thread> threads;
        for (std::uint32_t i = 0; i < n_tasks; ++i) threads.emplace_back(task, context, i);
        for (std::thread& thread : threads) thread.join();
        return 0;
    }
    static void destroy(void* user) { ++static_cast<Executor*>(user)->n_destroyed; }

    sluice_engine_options options() {
        sluice_engine_options options = engine_options(2);
        options.executor = run;
        options.executor_user = this;
        options.executor_destroy = destroy;
        return options;
    }
};

struct Answer {
    std::vector<float> prefill, after;
    std::vector<std::int32_t> ids;
    bool operator==(const Answer& other) const {
        return same_bits(prefill, other.prefill) && same_bits(after, other.after) && ids == other.ids;
    }
};

Answer answer_of(sluice_session* session, std::size_t n_ids) {
    Answer answer;
    REQUIRE(feed(session, some_ids(n_ids)) == SLUICE_OK);
    answer.prefill = logits_of(session);
    answer.ids = generate(session, 6);
    REQUIRE(feed(session, some_ids(3, 2)) == SLUICE_OK);
    answer.after = logits_of(session);
    return answer;
}

Answer answer_of(sluice_engine* engine, const std::string& kind, std::uint32_t chunk, std::size_t n_ids) {
    const auto model = open_model(engine, kind);
    return answer_of(make_session(model.get(), chunk).get(), n_ids);
}

}  // namespace

TEST_CASE("session: results do not depend on the number of threads") {
    for (const std::string kind : {"moe", "dense"}) {
        INFO(kind);
        const auto one = make_engine(1);
        const Answer expected = answer_of(one.get(), kind, 16, 40);
        for (const std::uint32_t n_threads : {2u, 3u}) {
            const auto engine = make_engine(n_threads);
            CHECK(answer_of(engine.get(), kind, 16, 40) == expected);
        }
        Executor executor;
        const auto hosted = make_engine(executor.options());
        CHECK(answer_of(hosted.get(), kind, 16, 40) == expected);
        CHECK(executor.n_loops > 0);
    }
}

TEST_CASE("session: results do not depend on the size of the chunks") {
    const auto engine = make_engine(2);
    for (const std::string kind : {"tiny", "moe"}) {
        INFO(kind);
        const Answer expected = answer_of(engine.get(), kind, 512, 70);
        for (const std::uint32_t chunk : {1u, 2u, 3u, 7u, 64u}) {
            INFO("chunk " << chunk);
            CHECK(answer_of(engine.get(), kind, chunk, 70) == expected);
        }
    }
}

TEST_CASE("session: two sessions of a model on two threads do not disturb each other") {
    const auto engine = make_engine(2);
    const auto model = open_model(engine.get(), "moe");
    const Answer expected = answer_of(make_session(model.get(), 8).get(), 20);
    const auto first = make_session(model.get(), 8);
    const auto second = make_session(model.get(), 8);
    std::vector<std::int32_t> ids = some_ids(20);
    std::int32_t status = -1;
    std::thread other([&] { status = sluice_session_feed(second.get(), ids.data(), ids.size(), nullptr); });
    const Answer answer = answer_of(first.get(), 20);
    other.join();
    CHECK(status == SLUICE_OK);
    CHECK(answer == expected);
    CHECK(same_bits(logits_of(second.get()), expected.prefill));
}

TEST_CASE("session: a call while another one runs is answered BUSY") {
    Executor executor;
    const auto engine = make_engine(executor.options());
    const auto model = open_model(engine.get(), "moe");
    const auto cache = make_cache(model.get(), 64);
    const auto session = make_session(model.get(), 8, cache.get());
    std::vector<std::int32_t> statuses;
    executor.before = [&](std::uint32_t) {
        if (!statuses.empty()) return 0;
        std::thread other([&] {
            auto statistics = sized<sluice_statistics>();
            auto info = sized<sluice_kv_cache_info>();
            std::uint64_t needed = 0;
            statuses.push_back(feed(session.get(), some_ids(2)));
            statuses.push_back(next(session.get()).status);
            statuses.push_back(sluice_session_reset(session.get(), nullptr));
            statuses.push_back(sluice_session_configure(session.get(), nullptr, nullptr));
            statuses.push_back(sluice_session_logits(session.get(), nullptr, 0, &needed, nullptr));
            statuses.push_back(sluice_session_statistics(session.get(), &statistics, nullptr));
            statuses.push_back(sluice_session_trace(session.get(), 0, nullptr));
            statuses.push_back(sluice_kv_cache_describe(cache.get(), &info, nullptr));
            statuses.push_back(sluice_kv_cache_reset(cache.get(), nullptr));
        });
        other.join();
        return 0;
    };
    const Answer answer = answer_of(session.get(), 12);
    REQUIRE(statuses.size() == 9);
    for (const std::int32_t status : statuses) CHECK(status == SLUICE_E_BUSY);
    const auto alone = make_session(model.get(), 8);
    CHECK(answer_of(alone.get(), 12) == answer);
}

TEST_CASE("session: a cache belongs to one session at a time") {
    const auto engine = make_engine();
    const auto model = open_model(engine.get(), "tiny");
    const auto other_model = open_model(engine.get(), "tiny");
    const auto cache = make_cache(model.get(), 16);
    auto first = make_session(model.get(), 8, cache.get());
    sluice_session* none = nullptr;
    CHECK(sluice_session_create(model.get(), cache.get(), nullptr, &none, nullptr) == SLUICE_E_BUSY);
    CHECK(sluice_kv_cache_reset(cache.get(), nullptr) == SLUICE_E_BUSY);
    REQUIRE(feed(first.get(), some_ids(3)) == SLUICE_OK);
    first.reset();
    CHECK(sluice_session_create(other_model.get(), cache.get(), nullptr, &none, nullptr) ==
          SLUICE_E_INVALID_ARGUMENT);
    CHECK(none == nullptr);
    {
        const auto second = make_session(model.get(), 8, cache.get());
        REQUIRE(feed(second.get(), some_ids(2, 3)) == SLUICE_OK);
        CHECK(sluice_kv_cache_position(cache.get()) == 5);
        const auto twin = make_session(model.get(), 8);
        REQUIRE(feed(twin.get(), some_ids(3)) == SLUICE_OK);
        REQUIRE(feed(twin.get(), some_ids(2, 3)) == SLUICE_OK);
        CHECK(same_bits(logits_of(second.get()), logits_of(twin.get())));
    }
    CHECK(sluice_kv_cache_reset(cache.get(), nullptr) == SLUICE_OK);
    CHECK(sluice_kv_cache_position(cache.get()) == 0);
}

TEST_CASE("session: a feed that is cancelled anywhere leaves the conversation as it was") {
    Executor executor;
    const auto engine = make_engine(executor.options());
    const auto model = open_model(engine.get(), "moe");
    const auto cache = make_cache(model.get(), 64);
    const auto session = make_session(model.get(), 4, cache.get());
    REQUIRE(feed(session.get(), some_ids(5)) == SLUICE_OK);
    generate(session.get(), 2);
    const std::vector<float> before = logits_of(session.get());
    const std::int32_t chosen = generate(session.get(), 1).front();
    const std::uint64_t position = sluice_kv_cache_position(cache.get());

    std::uint32_t n_cancelled = 0;
    for (std::uint32_t at = 1;; at += 3) {
        const std::uint32_t start = executor.n_loops;
        executor.before = [&](std::uint32_t n_loops) {
            if (n_loops - start == at) std::thread([&] { sluice_session_cancel(session.get()); }).join();
            return 0;
        };
        sluice_error error = dirty_error();
        const std::int32_t status = feed(session.get(), some_ids(9, 3), &error);
        executor.before = nullptr;
        if (status == SLUICE_OK) break;
        CHECK(status == SLUICE_E_CANCELLED);
        CHECK(is_whole(error, status));
        CHECK(sluice_kv_cache_position(cache.get()) == position);
        ++n_cancelled;
    }
    CHECK(n_cancelled > 5);

    // As if no feed had been cancelled.
    const auto twin = make_session(model.get(), 0);
    REQUIRE(feed(twin.get(), some_ids(5)) == SLUICE_OK);
    generate(twin.get(), 2);
    CHECK(same_bits(logits_of(twin.get()), before));
    CHECK(generate(twin.get(), 1).front() == chosen);
    REQUIRE(feed(twin.get(), some_ids(9, 3)) == SLUICE_OK);
    CHECK(same_bits(logits_of(twin.get()), logits_of(session.get())));
    CHECK(generate(twin.get(), 6) == generate(session.get(), 6));
}

TEST_CASE("session: a cancelled next is an END and another one goes on") {
    Executor executor;
    const auto engine = make_engine(executor.options());
    const auto model = open_model(engine.get(), "moe");
    const auto session = make_session(model.get(), 8);
    const auto twin = make_session(model.get(), 8);
    REQUIRE(feed(session.get(), some_ids(5)) == SLUICE_OK);
    REQUIRE(feed(twin.get(), some_ids(5)) == SLUICE_OK);
    const std::vector<std::int32_t> expected = generate(twin.get(), 5);

    CHECK(generate(session.get(), 1).front() == expected[0]);
    const std::uint32_t start = executor.n_loops;
    executor.before = [&](std::uint32_t n_loops) {
        if (n_loops - start == 4) sluice_session_cancel(session.get());
        return 0;
    };
    for (int i = 0; i < 2; ++i) {
        const NextEvent found = next(session.get());
        CHECK(found.status == SLUICE_OK);
        CHECK(found.event.kind == SLUICE_EVENT_END);
        CHECK(found.event.reason == SLUICE_END_CANCELLED);
        executor.before = nullptr;
        if (i == 0) sluice_session_cancel(session.get());  // between two calls: it meets the next one
    }
    CHECK(generate(session.get(), 4) == std::vector<std::int32_t>(expected.begin() + 1, expected.end()));
}

TEST_CASE("session: a cancel before a feed ends that feed and no other") {
    const auto engine = make_engine();
    const auto model = open_model(engine.get(), "tiny");
    const auto session = make_session(model.get(), 8);
    sluice_session_cancel(session.get());
    CHECK(feed(session.get(), some_ids(3)) == SLUICE_E_CANCELLED);
    CHECK(next(session.get()).status == SLUICE_E_STATE);
    CHECK(feed(session.get(), some_ids(3)) == SLUICE_OK);
    sluice_session_cancel(session.get());
    CHECK(sluice_session_reset(session.get(), nullptr) == SLUICE_OK);
    CHECK(feed(session.get(), some_ids(3)) == SLUICE_OK);
}

TEST_CASE("session: a cancel that comes when generation has ended spares the next feed") {
    const auto engine = make_engine();
    const auto model = open_model(engine.get(), "tiny");
    auto options = sized<sluice_session_options>();
    options.max_tokens = 1;
    options.flags = SLUICE_SESSION_IGNORE_STOP_TOKENS;
    const sluice_sampling sampling = greedy();
    options.sampling = &sampling;
    const auto session = make_session(model.get(), options);
    REQUIRE(feed(session.get(), some_ids(3)) == SLUICE_OK);
    CHECK(generate(session.get(), 1).size() == 1);
    // A token that ends inside a character leaves bytes that come as text of their own before the end.
    NextEvent last = next(session.get());
    if (last.event.kind == SLUICE_EVENT_TEXT) last = next(session.get());
    CHECK(last.event.reason == SLUICE_END_MAX_TOKENS);
    sluice_session_cancel(session.get());
    CHECK(next(session.get()).event.reason == SLUICE_END_MAX_TOKENS);
    CHECK(feed(session.get(), some_ids(3)) == SLUICE_OK);
}

TEST_CASE("session: cancels from another thread at any time are harmless") {
    const auto engine = make_engine(2);
    const auto model = open_model(engine.get(), "tiny");
    const auto session = make_session(model.get(), 4);
    std::atomic<bool> is_over = false;
    std::thread other([&] {
        while (!is_over.load()) {
            sluice_session_cancel(session.get());
            std::this_thread::yield();
        }
    });
    for (int round = 0; round < 50; ++round) {
        std::int32_t status = feed(session.get(), some_ids(9, round));
        CHECK((status == SLUICE_OK || status == SLUICE_E_CANCELLED || status == SLUICE_E_CONTEXT_FULL));
        for (int i = 0; i < 4 && status == SLUICE_OK; ++i) CHECK(next(session.get()).status == SLUICE_OK);
        if (status == SLUICE_E_CONTEXT_FULL) {
            status = sluice_session_reset(session.get(), nullptr);
            CHECK(status == SLUICE_OK);
        }
    }
    is_over = true;
    other.join();
    CHECK(sluice_session_reset(session.get(), nullptr) == SLUICE_OK);
    CHECK(answer_of(session.get(), 12) == answer_of(make_session(model.get(), 4).get(), 12));
}

TEST_CASE("session: an executor that refuses fails the call and nothing else") {
    Executor executor;
    const auto engine = make_engine(executor.options());
    const auto model = open_model(engine.get(), "moe");
    const auto session = make_session(model.get(), 8);
    REQUIRE(feed(session.get(), some_ids(5)) == SLUICE_OK);
    const std::vector<float> before = logits_of(session.get());
    std::uint32_t start = executor.n_loops;
    executor.before = [&](std::uint32_t n_loops) { return n_loops - start == 7 ? 42 : 0; };
    sluice_error error = dirty_error();
    CHECK(feed(session.get(), some_ids(5, 2), &error) == SLUICE_E_CALLBACK_FAILED);
    CHECK(is_whole(error, SLUICE_E_CALLBACK_FAILED));
    CHECK(std::string(error.message).find("42") != std::string::npos);
    CHECK(same_bits(logits_of(session.get()), before));
    generate(session.get(), 1);
    start = executor.n_loops;
    CHECK(next(session.get()).status == SLUICE_E_CALLBACK_FAILED);
    executor.before = nullptr;

    const auto twin = make_session(model.get(), 8);
    REQUIRE(feed(twin.get(), some_ids(5)) == SLUICE_OK);
    generate(twin.get(), 1);
    CHECK(generate(twin.get(), 4) == generate(session.get(), 4));
}

TEST_CASE("session: an executor that runs tasks one after the other will do") {
    auto options = engine_options(4);
    options.executor = [](void*, sluice_task_fn task, void* context, std::uint32_t n_tasks) {
        for (std::uint32_t i = n_tasks; i > 0; --i) task(context, i - 1);
        return std::int32_t{0};
    };
    const auto engine = make_engine(options);
    const auto one = make_engine(1);
    CHECK(answer_of(engine.get(), "moe", 8, 12) == answer_of(one.get(), "moe", 8, 12));
}

TEST_CASE("router: counts add up to the tokens times the experts woken") {
    const auto engine = make_engine(2);
    const auto model = open_model(engine.get(), "moe");
    sluice_router* made = nullptr;
    REQUIRE(sluice_router_of_model(model.get(), &made, nullptr) == SLUICE_OK);
    const Handle<sluice_router> router(made);
    const auto session = make_session(model.get(), 7);
    REQUIRE(feed(session.get(), some_ids(30)) == SLUICE_OK);
    generate(session.get(), 5);

    auto info = sized<sluice_router_info>();
    REQUIRE(sluice_router_describe(made, &info, nullptr) == SLUICE_OK);
    CHECK(info.n_tokens == 34);  // the fifth token is not computed yet
    auto model_info = sized<sluice_model_info>();
    REQUIRE(sluice_model_describe(model.get(), &model_info, nullptr) == SLUICE_OK);
    const auto sum_of = [&](std::uint32_t layer) {
        std::vector<std::uint64_t> counts(info.n_experts);
        std::vector<double> weights(info.n_experts);
        std::uint64_t needed = 0;
        REQUIRE(sluice_router_counts(made, layer, counts.data(), weights.data(), info.n_experts, &needed,
                                     nullptr) == SLUICE_OK);
        CHECK(needed == info.n_experts);
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < counts.size(); ++i) {
            sum += counts[i];
            CHECK((counts[i] > 0) == (weights[i] > 0.0));
        }
        return sum;
    };
    for (std::uint32_t layer = 0; layer < info.n_layers; ++layer) {
        CHECK(sum_of(layer) == (layer < model_info.n_dense_layers ? 0 : info.n_tokens * info.n_experts_used));
    }
    std::uint64_t needed = 0;
    std::uint64_t count = 0;
    CHECK(sluice_router_counts(made, 2, &count, nullptr, 1, &needed, nullptr) == SLUICE_E_BUFFER_TOO_SMALL);
    REQUIRE(sluice_router_reset(made, nullptr) == SLUICE_OK);
    for (std::uint32_t layer = 0; layer < info.n_layers; ++layer) CHECK(sum_of(layer) == 0);

    const auto dense = open_model(engine.get(), "dense");
    sluice_router* none = made;
    CHECK(sluice_router_of_model(dense.get(), &none, nullptr) == SLUICE_E_NOT_FOUND);
    CHECK(none == nullptr);
}
