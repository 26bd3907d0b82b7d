// The wall: what happens inside becomes a status and an error record; no exception passes.
#pragma once

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <string_view>

#include <sluice/base.h>

#include "base/result.h"
#include "base/utf8.h"

namespace sluice {

inline std::int32_t report(sluice_error* error, std::int32_t status, std::int32_t subsystem,
                           std::int64_t file_offset, std::string_view message) noexcept {
    if (error == nullptr) return status;
    std::memset(error, 0, sizeof *error);
    error->status = status;
    error->subsystem = subsystem;
    error->file_offset = file_offset;
    std::string_view kept = message.substr(0, sizeof error->message - 1);
    if (kept.size() < message.size()) kept = kept.substr(0, complete_utf8_size(kept));
    std::copy(kept.begin(), kept.end(), error->message);
    return status;
}

// Runs body, which returns a Done, and reports. `subsystem` is used where the error names none.
template <class Body>
std::int32_t guarded(sluice_error* error, std::int32_t subsystem, Body&& body) noexcept {
    try {
        const Done done = body();
        if (done) return report(error, SLUICE_OK, 0, -1, "");
        const Error& why = done.error();
        return report(error, why.status, why.subsystem == 0 ? subsystem : why.subsystem, why.file_offset,
                      why.message);
    } catch (const std::bad_alloc&) {
        return report(error, SLUICE_E_OUT_OF_MEMORY, subsystem, -1, "the system has no memory left");
    } catch (const std::exception& exception) {
        return report(error, SLUICE_E_INTERNAL, subsystem, -1, exception.what());
    } catch (...) {
        return report(error, SLUICE_E_INTERNAL, subsystem, -1, "an unknown exception");
    }
}

}  // namespace sluice
