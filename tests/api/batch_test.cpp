// What steps, queues and cancels do, and what is refused.
#include <functional>

#include "api/batch_steps.h"
#include "api/small_model.h"
#include "support/counted_allocations.h"
#include "support/slow_build.h"

using namespace sluice_test;

namespace {

const char* const kKind = kIsSlowBuild ? "tiny" : "moe";

// Some sessions that generate, and what they generate alone.
struct Generating {
    explicit Generating(sluice_model* model, std::size_t n, std::size_t n_tokens) {
        for (std::size_t i = 0; i < n; ++i) {
            const auto ids = some_ids(3 + i, static_cast<std::int32_t>(7 * i));
            const auto twin = make_session(model, 8);
            REQUIRE(feed(twin.get(), ids) == SLUICE_OK);
            expected.push_back(generate(twin.get(), n_tokens));
            sessions.push_back(make_session(model, 8));
            REQUIRE(feed(sessions.back().get(), ids) == SLUICE_OK);
        }
    }
    std::vector<Handle<sluice_session>> sessions;
    std::vector<std::vector<std::int32_t>> expected;
};

}  // namespace

TEST_CASE("batch: prompts share a step equally while every session that generates gets its token") {
    const auto engine = make_engine();
    const auto model = open_model(engine.get(), kKind);
    const auto batch = make_batch(model.get(), 3, 9);
    const auto writer = make_session(model.get(), 8);
    REQUIRE(feed(writer.get(), some_ids(4)) == SLUICE_OK);
    generate(writer.get(), 1);
    const auto longest = make_session(model.get(), 8);
    const auto shorter = make_session(model.get(), 8);
    REQUIRE(queue(longest.get(), some_ids(100)) == SLUICE_OK);
    REQUIRE(queue(shorter.get(), some_ids(10)) == SLUICE_OK);
    std::uint64_t done = 0;
    for (int n_step = 0; n_step < 4; ++n_step) {
        const auto events = step(batch.get(), {longest.get(), writer.get(), shorter.get()});
        CHECK(events[1].event.kind == SLUICE_EVENT_TEXT);
        REQUIRE(events[0].event.kind == SLUICE_EVENT_PROGRESS);
        // A token is generated in each step; four of eight are the shorter's, until it has two left, then
        // generates.
        const std::uint64_t expected[] = {4, 8, 8 + 6, 8 + 6 + 7};
        done = events[0].event.prompt_done;
        CHECK(done == expected[n_step]);
        CHECK(events[0].event.prompt_to_go == 100 - done);
        CHECK(events[2].event.kind == (n_step < 2 ? SLUICE_EVENT_PROGRESS : SLUICE_EVENT_TEXT));
    }
}

TEST_CASE("batch: a cancel ends one session's step and takes its queued prompt back, the others go on") {
    const auto engine = make_engine(2);
    const auto model = open_model(engine.get(), kKind);
    Generating its(model.get(), 3, 6);
    const auto batch = make_batch(model.get(), 4, 4);
    sluice_session* const writing = its.sessions[1].get();
    const auto reading = make_session(model.get(), 8);
    REQUIRE(feed(reading.get(), some_ids(5)) == SLUICE_OK);
    const std::vector<float> before = logits_of(reading.get());
    REQUIRE(queue(reading.get(), some_ids(9, 3)) == SLUICE_OK);
    std::vector<std::vector<std::int32_t>> found(3);
    for (int n_step = 0; n_step < 7; ++n_step) {
        if (n_step == 3) sluice_session_cancel(writing);
        if (n_step == 2) sluice_session_cancel(reading.get());
        std::vector<sluice_session*> sessions;
        for (const auto& session : its.sessions) sessions.push_back(session.get());
        if (n_step < 3) sessions.push_back(reading.get());
        const auto events = step(batch.get(), sessions);
        for (std::size_t i = 0; i < 3; ++i) {
            if (i == 1 && n_step == 3) {
                CHECK(events[i].event.kind == SLUICE_EVENT_END);
                CHECK(events[i].event.reason == SLUICE_END_CANCELLED);
            } else {
                REQUIRE(events[i].event.kind == SLUICE_EVENT_TEXT);
                found[i].push_back(events[i].event.token_id);
            }
        }
        if (n_step < 2) CHECK(events[3].event.kind == SLUICE_EVENT_PROGRESS);
        if (n_step == 2) CHECK(events[3].event.reason == SLUICE_END_CANCELLED);
    }
    for (std::size_t i = 0; i < 3; ++i) {
        found[i].resize(6);
        CHECK(found[i] == its.expected[i]);
    }
    CHECK(same_bits(logits_of(reading.get()), before));
}

