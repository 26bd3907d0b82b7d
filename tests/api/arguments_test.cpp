// Pointers that are NULL: each function of the C API answers INVALID_ARGUMENT and names what is missing.
#include <functional>

#include "api/small_model.h"

using namespace sluice_test;

namespace {

using Call = std::function<std::int32_t(sluice_error*)>;

// The record is filled, and the call does the same without one.
void check_refused(const char* what, const Call& call) {
    INFO(what);
    sluice_error error = dirty_error();
    CHECK(call(&error) == SLUICE_E_INVALID_ARGUMENT);
    INFO(error.message);
    CHECK(is_whole(error, SLUICE_E_INVALID_ARGUMENT));
    CHECK(call(nullptr) == SLUICE_E_INVALID_ARGUMENT);
}

struct Objects {
    Handle<sluice_engine> engine = make_engine();
    Handle<sluice_model> model = open_model(engine.get(), "tiny");
    Handle<sluice_session> session = make_session(model.get(), 8);
    Handle<sluice_kv_cache> cache = make_cache(model.get(), 8);
    Handle<sluice_tokenizer> tokenizer;
    Handle<sluice_router> router;

    Objects() {
        sluice_tokenizer* its_tokenizer = nullptr;
        REQUIRE(sluice_tokenizer_of_model(model.get(), &its_tokenizer, nullptr) == SLUICE_OK);
        tokenizer.reset(its_tokenizer);
        sluice_router* its_router = nullptr;
        REQUIRE(sluice_router_of_model(model.get(), &its_router, nullptr) == SLUICE_OK);
        router.reset(its_router);
    }
};

}  // namespace

TEST_CASE("api: engine and model functions refuse NULL") {
    Objects its;
    const sluice_source source = memory_source(model_bytes("tiny"));
    auto engine_info = sized<sluice_engine_info>();
    auto model_info = sized<sluice_model_info>();
    auto tensor_info = sized<sluice_tensor_info>();
    auto plan = sized<sluice_plan>();
    sluice_model* model = nullptr;
    std::uint64_t needed = 0;
    char text[8];
    sluice_engine* const engine = its.engine.get();
    sluice_model* const open = its.model.get();

    check_refused("engine_create, engine",
                  [](sluice_error* e) { return sluice_engine_create(nullptr, nullptr, e); });
    check_refused("engine_describe, engine",
                  [&](sluice_error* e) { return sluice_engine_describe(nullptr, &engine_info, e); });
    check_refused("engine_describe, info",
                  [&](sluice_error* e) { return sluice_engine_describe(engine, nullptr, e); });
    check_refused("model_open, engine",
                  [&](sluice_error* e) { return sluice_model_open(nullptr, &source, nullptr, &model, e); });
    check_refused("model_open, source",
                  [&](sluice_error* e) { return sluice_model_open(engine, nullptr, nullptr, &model, e); });
    check_refused("model_open, model",
                  [&](sluice_error* e) { return sluice_model_open(engine, &source, nullptr, nullptr, e); });
    check_refused("model_open_path, engine",
                  [&](sluice_error* e) { return sluice_model_open_path(nullptr, "x", 1, nullptr, &model, e); });
    check_refused("model_open_path, path", [&](sluice_error* e) {
        return sluice_model_open_path(engine, nullptr, 1, nullptr, &model, e);
    });
    check_refused("model_open_path, empty path", [&](sluice_error* e) {
        return sluice_model_open_path(engine, nullptr, 0, nullptr, &model, e);
    });
    check_refused("model_open_path, model",
                  [&](sluice_error* e) { return sluice_model_open_path(engine, "x", 1, nullptr, nullptr, e); });
    check_refused("model_describe, model",
                  [&](sluice_error* e) { return sluice_model_describe(nullptr, &model_info, e); });
    check_refused("model_describe, info",
                  [&](sluice_error* e) { return sluice_model_describe(open, nullptr, e); });
    check_refused("model_metadata, model",
                  [&](sluice_error* e) { return sluice_model_metadata(nullptr, "a", 1, text, 8, &needed, e); });
    check_refused("model_metadata, key", [&](sluice_error* e) {
        return sluice_model_metadata(open, nullptr, 1, text, 8, &needed, e);
    });
    check_refused("model_metadata, text", [&](sluice_error* e) {
        return sluice_model_metadata(open, "general.name", 12, nullptr, 8, &needed, e);
    });
    check_refused("model_metadata, nothing to fill", [&](sluice_error* e) {
        return sluice_model_metadata(open, "general.name", 12, nullptr, 0, nullptr, e);
    });
    check_refused("model_tensor, model",
                  [&](sluice_error* e) { return sluice_model_tensor(nullptr, 0, &tensor_info, e); });
    check_refused("model_tensor, info",
                  [&](sluice_error* e) { return sluice_model_tensor(open, 0, nullptr, e); });
    check_refused("model_plan, source",
                  [&](sluice_error* e) { return sluice_model_plan(nullptr, nullptr, &plan, e); });
    check_refused("model_plan, plan",
                  [&](sluice_error* e) { return sluice_model_plan(&source, nullptr, nullptr, e); });
}

