// A session's event as it crosses the boundary.
#pragma once

#include <sluice/session.h>

#include "session/session.h"

namespace sluice {

inline sluice_event to_c(const Event& event) {
    sluice_event out = {};
    out.kind = static_cast<std::int32_t>(event.kind);
    out.token_id = event.token;
    out.reason = static_cast<std::int32_t>(event.reason);
    out.log_probability = event.log_probability;
    out.stop_string = event.stop_string;
    out.n_tokens = event.n_tokens;
    out.text_size = event.text.size();
    out.prompt_done = event.n_done;
    out.prompt_to_go = event.n_to_go;
    out.text = event.text.data();
    return out;
}

}  // namespace sluice
