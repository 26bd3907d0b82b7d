// Who lives how long: handles in any order, callbacks told exactly once, memory given back, nothing taken
// while generating.
#include <cstdlib>
#include <cstring>

#include "api/small_model.h"
#include "support/counted_allocations.h"

using namespace sluice_test;

namespace {

struct Told {
    int n_log_destroyed = 0;
    int n_executor_destroyed = 0;
    int n_lines = 0;

    static void destroy_log(void* user) { ++static_cast<Told*>(user)->n_log_destroyed; }
    static void destroy_executor(void* user) { ++static_cast<Told*>(user)->n_executor_destroyed; }
    static void log(void* user, std::int32_t, const char* text, std::uint64_t size) {
        CHECK(text != nullptr);
        CHECK(size > 0);
        ++static_cast<Told*>(user)->n_lines;
    }
    static std::int32_t run(void*, sluice_task_fn task, void* context, std::uint32_t n_tasks) {
        for (std::uint32_t i = 0; i < n_tasks; ++i) task(context, i);
        return 0;
    }

    sluice_engine_options options() {
        sluice_engine_options options = engine_options(2);
        options.log_level = SLUICE_LOG_DEBUG;
        options.log = log;
        options.log_user = this;
        options.log_destroy = destroy_log;
        options.executor = run;
        options.executor_user = this;
        options.executor_destroy = destroy_executor;
        return options;
    }
};

std::string kernels_of(const sluice_engine* engine) {
    auto info = sized<sluice_engine_info>();
    REQUIRE(sluice_engine_describe(engine, &info, nullptr) == SLUICE_OK);
    return info.kernels;
}

}  // namespace

TEST_CASE("api: objects work on when what they were made from is let go first") {
    Told told;
    {
        auto engine = make_engine(told.options());
        auto model = open_model(engine.get(), "tiny");
        auto cache = make_cache(model.get(), 32);
        const auto session = make_session(model.get(), 8, cache.get());
        sluice_tokenizer* made_tokenizer = nullptr;
        REQUIRE(sluice_tokenizer_of_model(model.get(), &made_tokenizer, nullptr) == SLUICE_OK);
        const Handle<sluice_tokenizer> tokenizer(made_tokenizer);
        sluice_router* made_router = nullptr;
        REQUIRE(sluice_router_of_model(model.get(), &made_router, nullptr) == SLUICE_OK);
        const Handle<sluice_router> router(made_router);
        engine.reset();
        CHECK(told.n_log_destroyed == 0);
        model.reset();
        cache.reset();
        REQUIRE(feed(session.get(), some_ids(5)) == SLUICE_OK);
        CHECK(generate(session.get(), 4).size() == 4);
        auto info = sized<sluice_router_info>();
        CHECK(sluice_router_describe(router.get(), &info, nullptr) == SLUICE_OK);
        CHECK(info.n_tokens == 8);
        std::uint64_t needed = 0;
        CHECK(sluice_tokenizer_encode(tokenizer.get(), "abc", 3, 0, nullptr, 0, &needed, nullptr) == SLUICE_OK);
        CHECK(needed > 0);
        CHECK(told.n_executor_destroyed == 0);
    }
    CHECK(told.n_log_destroyed == 1);
    CHECK(told.n_executor_destroyed == 1);
    CHECK(told.n_lines > 0);
}