TEST_CASE("api: tokenizer functions refuse NULL") {
    Objects its;
    const sluice_source source = memory_source(model_bytes("tiny"));
    auto info = sized<sluice_tokenizer_info>();
    sluice_tokenizer* made = nullptr;
    std::uint64_t needed = 0;
    std::int32_t ids[4] = {20, 21, 22, 23};
    char text[64];
    const sluice_tokenizer* const tokenizer = its.tokenizer.get();

    check_refused("of_model, model",
                  [&](sluice_error* e) { return sluice_tokenizer_of_model(nullptr, &made, e); });
    check_refused("of_model, tokenizer",
                  [&](sluice_error* e) { return sluice_tokenizer_of_model(its.model.get(), nullptr, e); });
    check_refused("open, engine",
                  [&](sluice_error* e) { return sluice_tokenizer_open(nullptr, &source, &made, e); });
    check_refused("open, source",
                  [&](sluice_error* e) { return sluice_tokenizer_open(its.engine.get(), nullptr, &made, e); });
    check_refused("open, tokenizer", [&](sluice_error* e) {
        return sluice_tokenizer_open(its.engine.get(), &source, nullptr, e);
    });
    check_refused("describe, tokenizer",
                  [&](sluice_error* e) { return sluice_tokenizer_describe(nullptr, &info, e); });
    check_refused("describe, info",
                  [&](sluice_error* e) { return sluice_tokenizer_describe(tokenizer, nullptr, e); });
    check_refused("encode, tokenizer", [&](sluice_error* e) {
        return sluice_tokenizer_encode(nullptr, "a", 1, 0, ids, 4, &needed, e);
    });
    check_refused("encode, text", [&](sluice_error* e) {
        return sluice_tokenizer_encode(tokenizer, nullptr, 1, 0, ids, 4, &needed, e);
    });
    check_refused("encode, ids", [&](sluice_error* e) {
        return sluice_tokenizer_encode(tokenizer, "a", 1, 0, nullptr, 4, &needed, e);
    });
    check_refused("encode, nothing to fill", [&](sluice_error* e) {
        return sluice_tokenizer_encode(tokenizer, "a", 1, 0, nullptr, 0, nullptr, e);
    });
    check_refused("decode, tokenizer", [&](sluice_error* e) {
        return sluice_tokenizer_decode(nullptr, ids, 4, 0, text, 64, &needed, e);
    });
    check_refused("decode, ids", [&](sluice_error* e) {
        return sluice_tokenizer_decode(tokenizer, nullptr, 4, 0, text, 64, &needed, e);
    });
    check_refused("decode, text", [&](sluice_error* e) {
        return sluice_tokenizer_decode(tokenizer, ids, 4, 0, nullptr, 64, &needed, e);
    });
    check_refused("decode, nothing to fill", [&](sluice_error* e) {
        return sluice_tokenizer_decode(tokenizer, ids, 4, 0, nullptr, 0, nullptr, e);
    });
    check_refused("token_bytes, tokenizer", [&](sluice_error* e) {
        return sluice_tokenizer_token_bytes(nullptr, 20, text, 64, &needed, e);
    });
    check_refused("token_bytes, bytes", [&](sluice_error* e) {
        return sluice_tokenizer_token_bytes(tokenizer, 20, nullptr, 64, &needed, e);
    });
    check_refused("token_bytes, nothing to fill", [&](sluice_error* e) {
        return sluice_tokenizer_token_bytes(tokenizer, 20, nullptr, 0, nullptr, e);
    });
    check_refused("find, tokenizer",
                  [&](sluice_error* e) { return sluice_tokenizer_find(nullptr, "a", 1, ids, e); });
    check_refused("find, token",
                  [&](sluice_error* e) { return sluice_tokenizer_find(tokenizer, nullptr, 1, ids, e); });
    check_refused("find, id",
                  [&](sluice_error* e) { return sluice_tokenizer_find(tokenizer, "a", 1, nullptr, e); });
    CHECK(sluice_tokenizer_is_special(nullptr, 0) == 0);
}

