// Batches for tests: made, stepped, and what they say kept.
#pragma once

#include "api/small_model.h"

namespace sluice_test {

inline Handle<sluice_batch> make_batch(sluice_model* model, std::uint32_t max_sessions,
                                       std::uint32_t max_tokens) {
    auto options = sized<sluice_batch_options>();
    options.max_sessions = max_sessions;
    options.max_tokens = max_tokens;
    sluice_batch* batch = nullptr;
    sluice_error error;
    const std::int32_t status = sluice_batch_create(model, &options, &batch, &error);
    INFO(error.message);
    REQUIRE(status == SLUICE_OK);
    return Handle<sluice_batch>(batch);
}

inline std::int32_t queue(sluice_session* session, const std::vector<std::int32_t>& ids,
                          sluice_error* error = nullptr) {
    return sluice_session_queue(session, ids.data(), ids.size(), error);
}

// One event of each session; the call's own status must be that of the first that has none.
inline std::vector<NextEvent> step(sluice_batch* batch, const std::vector<sluice_session*>& sessions) {
    std::vector<sluice_event> events(sessions.size(), sized<sluice_event>());
    std::vector<std::int32_t> statuses(sessions.size(), 99);
    sluice_error error = dirty_error();
    const std::int32_t status =
        sluice_batch_step(batch, sessions.data(), sessions.size(), events.data(), statuses.data(), &error);
    CHECK(is_whole(error, status));
    std::int32_t first = SLUICE_OK;
    std::vector<NextEvent> found;
    for (std::size_t i = 0; i < sessions.size(); ++i) {
        if (first == SLUICE_OK) first = statuses[i];
        const char* text = events[i].text == nullptr ? "" : events[i].text;
        found.push_back({statuses[i], events[i], std::string(text, events[i].text_size)});
        found.back().event.text = nullptr;
    }
    CHECK(status == first);
    return found;
}

}  // namespace sluice_test