TEST_CASE("engine: callbacks are destroyed once also when creating fails") {
    const auto check = [](const char* what, auto&& change, std::int32_t expected) {
        INFO(what);
        Told told;
        sluice_engine_options options = told.options();
        change(options);
        sluice_engine* engine = reinterpret_cast<sluice_engine*>(&told);
        CHECK(sluice_engine_create(&options, &engine, nullptr) == expected);
        CHECK(engine == nullptr);
        CHECK(told.n_log_destroyed == 1);
        CHECK(told.n_executor_destroyed == 1);
    };
    check(
        "too many threads", [](auto& o) { o.n_threads = 257; }, SLUICE_E_INVALID_ARGUMENT);
    check(
        "no such level", [](auto& o) { o.log_level = 6; }, SLUICE_E_INVALID_ARGUMENT);
    check(
        "a negative level", [](auto& o) { o.log_level = -1; }, SLUICE_E_INVALID_ARGUMENT);
    check(
        "a reserved field", [](auto& o) { o.reserved[1] = 1; }, SLUICE_E_UNSUPPORTED);
    check(
        "kernels that are NULL", [](auto& o) { o.kernels_size = 3; }, SLUICE_E_INVALID_ARGUMENT);
    check(
        "kernels that there are not", [](auto& o) { o.kernels = "abacus", o.kernels_size = 6; },
        SLUICE_E_NOT_FOUND);

    Told told;
    sluice_engine_options options = told.options();
    CHECK(sluice_engine_create(&options, nullptr, nullptr) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(told.n_log_destroyed == 1);
    CHECK(told.n_executor_destroyed == 1);
}

TEST_CASE("engine: a user pointer without its callback is destroyed all the same") {
    Told told;
    sluice_engine_options options = told.options();
    options.log = nullptr;
    options.executor = nullptr;
    make_engine(options);
    CHECK(told.n_log_destroyed == 1);
    CHECK(told.n_executor_destroyed == 1);
}

TEST_CASE("engine: the number of threads is as asked for") {
    const auto n_threads_of = [](std::uint32_t n_threads) {
        const auto engine = make_engine(n_threads);
        auto info = sized<sluice_engine_info>();
        REQUIRE(sluice_engine_describe(engine.get(), &info, nullptr) == SLUICE_OK);
        return info.n_threads;
    };
    CHECK(n_threads_of(1) == 1);
    CHECK(n_threads_of(3) == 3);
    CHECK(n_threads_of(0) >= 1);
    const sluice_engine_options options = engine_options(257);
    sluice_engine* none = nullptr;
    CHECK(sluice_engine_create(&options, &none, nullptr) == SLUICE_E_INVALID_ARGUMENT);
}

TEST_CASE("engine: SLUICE_KERNELS chooses the kernels unless the caller does") {
    const char* before = std::getenv("SLUICE_KERNELS");
    const std::string saved = before == nullptr ? "" : before;
    REQUIRE(::setenv("SLUICE_KERNELS", "reference", 1) == 0);
    CHECK(kernels_of(make_engine().get()) == "reference");
    sluice_engine_options options = engine_options();
    options.kernels = "scalar";
    options.kernels_size = 6;
    CHECK(kernels_of(make_engine(options).get()) == "scalar");
    REQUIRE(::setenv("SLUICE_KERNELS", "abacus", 1) == 0);
    sluice_engine* none = nullptr;
    sluice_error error = dirty_error();
    CHECK(sluice_engine_create(nullptr, &none, &error) == SLUICE_E_NOT_FOUND);
    CHECK(is_whole(error, SLUICE_E_NOT_FOUND));
    CHECK(std::strstr(error.message, "scalar, reference") != nullptr);
    CHECK(std::string(error.message).find("abacus") != std::string::npos);
    REQUIRE((before == nullptr ? ::unsetenv("SLUICE_KERNELS") : ::setenv("SLUICE_KERNELS", saved.c_str(), 1)) ==
            0);
}

TEST_CASE("engine: two of them do not know of each other") {
    sluice_engine_options options = engine_options();
    options.memory_budget = 1u << 30;
    const auto first = make_engine(options);
    const auto second = make_engine(2);
    const auto model = open_model(first.get(), "tiny");
    const std::uint64_t used = memory_used(first.get());
    CHECK(memory_used(second.get()) == 0);
    const auto other = open_model(second.get(), "tiny");
    const auto session = make_session(other.get(), 8);
    CHECK(memory_used(first.get()) == used);
    sluice_kv_cache* made = nullptr;
    REQUIRE(sluice_kv_cache_create(model.get(), nullptr, &made, nullptr) == SLUICE_OK);
    const Handle<sluice_kv_cache> cache(made);
    sluice_session* none = nullptr;
    CHECK(sluice_session_create(other.get(), cache.get(), nullptr, &none, nullptr) ==
          SLUICE_E_INVALID_ARGUMENT);
}

TEST_CASE("engine: all memory that was charged is given back") {
    const auto engine = make_engine(2);
    const std::uint64_t before = memory_used(engine.get());
    {
        const auto model = open_model(engine.get(), "moe", SLUICE_MODEL_READ);
        const std::uint64_t with_model = memory_used(engine.get());
        CHECK(with_model >= model_bytes("moe").size() / 2);
        const auto session = make_session(model.get(), 8);
        CHECK(memory_used(engine.get()) > with_model);
        REQUIRE(feed(session.get(), some_ids(5)) == SLUICE_OK);
        generate(session.get(), 3);
    }
    CHECK(memory_used(engine.get()) == before);
    CHECK(before == 0);
}

TEST_CASE("engine: a budget refuses before memory is taken and the plan tells what is enough") {
    const sluice_source source = memory_source(model_bytes("moe"));
    auto plan_options = sized<sluice_plan_options>();
    plan_options.chunk_size = 8;
    plan_options.context_size = 64;
    plan_options.n_threads = 1;
    plan_options.flags = SLUICE_MODEL_READ;
    auto plan = sized<sluice_plan>();
    REQUIRE(sluice_model_plan(&source, &plan_options, &plan, nullptr) == SLUICE_OK);
    CHECK(plan.total == plan.mapped_weights + plan.model_memory + plan.cache_memory + plan.session_memory);

    const auto run = [&](std::uint64_t budget, std::uint64_t& used) {
        sluice_engine_options options = engine_options();
        options.memory_budget = budget;
        const auto engine = make_engine(options);
        auto model_options = sized<sluice_model_options>();
        model_options.flags = SLUICE_MODEL_READ;
        auto cache_options = sized<sluice_kv_cache_options>();
        cache_options.capacity = 64;
        auto session_options = sized<sluice_session_options>();
        session_options.chunk_size = 8;
        sluice_model* model = nullptr;
        sluice_kv_cache* cache = nullptr;
        sluice_session* session = nullptr;
        sluice_error error = dirty_error();
        std::int32_t status = sluice_model_open(engine.get(), &source, &model_options, &model, &error);
        if (status == SLUICE_OK) status = sluice_kv_cache_create(model, &cache_options, &cache, &error);
        if (status == SLUICE_OK)
            status = sluice_session_create(model, cache, &session_options, &session, &error);
        CHECK(is_whole(error, status));
        CHECK((session != nullptr) == (status == SLUICE_OK));
        used = memory_used(engine.get());
        CHECK((budget == 0 || used <= budget));
        sluice_session_destroy(session);
        sluice_kv_cache_destroy(cache);
        sluice_model_close(model);
        CHECK(memory_used(engine.get()) == 0);
        return status;
    };
    std::uint64_t all = 0;
    REQUIRE(run(0, all) == SLUICE_OK);
    CHECK(all > 0);
    std::uint64_t used = 0;
    CHECK(run(plan.total, used) == SLUICE_OK);
    CHECK(run(all, used) == SLUICE_OK);
    CHECK(used == all);
    for (std::uint64_t budget = 1; budget < all; budget += all / 7) {
        CHECK(run(budget, used) == SLUICE_E_OUT_OF_MEMORY);
    }
    CHECK(run(all - 1, used) == SLUICE_E_OUT_OF_MEMORY);
}

TEST_CASE("session: generating takes nothing from the heap") {
    const auto engine = make_engine(2);
    for (const std::string kind : {"moe", "dense"}) {
        INFO(kind);
        const auto model = open_model(engine.get(), kind);
        const std::string stop = "never said";
        const sluice_text strings[] = {{stop.size(), stop.data()}};
        auto sampling = sized<sluice_sampling>();
        sampling.seed = 3;
        sampling.mode = SLUICE_SAMPLING_PLAIN;
        sampling.temperature = 0.8F;
        sampling.top_k = 40;
        sampling.top_p = 0.95F;
        sampling.min_p = 0.01F;
        sampling.repetition_penalty = 1.1F;
        sampling.frequency_penalty = 0.1F;
        sampling.dry_multiplier = 0.5F;
        auto options = sized<sluice_session_options>();
        options.flags = SLUICE_SESSION_IGNORE_STOP_TOKENS;
        options.chunk_size = 16;
        options.n_top_log_probabilities = 8;
        options.sampling = &sampling;
        options.stop_strings = strings;
        options.n_stop_strings = 1;
        const auto session = make_session(model.get(), options);
        REQUIRE(feed(session.get(), some_ids(20)) == SLUICE_OK);
        auto event = sized<sluice_event>();
        std::uint64_t n_events = 0;
        const std::uint64_t before = n_allocations();
        for (int i = 0; i < 100; ++i)
            n_events += sluice_session_next(session.get(), &event, nullptr) == SLUICE_OK;
        const std::uint64_t after = n_allocations();
        CHECK(n_events == 100);
        CHECK(after == before);
    }
}

TEST_CASE("api: out parameters are NULL after a failure") {
    const auto engine = make_engine();
    const auto model = open_model(engine.get(), "tiny");
    int thing = 0;
    const std::vector<std::byte> nothing(3);
    const sluice_source source = memory_source(nothing);
    const auto wrong = [](auto options) {
        options.struct_size = 4;
        return options;
    };
    const auto wrong_engine = wrong(sized<sluice_engine_options>());
    const auto wrong_cache = wrong(sized<sluice_kv_cache_options>());
    const auto wrong_session = wrong(sized<sluice_session_options>());
    auto* no_engine = reinterpret_cast<sluice_engine*>(&thing);
    auto* no_model = reinterpret_cast<sluice_model*>(&thing);
    auto* no_tokenizer = reinterpret_cast<sluice_tokenizer*>(&thing);
    auto* no_cache = reinterpret_cast<sluice_kv_cache*>(&thing);
    auto* no_session = reinterpret_cast<sluice_session*>(&thing);
    auto* no_router = reinterpret_cast<sluice_router*>(&thing);
    CHECK(sluice_engine_create(&wrong_engine, &no_engine, nullptr) < 0);
    CHECK(sluice_model_open(engine.get(), &source, nullptr, &no_model, nullptr) < 0);
    CHECK(sluice_tokenizer_open(engine.get(), &source, &no_tokenizer, nullptr) < 0);
    CHECK(sluice_kv_cache_create(model.get(), &wrong_cache, &no_cache, nullptr) < 0);
    CHECK(sluice_session_create(model.get(), nullptr, &wrong_session, &no_session, nullptr) < 0);
    CHECK(sluice_router_of_model(nullptr, &no_router, nullptr) < 0);
    CHECK(no_engine == nullptr);
    CHECK(no_model == nullptr);
    CHECK(no_tokenizer == nullptr);
    CHECK(no_cache == nullptr);
    CHECK(no_session == nullptr);
    CHECK(no_router == nullptr);
}
