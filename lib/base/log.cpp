// The only file that knows spdlog. A private logger with a private sink: no registry, no globals.
#include "base/log.h"

#include <mutex>

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

namespace sluice {
namespace {

std::int32_t level_number(spdlog::level::level_enum level) {
    switch (level) {
        case spdlog::level::trace:
        case spdlog::level::debug:
            return SLUICE_LOG_DEBUG;
        case spdlog::level::info:
            return SLUICE_LOG_INFO;
        case spdlog::level::warn:
            return SLUICE_LOG_WARNING;
        default:
            return SLUICE_LOG_ERROR;
    }
}

spdlog::level::level_enum spdlog_level(std::int32_t level) {
    switch (level) {
        case SLUICE_LOG_DEBUG:
            return spdlog::level::debug;
        case SLUICE_LOG_INFO:
            return spdlog::level::info;
        case SLUICE_LOG_WARNING:
            return spdlog::level::warn;
        case SLUICE_LOG_ERROR:
            return spdlog::level::err;
        default:
            return spdlog::level::off;
    }
}

// Hands each line, without decoration, to the caller's function; base_sink's mutex makes it one at a time.
class CallerSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    CallerSink(sluice_log_fn function, void* user) : function_(function), user_(user) {}

private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        function_(user_, level_number(message.level), message.payload.data(), message.payload.size());
    }
    void flush_() override {}

    sluice_log_fn function_;
    void* user_;
};

}  // namespace

struct Log::Implementation {
    Implementation(sluice_log_fn function, void* owner)
        : logger("sluice", std::make_shared<CallerSink>(function, owner)), user(owner) {}
    spdlog::logger logger;
    void* user;
    sluice_destroy_fn destroy = nullptr;
};

Log::Log() = default;

Log::Log(std::int32_t level, sluice_log_fn function, void* user, sluice_destroy_fn destroy) {
    if (function == nullptr) return;
    implementation_ = std::make_unique<Implementation>(function, user);
    implementation_->logger.set_level(spdlog_level(level));
    // spdlog's own answer to a failing sink is to print.
    implementation_->logger.set_error_handler([](const std::string&) {});
    implementation_->destroy = destroy;
}

Log::~Log() {
    if (implementation_ != nullptr && implementation_->destroy != nullptr)
        implementation_->destroy(implementation_->user);
}

void Log::write(std::int32_t level, std::string_view line) const {
    if (implementation_ == nullptr) return;
    implementation_->logger.log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace sluice
