#include <sluice/batch.h>

#include "api/event.h"
#include "api/forward_pass.h"
#include "api/guard.h"
#include "api/objects.h"
#include "api/options.h"
#include "api/plan.h"
#include "session/batch.h"

namespace sluice {

struct BatchObject {
    std::shared_ptr<ModelObject> model;
    Charge charge;  // for what the batch holds beside its forward pass
    std::unique_ptr<Batch> batch;
    std::atomic<bool> in_use = false;
    // Of one step, with room for max_sessions.
    std::vector<std::optional<Turn>> turns;
    std::vector<Session*> held;
    std::vector<Result<Event>> outcomes;  // of those held
};

namespace {

constexpr std::uint32_t kDefaultSessions = 8;

Result<std::unique_ptr<BatchObject>> make_batch(sluice_model* model, const sluice_batch_options& known) {
    SLUICE_TRY(check_reserved("options", known.reserved0, known.reserved));
    SLUICE_ASSIGN(max_tokens, resolve_chunk(known.max_tokens));
    const std::uint32_t max_sessions = known.max_sessions == 0 ? kDefaultSessions : known.max_sessions;
    if (max_sessions > kMaxBatchSessions || max_sessions > max_tokens) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "max_sessions is ", max_sessions, ", at most ",
                          std::min<std::uint32_t>(kMaxBatchSessions, max_tokens),
                          " are possible with max_tokens ", max_tokens);
    }
    auto object = std::make_unique<BatchObject>();
    object->model = model->object;
    const Config& config = model->object->model->config();
    SLUICE_ASSIGN(charge, Charge::take(model->object->engine->budget, Batch::planned_size(config, max_sessions),
                                       "the batch"));
    object->charge = std::move(charge);
    SLUICE_ASSIGN(pass, make_pass(*model->object, max_tokens));
    SLUICE_ASSIGN(batch, Batch::create(config, std::move(pass), *model->object->engine->workers, max_sessions));
    object->batch = std::move(batch);
    object->turns = std::vector<std::optional<Turn>>(max_sessions);
    object->held.reserve(max_sessions);
    object->outcomes.reserve(max_sessions);
    return object;
}

// What a step is asked to do. Events are structs of the size that the first one tells.
struct StepArguments {
    std::span<sluice_session* const> sessions;
    sluice_event* events;
    std::int32_t* statuses;

    sluice_event* event(std::size_t i) const {
        return reinterpret_cast<sluice_event*>(reinterpret_cast<std::byte*>(events) + i * events->struct_size);
    }
};

Done check_step(const BatchObject& object, const StepArguments& given) {
    SLUICE_TRY(check_pointer(given.sessions.data(), "sessions"));
    SLUICE_TRY(check_pointer(given.events, "events"));
    SLUICE_TRY(check_pointer(given.statuses, "statuses"));
    SLUICE_TRY(check_struct_size(given.events->struct_size, "events[0]"));
    for (std::size_t i = 0; i < given.sessions.size(); ++i) {
        const sluice_session* session = given.sessions[i];
        if (session == nullptr) return make_error(SLUICE_E_INVALID_ARGUMENT, "sessions[", i, "] is NULL");
        if (session->object->model != object.model) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "sessions[", i,
                              "] is of another model than the batch");
        }
        for (std::size_t j = 0; j < i; ++j) {
            if (session != given.sessions[j]) continue;
            return make_error(SLUICE_E_INVALID_ARGUMENT, "sessions[", j, "] and sessions[", i,
                              "] are the same");
        }
        if (given.event(i)->struct_size != given.events->struct_size) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "events[", i, "].struct_size is ",
                              given.event(i)->struct_size, ", that of events[0] is ",
                              given.events->struct_size);
        }
    }
    return Nothing{};
}

// Holds the sessions of a step that nobody else is using, and lets go of them.
class Held {
public:
    Held(BatchObject& object, std::span<sluice_session* const> sessions) : object_(object) {
        object_.held.clear();
        object_.outcomes.clear();
        for (std::size_t i = 0; i < sessions.size(); ++i) {
            if (!object_.turns[i].emplace(*sessions[i]->object->cache).check()) continue;
            object_.held.push_back(sessions[i]->object->session.get());
            object_.outcomes.emplace_back(Event{});
        }
    }
    ~Held() {
        for (auto& turn : object_.turns) turn.reset();
    }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

private:
    BatchObject& object_;
};

Error about_session(std::size_t i, const Error& error) {
    return {error.status, sentence("sessions[", i, "]: ", error.message), -1, error.subsystem};
}

// The failure of the first session that failed.
Done step(BatchObject& object, const StepArguments& given) {
    const Held held(object, given.sessions);
    object.batch->step(object.held, object.outcomes);
    std::optional<Error> first;
    auto next = object.outcomes.begin();
    for (std::size_t i = 0; i < given.sessions.size(); ++i) {
        const Done turn = object.turns[i]->check();
        const Result<Event> outcome = turn ? *next++ : Result<Event>(turn.error());
        given.statuses[i] = outcome ? SLUICE_OK : outcome.error().status;
        SLUICE_TRY(write_info(given.event(i), outcome ? to_c(*outcome) : sluice_event{}, "an event"));
        if (!outcome && !first) first = about_session(i, outcome.error());
    }
    return first ? Done(*std::move(first)) : Done(Nothing{});
}

}  // namespace
}  // namespace sluice

struct sluice_batch {
    std::unique_ptr<sluice::BatchObject> object;
};

using namespace sluice;

int32_t sluice_batch_create(sluice_model* model, const sluice_batch_options* options, sluice_batch** batch,
                            sluice_error* error) {
    if (batch != nullptr) *batch = nullptr;
    return guarded(error, SLUICE_SUBSYSTEM_SESSION, [&]() -> Done {
        SLUICE_TRY(check_pointer(model, "model"));
        SLUICE_TRY(check_pointer(batch, "batch"));
        SLUICE_ASSIGN(known, read_options(options, "options"));
        SLUICE_ASSIGN(object, make_batch(model, known));
        *batch = new sluice_batch{std::move(object)};
        return Nothing{};
    });
}

void sluice_batch_destroy(sluice_batch* batch) {
    delete batch;
}

int32_t sluice_batch_step(sluice_batch* batch, sluice_session* const* sessions, uint64_t n_sessions,
                          sluice_event* events, int32_t* statuses, sluice_error* error) {
    bool was_made = false;
    const std::int32_t status = guarded(error, SLUICE_SUBSYSTEM_SESSION, [&]() -> Done {
        SLUICE_TRY(check_pointer(batch, "batch"));
        BatchObject& object = *batch->object;
        if (n_sessions == 0 || n_sessions > object.batch->max_sessions()) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "a step of ", n_sessions, " sessions: 1 to ",
                              object.batch->max_sessions(), " are possible");
        }
        const StepArguments given{{sessions, static_cast<std::size_t>(n_sessions)}, events, statuses};
        const Turn turn(object.in_use, "the batch");
        SLUICE_TRY(turn.check());
        SLUICE_TRY(check_step(object, given));
        Done done = step(object, given);
        was_made = true;
        return done;
    });
    if (!was_made && statuses != nullptr && n_sessions <= kMaxBatchSessions) {
        std::fill_n(statuses, n_sessions, status);
    }
    return status;
}
