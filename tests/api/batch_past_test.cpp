// Batches and what a session does with its past.
#include "api/batch_steps.h"
#include "api/small_model.h"
#include "support/slow_build.h"

using namespace sluice_test;

namespace {

const char* const kKind = kIsSlowBuild ? "tiny" : "moe";

}  // namespace

TEST_CASE("batch: a session on a cache that remembers something goes on from there") {
    const auto engine = make_engine();
    const auto model = open_model(engine.get(), kKind);
    const auto cache = make_cache(model.get(), 64);
    std::vector<std::int32_t> expected;
    {
        const auto first = make_session(model.get(), 8, cache.get());
        REQUIRE(feed(first.get(), some_ids(9)) == SLUICE_OK);
        expected = generate(first.get(), 1);
    }
    const auto session = make_session(model.get(), 8, cache.get());
    const auto other = make_session(model.get(), 8);
    REQUIRE(queue(other.get(), some_ids(5, 3)) == SLUICE_OK);
    const auto batch = make_batch(model.get(), 2, 16);
    const auto events = step(batch.get(), {session.get(), other.get()});
    CHECK(events[0].event.kind == SLUICE_EVENT_TEXT);
    CHECK(events[0].event.token_id == expected[0]);
    CHECK(events[1].event.kind == SLUICE_EVENT_TEXT);
}

TEST_CASE("batch: a session goes back into a prompt that steps computed, and not while one is queued") {
    const auto engine = make_engine();
    const auto model = open_model(engine.get(), kKind);
    const auto ids = some_ids(30);
    const auto batch = make_batch(model.get(), 2, 7);
    const auto session = make_session(model.get(), 8);
    const auto other = make_session(model.get(), 8);
    REQUIRE(queue(session.get(), ids) == SLUICE_OK);
    REQUIRE(queue(other.get(), some_ids(30, 3)) == SLUICE_OK);
    REQUIRE(step(batch.get(), {session.get(), other.get()})[0].event.kind == SLUICE_EVENT_PROGRESS);
    CHECK(sluice_session_rewind(session.get(), 1, nullptr) == SLUICE_E_STATE);
    CHECK(sluice_session_prompt(session.get(), ids.data(), ids.size(), nullptr, nullptr) == SLUICE_E_STATE);
    const std::string path = "queued";
    CHECK(sluice_session_save(session.get(), path.data(), path.size(), nullptr) == SLUICE_E_STATE);
    CHECK(sluice_session_load(session.get(), path.data(), path.size(), nullptr) == SLUICE_E_STATE);
    while (step(batch.get(), {session.get(), other.get()})[0].event.kind == SLUICE_EVENT_PROGRESS) {
    }
    for (const std::size_t cut : {30u, 29u, 14u, 3u}) {
        const auto cold = make_session(model.get(), 8);
        REQUIRE(feed(cold.get(), {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(cut)}) == SLUICE_OK);
        REQUIRE(sluice_session_rewind(session.get(), cut, nullptr) == SLUICE_OK);
        INFO("back to " << cut);
        CHECK(same_bits(logits_of(session.get()), logits_of(cold.get())));
    }
}

TEST_CASE("batch: a cache without memory for another page fails its session, and no other") {
    const auto memory = [](std::uint64_t budget, bool is_tight) {
        auto options = engine_options();
        options.memory_budget = budget;
        const auto engine = make_engine(options);
        const auto model = open_model(engine.get(), "moe");
        const auto batch = make_batch(model.get(), 2, 16);
        const auto full = make_session(model.get(), 8);
        const auto other = make_session(model.get(), 8);
        REQUIRE(feed(full.get(), some_ids(250)) == SLUICE_OK);
        REQUIRE(feed(other.get(), some_ids(5)) == SLUICE_OK);
        const std::uint64_t used = memory_used(engine.get());
        const std::vector<float> before = logits_of(full.get());
        REQUIRE(queue(full.get(), some_ids(10)) == SLUICE_OK);
        const auto expected = generate(other.get(), 1);
        const auto events = step(batch.get(), {full.get(), other.get()});
        CHECK(events[0].status == (is_tight ? SLUICE_E_OUT_OF_MEMORY : SLUICE_OK));
        CHECK(events[1].event.kind == SLUICE_EVENT_TEXT);
        if (is_tight) {
            sluice_session_cancel(full.get());
            CHECK(step(batch.get(), {full.get()})[0].event.reason == SLUICE_END_CANCELLED);
            CHECK(same_bits(logits_of(full.get()), before));
        }
        return used;
    };
    memory(memory(0, false) + 4096, true);
}