TEST_CASE("api: cache and router functions refuse NULL") {
    Objects its;
    auto cache_info = sized<sluice_kv_cache_info>();
    auto router_info = sized<sluice_router_info>();
    sluice_kv_cache* cache = nullptr;
    sluice_router* router = nullptr;
    std::uint64_t size = 0;
    sluice_model* const model = its.model.get();

    check_refused("cache_create, model",
                  [&](sluice_error* e) { return sluice_kv_cache_create(nullptr, nullptr, &cache, e); });
    check_refused("cache_create, cache",
                  [&](sluice_error* e) { return sluice_kv_cache_create(model, nullptr, nullptr, e); });
    check_refused("cache_size, model",
                  [&](sluice_error* e) { return sluice_kv_cache_size(nullptr, nullptr, &size, e); });
    check_refused("cache_size, size",
                  [&](sluice_error* e) { return sluice_kv_cache_size(model, nullptr, nullptr, e); });
    check_refused("cache_describe, cache",
                  [&](sluice_error* e) { return sluice_kv_cache_describe(nullptr, &cache_info, e); });
    check_refused("cache_describe, info",
                  [&](sluice_error* e) { return sluice_kv_cache_describe(its.cache.get(), nullptr, e); });
    check_refused("cache_reset, cache", [&](sluice_error* e) { return sluice_kv_cache_reset(nullptr, e); });
    CHECK(sluice_kv_cache_position(nullptr) == 0);

    check_refused("router_of_model, model",
                  [&](sluice_error* e) { return sluice_router_of_model(nullptr, &router, e); });
    check_refused("router_of_model, router",
                  [&](sluice_error* e) { return sluice_router_of_model(model, nullptr, e); });
    check_refused("router_describe, router",
                  [&](sluice_error* e) { return sluice_router_describe(nullptr, &router_info, e); });
    check_refused("router_describe, info",
                  [&](sluice_error* e) { return sluice_router_describe(its.router.get(), nullptr, e); });
    check_refused("router_counts, router", [&](sluice_error* e) {
        return sluice_router_counts(nullptr, 0, nullptr, nullptr, 0, &size, e);
    });
    check_refused("router_counts, nothing to fill", [&](sluice_error* e) {
        return sluice_router_counts(its.router.get(), 0, nullptr, nullptr, 0, nullptr, e);
    });
    check_refused("router_counts, layer", [&](sluice_error* e) {
        return sluice_router_counts(its.router.get(), 3, nullptr, nullptr, 0, &size, e);
    });
    check_refused("router_reset, router", [&](sluice_error* e) { return sluice_router_reset(nullptr, e); });
}

