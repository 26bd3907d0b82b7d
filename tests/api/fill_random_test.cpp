// Caches in blocks, and caches whose history nobody computed, through the boundary.
#include <sluice/experimental.h>

#include "api/small_model.h"

using namespace sluice_test;

namespace {

Handle<sluice_kv_cache> cache_of(const Handle<sluice_model>& model, std::int32_t type, std::uint64_t capacity) {
    auto options = sized<sluice_kv_cache_options>();
    options.capacity = capacity;
    options.key_type = options.value_type = type;
    sluice_kv_cache* made = nullptr;
    REQUIRE(sluice_kv_cache_create(model.get(), &options, &made, nullptr) == SLUICE_OK);
    return Handle<sluice_kv_cache>(made);
}

}  // namespace

TEST_CASE("kv cache: a type that the model's heads cannot have is refused with their size") {
    const auto engine = make_engine();
    const auto model = open_model(engine.get(), "tiny");  // heads of 16
    for (const std::int32_t type : {SLUICE_KV_Q8_0, SLUICE_KV_Q4_0}) {
        auto options = sized<sluice_kv_cache_options>();
        options.key_type = type;
        sluice_kv_cache* made = nullptr;
        sluice_error error = {};
        CHECK(sluice_kv_cache_create(model.get(), &options, &made, &error) == SLUICE_E_UNSUPPORTED);
        CHECK(made == nullptr);
        CHECK(std::string(error.message).find("16") != std::string::npos);
        std::uint64_t size = 0;
        CHECK(sluice_kv_cache_size(model.get(), &options, &size, nullptr) == SLUICE_E_UNSUPPORTED);
    }
}

TEST_CASE("fill random: the history is there, and a session continues behind it") {
    const auto engine = make_engine(2);
    const auto model = open_model(engine.get(), "moe");
    for (const std::int32_t type : {SLUICE_KV_F16, SLUICE_KV_Q8_0, SLUICE_KV_Q4_0}) {
        const auto cache = cache_of(model, type, 400);
        REQUIRE(sluice_kv_cache_fill_random(cache.get(), 300, 1, nullptr) == SLUICE_OK);
        CHECK(sluice_kv_cache_position(cache.get()) == 300);
        const auto session = make_session(model.get(), 0, cache.get());
        REQUIRE(feed(session.get(), {20, 21, 22}) == SLUICE_OK);
        CHECK(sluice_kv_cache_position(cache.get()) == 303);
        const auto behind = logits_of(session.get());
        const auto empty = cache_of(model, type, 400);
        const auto alone = make_session(model.get(), 0, empty.get());
        REQUIRE(feed(alone.get(), {20, 21, 22}) == SLUICE_OK);
        CHECK(logits_of(alone.get()) != behind);
    }
}

TEST_CASE("fill random: what cannot be is refused and leaves the cache as it was") {
    const auto engine = make_engine();
    const auto model = open_model(engine.get(), "moe");
    const auto cache = cache_of(model, SLUICE_KV_Q8_0, 100);
    CHECK(sluice_kv_cache_fill_random(nullptr, 1, 1, nullptr) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(sluice_kv_cache_fill_random(cache.get(), 101, 1, nullptr) == SLUICE_E_CONTEXT_FULL);
    CHECK(sluice_kv_cache_fill_random(cache.get(), ~std::uint64_t{0}, 1, nullptr) == SLUICE_E_CONTEXT_FULL);
    CHECK(sluice_kv_cache_position(cache.get()) == 0);
    const auto session = make_session(model.get(), 0, cache.get());
    CHECK(sluice_kv_cache_fill_random(cache.get(), 1, 1, nullptr) == SLUICE_E_BUSY);
    CHECK(sluice_kv_cache_position(cache.get()) == 0);
}