TEST_CASE("batch: a queued prompt is computed by whatever call needs it, with the bits of a feed") {
    const auto engine = make_engine(2);
    const auto model = open_model(engine.get(), kKind);
    std::vector<std::int32_t> both = some_ids(9);
    const auto more = some_ids(6, 5);
    const auto fed = make_session(model.get(), 4);
    both.insert(both.end(), more.begin(), more.end());
    REQUIRE(feed(fed.get(), both) == SLUICE_OK);
    const std::vector<float> logits = logits_of(fed.get());
    const auto ids = generate(fed.get(), 3);

    const auto session = make_session(model.get(), 4);
    const auto again = [&] {
        REQUIRE(sluice_session_reset(session.get(), nullptr) == SLUICE_OK);
        REQUIRE(queue(session.get(), some_ids(9)) == SLUICE_OK);
    };
    again();
    REQUIRE(queue(session.get(), more) == SLUICE_OK);
    CHECK(generate(session.get(), 3) == ids);
    again();
    REQUIRE(feed(session.get(), more) == SLUICE_OK);
    CHECK(generate(session.get(), 3) == ids);
    again();
    REQUIRE(queue(session.get(), more) == SLUICE_OK);
    CHECK(same_bits(logits_of(session.get()), logits));
    // A part by a batch, the rest by the session.
    again();
    REQUIRE(queue(session.get(), more) == SLUICE_OK);
    const auto batch = make_batch(model.get(), 1, 5);
    CHECK(step(batch.get(), {session.get()})[0].event.prompt_done == 5);
    CHECK(generate(session.get(), 3) == ids);

    // A cancelled next drops it, and so does a reset.
    again();
    sluice_session_cancel(session.get());
    CHECK(next(session.get()).event.reason == SLUICE_END_CANCELLED);
    CHECK(next(session.get()).status == SLUICE_E_STATE);
    again();
    REQUIRE(sluice_session_reset(session.get(), nullptr) == SLUICE_OK);
    CHECK(next(session.get()).status == SLUICE_E_STATE);
    // A cancelled feed leaves it.
    again();
    sluice_session_cancel(session.get());
    CHECK(feed(session.get(), some_ids(3)) == SLUICE_E_CANCELLED);
    REQUIRE(feed(session.get(), more) == SLUICE_OK);
    CHECK(same_bits(logits_of(session.get()), logits));

    const auto cache = make_cache(model.get(), 10);
    const auto small = make_session(model.get(), 4, cache.get());
    CHECK(queue(small.get(), some_ids(11)) == SLUICE_E_CONTEXT_FULL);
    REQUIRE(queue(small.get(), some_ids(7)) == SLUICE_OK);
    CHECK(queue(small.get(), some_ids(4)) == SLUICE_E_CONTEXT_FULL);
    CHECK(queue(small.get(), {1, 100000}) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(queue(small.get(), {}) == SLUICE_E_INVALID_ARGUMENT);
    REQUIRE(queue(small.get(), some_ids(3)) == SLUICE_OK);
    CHECK(step(batch.get(), {small.get()})[0].event.kind == SLUICE_EVENT_PROGRESS);
    CHECK(step(batch.get(), {small.get()})[0].event.kind == SLUICE_EVENT_TEXT);
    CHECK(step(batch.get(), {small.get()})[0].event.reason == SLUICE_END_CONTEXT_FULL);
}

TEST_CASE("batch: queued text is encoded as fed text") {
    const auto engine = make_engine();
    const auto model = open_model(engine.get(), "moe");
    const auto fed = make_session(model.get(), 8);
    const auto queued = make_session(model.get(), 8);
    const std::string text = "a b<|im_end|>";
    for (const std::uint32_t flags :
         {0u, std::uint32_t{SLUICE_ENCODE_BOS}, std::uint32_t{SLUICE_ENCODE_PLAIN}}) {
        REQUIRE(sluice_session_feed_text(fed.get(), text.data(), text.size(), flags, nullptr) == SLUICE_OK);
        REQUIRE(sluice_session_queue_text(queued.get(), text.data(), text.size(), flags, nullptr) == SLUICE_OK);
        CHECK(same_bits(logits_of(queued.get()), logits_of(fed.get())));
    }
    CHECK(sluice_session_queue_text(queued.get(), text.data(), text.size(), 1u << 30, nullptr) ==
          SLUICE_E_UNSUPPORTED);
}

TEST_CASE("batch: a step that makes no sense is refused and changes nothing") {
    const auto engine = make_engine();
    const auto model = open_model(engine.get(), "tiny");
    const auto other_model = open_model(engine.get(), "tiny");
    Generating its(model.get(), 2, 4);
    const auto batch = make_batch(model.get(), 2, 16);
    sluice_session* const first = its.sessions[0].get();
    sluice_session* const second = its.sessions[1].get();
    const auto stranger = make_session(other_model.get(), 8);
    const auto refused = [&](const std::vector<sluice_session*>& sessions, std::int32_t expected) {
        std::vector<sluice_event> events(sessions.size() + 1, sized<sluice_event>());
        std::vector<std::int32_t> statuses(sessions.size() + 1, 99);
        sluice_error error = dirty_error();
        const std::int32_t status = sluice_batch_step(batch.get(), sessions.data(), sessions.size(),
                                                      events.data(), statuses.data(), &error);
        INFO(error.message);
        CHECK(status == expected);
        CHECK(is_whole(error, expected));
        for (std::size_t i = 0; i < sessions.size(); ++i) CHECK(statuses[i] == expected);
        CHECK(statuses.back() == 99);
    };
    refused({first, first}, SLUICE_E_INVALID_ARGUMENT);
    refused({first, stranger.get()}, SLUICE_E_INVALID_ARGUMENT);
    refused({first, nullptr}, SLUICE_E_INVALID_ARGUMENT);
    refused({}, SLUICE_E_INVALID_ARGUMENT);
    refused({first, second, stranger.get()}, SLUICE_E_INVALID_ARGUMENT);
    sluice_session* const sessions[] = {first, second};
    std::vector<sluice_event> events(2, sized<sluice_event>());
    std::int32_t statuses[2];
    const auto status_of = [&](sluice_session* const* its_sessions, sluice_event* its_events,
                               std::int32_t* out) {
        return sluice_batch_step(batch.get(), its_sessions, 2, its_events, out, nullptr);
    };
    CHECK(status_of(nullptr, events.data(), statuses) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(status_of(sessions, nullptr, statuses) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(status_of(sessions, events.data(), nullptr) == SLUICE_E_INVALID_ARGUMENT);
    events[0].struct_size = 4;
    CHECK(status_of(sessions, events.data(), statuses) == SLUICE_E_INVALID_ARGUMENT);
    events[0].struct_size = sizeof(sluice_event);
    events[1].struct_size = 8;
    CHECK(status_of(sessions, events.data(), statuses) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(sluice_batch_step(nullptr, sessions, 2, events.data(), statuses, nullptr) ==
          SLUICE_E_INVALID_ARGUMENT);

    // A session that was fed nothing is told, the other has its event.
    const auto empty = make_session(model.get(), 8);
    std::vector<std::int32_t> found;
    for (int i = 0; i < 4; ++i) {
        const auto both = step(batch.get(), {empty.get(), first});
        CHECK(both[0].status == SLUICE_E_STATE);
        CHECK(both[0].event.kind == 0);
        found.push_back(both[1].event.token_id);
    }
    CHECK(found == its.expected[0]);
    found.clear();
    for (int i = 0; i < 4; ++i) found.push_back(step(batch.get(), {second})[0].event.token_id);
    CHECK(found == its.expected[1]);

    sluice_batch* none = nullptr;
    auto options = sized<sluice_batch_options>();
    const auto create = [&] { return sluice_batch_create(model.get(), &options, &none, nullptr); };
    options.max_sessions = 257;
    CHECK(create() == SLUICE_E_INVALID_ARGUMENT);
    options.max_sessions = 9;
    options.max_tokens = 8;
    CHECK(create() == SLUICE_E_INVALID_ARGUMENT);
    options.max_tokens = 4097;
    CHECK(create() < 0);
    CHECK(none == nullptr);
    sluice_batch_destroy(nullptr);
}

TEST_CASE("batch: events of newer callers lie as far apart as they say") {
    const auto engine = make_engine();
    const auto model = open_model(engine.get(), "tiny");
    Generating its(model.get(), 2, 1);
    const auto batch = make_batch(model.get(), 2, 16);
    struct NewerEvent {
        sluice_event known;
        std::uint64_t more[3];
    } events[2] = {};
    for (NewerEvent& event : events) event.known.struct_size = sizeof event;
    std::int32_t statuses[2];
    sluice_session* const sessions[] = {its.sessions[0].get(), its.sessions[1].get()};
    REQUIRE(sluice_batch_step(batch.get(), sessions, 2, &events[0].known, statuses, nullptr) == SLUICE_OK);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(events[i].known.token_id == its.expected[i][0]);
        CHECK(events[i].known.struct_size == sizeof(NewerEvent));
    }
}

TEST_CASE("batch: a session in use elsewhere is BUSY, a pass that fails can be repeated, nobody is harmed") {
    std::function<std::int32_t()> during;
    auto options = engine_options(2);
    options.executor_user = &during;
    options.executor = [](void* user, sluice_task_fn task, void* context, std::uint32_t n_tasks) {
        auto& its = *static_cast<std::function<std::int32_t()>*>(user);
        const std::int32_t answer = its ? its() : 0;
        for (std::uint32_t i = 0; answer == 0 && i < n_tasks; ++i) task(context, i);
        return answer;
    };
    const auto engine = make_engine(options);
    const auto model = open_model(engine.get(), "moe");  // large enough for its loops to be shared out
    Generating its(model.get(), 2, 4);
    const auto batch = make_batch(model.get(), 3, 16);
    sluice_session* const first = its.sessions[0].get();
    sluice_session* const second = its.sessions[1].get();
    std::vector<std::int32_t> of_second;
    std::int32_t in_itself = 0;
    bool was_here = false;
    const auto busy = make_session(model.get(), 8);
    during = [&] {
        if (was_here) return 0;
        was_here = true;
        const auto events = step(batch.get(), {busy.get(), second});
        CHECK(events[0].status == SLUICE_E_BUSY);
        CHECK(events[1].status == SLUICE_OK);
        of_second.push_back(events[1].event.token_id);
        return 0;
    };
    REQUIRE(feed(busy.get(), some_ids(40)) == SLUICE_OK);
    CHECK(was_here);
    was_here = false;
    during = [&] {
        if (was_here) return 0;
        was_here = true;
        in_itself = step(batch.get(), {busy.get()})[0].status;
        return 0;
    };
    of_second.push_back(step(batch.get(), {second})[0].event.token_id);
    CHECK(was_here);
    CHECK(in_itself == SLUICE_E_BUSY);

    during = nullptr;
    std::vector<std::int32_t> of_first = generate(first, 1);
    const auto reading = make_session(model.get(), 8);
    REQUIRE(queue(reading.get(), some_ids(20)) == SLUICE_OK);
    REQUIRE(step(batch.get(), {reading.get()})[0].event.prompt_done == 16);
    for (int n_loops = 0; n_loops < 12; n_loops += 3) {
        int n_left = n_loops;
        during = [&] { return n_left-- > 0 ? 0 : -7; };
        for (const NextEvent& event : step(batch.get(), {first, second, reading.get()})) {
            CHECK(event.status == SLUICE_E_CALLBACK_FAILED);
        }
    }
    during = nullptr;
    for (int i = 0; i < 2; ++i) {
        const auto events = step(batch.get(), {first, second, reading.get()});
        of_first.push_back(events[0].event.token_id);
        of_second.push_back(events[1].event.token_id);
        // 14 tokens are left for a prompt that begins again.
        if (i == 0) CHECK(events[2].event.prompt_done == 14);
    }
    CHECK(of_first == std::vector(its.expected[0].begin(), its.expected[0].begin() + 3));
    CHECK(of_second == its.expected[1]);
    const auto twin = make_session(model.get(), 8);
    REQUIRE(feed(twin.get(), some_ids(20)) == SLUICE_OK);
    generate(twin.get(), 1);
    CHECK(same_bits(logits_of(reading.get()), logits_of(twin.get())));
}

TEST_CASE("batch: a step of generating sessions allocates nothing") {
    const auto engine = make_engine(2);
    const auto model = open_model(engine.get(), kKind);
    Generating its(model.get(), 4, 1);
    const auto batch = make_batch(model.get(), 4, 16);
    std::vector<sluice_session*> sessions;
    for (const auto& session : its.sessions) sessions.push_back(session.get());
    std::vector<sluice_event> events(4, sized<sluice_event>());
    std::int32_t statuses[4];
    std::uint64_t n_steps = 0;
    const std::uint64_t before = n_allocations();
    for (int i = 0; i < 20; ++i) {
        n_steps +=
            sluice_batch_step(batch.get(), sessions.data(), 4, events.data(), statuses, nullptr) == SLUICE_OK;
    }
    const std::uint64_t after = n_allocations();
    CHECK(n_steps == 20);
    CHECK(after == before);
}

TEST_CASE("batch: handles may be destroyed in any order, and the budget gets everything back") {
    auto engine = make_engine();
    auto model = open_model(engine.get(), "tiny");
    const std::uint64_t before = memory_used(engine.get());
    {
        const auto batch = make_batch(model.get(), 2, 16);
        CHECK(memory_used(engine.get()) > before);
    }
    CHECK(memory_used(engine.get()) == before);
    auto session = make_session(model.get(), 8);
    const auto batch = make_batch(model.get(), 2, 16);
    model.reset();
    engine.reset();
    REQUIRE(queue(session.get(), some_ids(3)) == SLUICE_OK);
    CHECK(step(batch.get(), {session.get()})[0].event.kind == SLUICE_EVENT_TEXT);
    session.reset();
}