TEST_CASE("api: session functions refuse NULL") {
    Objects its;
    auto sampling = sized<sluice_sampling>();
    auto statistics = sized<sluice_statistics>();
    auto event = sized<sluice_event>();
    sluice_session* made = nullptr;
    std::uint64_t needed = 0;
    std::int32_t ids[4] = {20, 21, 22, 23};
    float numbers[4];
    sluice_session* const session = its.session.get();

    check_refused("create, model",
                  [&](sluice_error* e) { return sluice_session_create(nullptr, nullptr, nullptr, &made, e); });
    check_refused("create, session", [&](sluice_error* e) {
        return sluice_session_create(its.model.get(), nullptr, nullptr, nullptr, e);
    });
    check_refused("recommended_sampling, model",
                  [&](sluice_error* e) { return sluice_session_recommended_sampling(nullptr, &sampling, e); });
    check_refused("recommended_sampling, sampling", [&](sluice_error* e) {
        return sluice_session_recommended_sampling(its.model.get(), nullptr, e);
    });
    check_refused("feed, session", [&](sluice_error* e) { return sluice_session_feed(nullptr, ids, 4, e); });
    check_refused("feed, ids", [&](sluice_error* e) { return sluice_session_feed(session, nullptr, 4, e); });
    check_refused("feed, no ids", [&](sluice_error* e) { return sluice_session_feed(session, nullptr, 0, e); });
    check_refused("feed_text, session",
                  [&](sluice_error* e) { return sluice_session_feed_text(nullptr, "a", 1, 0, e); });
    check_refused("feed_text, text",
                  [&](sluice_error* e) { return sluice_session_feed_text(session, nullptr, 1, 0, e); });
    check_refused("feed_text, no text",
                  [&](sluice_error* e) { return sluice_session_feed_text(session, nullptr, 0, 0, e); });

    REQUIRE(sluice_session_feed(session, ids, 4, nullptr) == SLUICE_OK);
    check_refused("next, session", [&](sluice_error* e) { return sluice_session_next(nullptr, &event, e); });
    check_refused("next, event", [&](sluice_error* e) { return sluice_session_next(session, nullptr, e); });
    check_refused("reset, session", [&](sluice_error* e) { return sluice_session_reset(nullptr, e); });
    check_refused("configure, session",
                  [&](sluice_error* e) { return sluice_session_configure(nullptr, nullptr, e); });
    check_refused("logits, session",
                  [&](sluice_error* e) { return sluice_session_logits(nullptr, numbers, 4, &needed, e); });
    check_refused("logits, logits",
                  [&](sluice_error* e) { return sluice_session_logits(session, nullptr, 4, &needed, e); });
    check_refused("logits, nothing to fill",
                  [&](sluice_error* e) { return sluice_session_logits(session, nullptr, 0, nullptr, e); });
    check_refused("top, session", [&](sluice_error* e) {
        return sluice_session_top_log_probabilities(nullptr, ids, numbers, 4, &needed, e);
    });
    check_refused("statistics, session",
                  [&](sluice_error* e) { return sluice_session_statistics(nullptr, &statistics, e); });
    check_refused("statistics, statistics",
                  [&](sluice_error* e) { return sluice_session_statistics(session, nullptr, e); });
    sluice_session_cancel(nullptr);
}

