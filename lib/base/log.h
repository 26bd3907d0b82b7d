// The engine's log: levels and formatting in front of the caller's function.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <sluice/engine.h>

namespace sluice {

// Lines go to the caller's function one at a time; without one nothing is even formatted. Any thread.
class Log {
public:
    // Says nothing.
    Log();
    Log(std::int32_t level, sluice_log_fn function, void* user, sluice_destroy_fn destroy);
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    void debug(std::string_view line) const { write(SLUICE_LOG_DEBUG, line); }
    void info(std::string_view line) const { write(SLUICE_LOG_INFO, line); }
    void warning(std::string_view line) const { write(SLUICE_LOG_WARNING, line); }
    void error(std::string_view line) const { write(SLUICE_LOG_ERROR, line); }

private:
    struct Implementation;
    void write(std::int32_t level, std::string_view line) const;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace sluice
