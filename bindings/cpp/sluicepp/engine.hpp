// The engine.
#pragma once

#include <sluice/sluice.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "base.hpp"

namespace sluicepp {

// Receives log lines, from any thread, one at a time. It must not call back into sluice; what it throws is
// dropped.
using LogFunction = std::function<void(std::int32_t level, std::string_view line)>;

// The worker threads, the kernels, the log, the byte budget. Any thread.
class Engine : public detail::Owner<sluice_engine, sluice_engine_destroy> {
public:
    // n_threads that compute, the caller's included; 0: one per CPU. Throws as sluice_engine_create.
    explicit Engine(std::uint32_t n_threads = 0)
        : Owner(create(sized<sluice_engine_options>(), n_threads, {})) {}

    // The same with every option; a log given here takes the place of the one in options.
    explicit Engine(const sluice_engine_options& options, LogFunction log = {})
        : Owner(create(options, options.n_threads, std::move(log))) {}

    sluice_engine_info describe() const { return filled<sluice_engine_info>(sluice_engine_describe, get()); }

private:
    static sluice_engine* create(sluice_engine_options options, std::uint32_t n_threads, LogFunction log) {
        options.n_threads = n_threads;
        if (log) {
            options.log_user = new LogFunction(std::move(log));
            options.log = [](void* user, std::int32_t level, const char* text, std::uint64_t size) {
                try {
                    (*static_cast<LogFunction*>(user))(level, {text, static_cast<std::size_t>(size)});
                } catch (...) {  // a log line is not worth the host
                }
            };
            options.log_destroy = [](void* user) { delete static_cast<LogFunction*>(user); };
        }
        return made<sluice_engine>(sluice_engine_create, &options);
    }
};

}  // namespace sluicepp