TEST_CASE("api: experimental functions refuse NULL") {
    Objects its;
    std::uint64_t needed = 0;
    std::int32_t ids[4];
    float numbers[4];
    sluice_session* const session = its.session.get();
    REQUIRE(sluice_session_trace(session, SLUICE_TRACE_LOGITS | SLUICE_TRACE_HIDDEN | SLUICE_TRACE_EXPERTS,
                                 nullptr) == SLUICE_OK);
    REQUIRE(feed(session, {20, 21}) == SLUICE_OK);

    check_refused("trace, session", [&](sluice_error* e) { return sluice_session_trace(nullptr, 0, e); });
    check_refused("logits, session", [&](sluice_error* e) {
        return sluice_session_traced_logits(nullptr, numbers, 4, &needed, e);
    });
    check_refused("logits, nothing to fill", [&](sluice_error* e) {
        return sluice_session_traced_logits(session, nullptr, 0, nullptr, e);
    });
    check_refused("hidden, session", [&](sluice_error* e) {
        return sluice_session_traced_hidden(nullptr, 0, numbers, 4, &needed, e);
    });
    check_refused("hidden, layer", [&](sluice_error* e) {
        return sluice_session_traced_hidden(session, 4, numbers, 4, &needed, e);
    });
    check_refused("hidden, nothing to fill", [&](sluice_error* e) {
        return sluice_session_traced_hidden(session, 0, nullptr, 0, nullptr, e);
    });
    check_refused("experts, session", [&](sluice_error* e) {
        return sluice_session_traced_experts(nullptr, 1, ids, numbers, 4, &needed, e);
    });
    check_refused("experts, layer", [&](sluice_error* e) {
        return sluice_session_traced_experts(session, 3, ids, numbers, 4, &needed, e);
    });
    check_refused("random_model_write, path",
                  [](sluice_error* e) { return sluice_random_model_write(nullptr, 4, "moe", 3, 1, e); });
    check_refused("random_model_write, kind",
                  [](sluice_error* e) { return sluice_random_model_write("x", 1, nullptr, 3, 1, e); });
    check_refused("random_model_write, unknown kind",
                  [](sluice_error* e) { return sluice_random_model_write("x", 1, "huge", 4, 1, e); });

    sluice_engine* const engine = its.engine.get();
    const sluice_source source = memory_source(model_bytes("tiny"));
    check_refused("quantise, engine",
                  [&](sluice_error* e) { return sluice_quantise(nullptr, &source, "x", 1, nullptr, e); });
    check_refused("quantise, source",
                  [&](sluice_error* e) { return sluice_quantise(engine, nullptr, "x", 1, nullptr, e); });
    check_refused("quantise, path",
                  [&](sluice_error* e) { return sluice_quantise(engine, &source, nullptr, 1, nullptr, e); });
    check_refused("quantise, empty path",
                  [&](sluice_error* e) { return sluice_quantise(engine, &source, "x", 0, nullptr, e); });
    auto options = sized<sluice_quantise_options>();
    options.type_size = 4;
    check_refused("quantise, type",
                  [&](sluice_error* e) { return sluice_quantise(engine, &source, "x", 1, &options, e); });
    options.type = "Q9_9";
    check_refused("quantise, unknown type",
                  [&](sluice_error* e) { return sluice_quantise(engine, &source, "x", 1, &options, e); });
    check_refused("importance_write, model", [&](sluice_error* e) {
        return sluice_importance_write(nullptr, ids, 4, "x", 1, nullptr, e);
    });
    sluice_model* const model = its.model.get();
    check_refused("importance_write, ids", [&](sluice_error* e) {
        return sluice_importance_write(model, nullptr, 4, "x", 1, nullptr, e);
    });
    check_refused("importance_write, no ids",
                  [&](sluice_error* e) { return sluice_importance_write(model, ids, 0, "x", 1, nullptr, e); });
    ids[0] = 20;
    check_refused("importance_write, path", [&](sluice_error* e) {
        return sluice_importance_write(model, ids, 1, nullptr, 1, nullptr, e);
    });
}

TEST_CASE("api: output parser functions refuse NULL") {
    sluice_output_parser* parser = nullptr;
    REQUIRE(sluice_output_parser_create(nullptr, &parser, nullptr) == SLUICE_OK);
    const Handle<sluice_output_parser> its(parser);
    auto event = sized<sluice_output_event>();
    check_refused("create, parser",
                  [](sluice_error* e) { return sluice_output_parser_create(nullptr, nullptr, e); });
    auto options = sized<sluice_output_parser_options>();
    options.tools_size = 2;
    sluice_output_parser* none = parser;
    check_refused("create, tools",
                  [&](sluice_error* e) { return sluice_output_parser_create(&options, &none, e); });
    CHECK(none == nullptr);
    check_refused("push, parser",
                  [](sluice_error* e) { return sluice_output_parser_push(nullptr, "x", 1, e); });
    check_refused("push, bytes",
                  [&](sluice_error* e) { return sluice_output_parser_push(parser, nullptr, 1, e); });
    CHECK(sluice_output_parser_push(parser, nullptr, 0, nullptr) == SLUICE_OK);
    check_refused("finish, parser", [](sluice_error* e) { return sluice_output_parser_finish(nullptr, e); });
    check_refused("next, parser",
                  [&](sluice_error* e) { return sluice_output_parser_next(nullptr, &event, e); });
    check_refused("next, event",
                  [&](sluice_error* e) { return sluice_output_parser_next(parser, nullptr, e); });
}

TEST_CASE("api: destroy accepts NULL") {
    sluice_engine_destroy(nullptr);
    sluice_model_close(nullptr);
    sluice_tokenizer_destroy(nullptr);
    sluice_kv_cache_destroy(nullptr);
    sluice_router_destroy(nullptr);
    sluice_session_destroy(nullptr);
    sluice_output_parser_destroy(nullptr);
    SUCCEED();
}
