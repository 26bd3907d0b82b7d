// The batch: several sessions in one pass.
#pragma once

#include <sluice/sluice.h>

#include <cstdint>
#include <vector>

#include "base.hpp"
#include "model.hpp"
#include "session.hpp"

namespace sluicepp {

// Many sessions of a model in one pass: the weights are read once for all. One thread at a time.
class Batch : public detail::Owner<sluice_batch, sluice_batch_destroy> {
public:
    // Throws as sluice_batch_create.
    explicit Batch(const Model& model, const sluice_batch_options& options = sized<sluice_batch_options>())
        : Owner(made<sluice_batch>(sluice_batch_create, model.get(), &options)) {}

    struct Outcome {
        std::int32_t status;  // SLUICE_OK, or what the session met instead of an event
        Event event;
    };

    // One event of each session, in their order. Throws as sluice_batch_step, where no session has an event.
    std::vector<Outcome> step(const std::vector<Session*>& sessions) {
        std::vector<sluice_session*> handles;
        for (Session* session : sessions) handles.push_back(session == nullptr ? nullptr : session->get());
        std::vector<sluice_event> events(sessions.size() + 1, sized<sluice_event>());
        std::vector<std::int32_t> statuses(sessions.size() + 1, SLUICE_E_INVALID_ARGUMENT);
        sluice_error error;
        sluice_batch_step(get(), handles.data(), handles.size(), events.data(), statuses.data(), &error);
        std::vector<Outcome> outcomes;
        bool has_event = false;
        for (std::size_t i = 0; i < sessions.size(); ++i) {
            outcomes.push_back({statuses[i], detail::to_event(events[i])});
            has_event = has_event || statuses[i] == SLUICE_OK;
        }
        if (!has_event) throw Exception(error);
        return outcomes;
    }
};

}  // namespace sluicepp
