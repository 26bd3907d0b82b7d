#include <sluice/experimental.h>

#include "api/guard.h"
#include "api/machine_speed.h"
#include "api/objects.h"
#include "api/options.h"
#include "cache/fill_random.h"
#include "model/random_model.h"

namespace sluice {
namespace {

constexpr std::uint32_t kDefaultMeasuredMilliseconds = 200;

std::unique_ptr<Trace> make_trace(const Config& config, std::uint32_t what, std::size_t max_tokens) {
    auto trace = std::make_unique<Trace>();
    if ((what & SLUICE_TRACE_HIDDEN) != 0) trace->hidden.resize(config.n_layers() + 1);
    if ((what & SLUICE_TRACE_EXPERTS) != 0) {
        trace->experts.resize(config.n_layers());
        trace->weights.resize(config.n_layers());
        for (std::uint32_t layer = 0; layer < config.n_layers(); ++layer) {
            if (!config.has_experts(layer)) continue;
            trace->experts[layer].resize(max_tokens * config.n_experts_used);
            trace->weights[layer].resize(max_tokens * config.n_experts_used);
        }
    }
    return trace;
}

// Runs body(Session&, const Trace&) on a session whose last feed was traced.
template <class Body>
std::int32_t with_trace(sluice_session* session, sluice_error* error, Body&& body) {
    return guarded(error, SLUICE_SUBSYSTEM_SESSION, [&]() -> Done {
        SLUICE_TRY(check_pointer(session, "session"));
        const Turn turn(*session->object->cache);
        SLUICE_TRY(turn.check());
        Session& object = *session->object->session;
        if (object.trace() == nullptr) return make_error(SLUICE_E_STATE, "no feed was traced");
        return body(object, *object.trace());
    });
}

}  // namespace
}  // namespace sluice

using namespace sluice;

int32_t sluice_engine_measure(sluice_engine* engine, uint32_t milliseconds, sluice_machine_speed* speed,
                              sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_API, [&]() -> Done {
        SLUICE_TRY(check_pointer(engine, "engine"));
        SLUICE_TRY(check_pointer(speed, "speed"));
        SLUICE_TRY(check_struct_size(speed->struct_size, "speed"));
        if (milliseconds > kMaxMeasuredMilliseconds) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "milliseconds is ", milliseconds, ", more than ",
                              kMaxMeasuredMilliseconds);
        }
        EngineObject& object = *engine->object;
        SLUICE_ASSIGN(measured,
                      measure_machine(*object.workers, object.kernels, object.budget,
                                      milliseconds == 0 ? kDefaultMeasuredMilliseconds : milliseconds));
        sluice_machine_speed filled = {};
        filled.n_threads = object.workers->size();
        filled.int8_multiply_adds_per_s = measured.int8_multiply_adds.best;
        filled.bytes_per_s = measured.bytes.best;
        filled.median_int8_multiply_adds_per_s = measured.int8_multiply_adds.median;
        filled.median_bytes_per_s = measured.bytes.median;
        return write_info(speed, filled, "speed");
    });
}

int32_t sluice_kv_cache_fill_random(sluice_kv_cache* cache, uint64_t n_tokens, uint64_t seed,
                                    sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_CACHE, [&]() -> Done {
        SLUICE_TRY(check_pointer(cache, "cache"));
        const Turn turn(*cache->object);
        SLUICE_TRY(turn.check());
        if (cache->object->has_session.load()) return make_error(SLUICE_E_BUSY, "a session holds the cache");
        CacheObject& object = *cache->object;
        return fill_random(object.cache, object.model->model->config(), n_tokens, seed);
    });
}

int32_t sluice_session_trace(sluice_session* session, uint32_t what, sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_SESSION, [&]() -> Done {
        SLUICE_TRY(check_pointer(session, "session"));
        const Turn turn(*session->object->cache);
        SLUICE_TRY(turn.check());
        SLUICE_TRY(check_flags("what", what, SLUICE_TRACE_LOGITS | SLUICE_TRACE_HIDDEN | SLUICE_TRACE_EXPERTS));
        Session& object = *session->object->session;
        const Config& config = session->object->model->model->config();
        object.set_trace(what == 0 ? nullptr : make_trace(config, what, object.chunk_size()),
                         (what & SLUICE_TRACE_LOGITS) != 0);
        return Nothing{};
    });
}

int32_t sluice_session_traced_logits(sluice_session* session, float* logits, uint64_t capacity,
                                     uint64_t* needed, sluice_error* error) {
    return with_trace(session, error, [&](Session& object, const Trace&) -> Done {
        if (object.traced_logits().empty()) return make_error(SLUICE_E_STATE, "the logits were not traced");
        return copy_out(object.traced_logits(), logits, capacity, needed);
    });
}

int32_t sluice_session_traced_hidden(sluice_session* session, uint32_t layer, float* hidden, uint64_t capacity,
                                     uint64_t* needed, sluice_error* error) {
    return with_trace(session, error, [&](Session&, const Trace& trace) -> Done {
        if (trace.hidden.empty()) return make_error(SLUICE_E_STATE, "the hidden states were not traced");
        if (layer >= trace.hidden.size()) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "layer ", layer, " of ", trace.hidden.size() - 1);
        }
        return copy_out(std::span<const float>(trace.hidden[layer]), hidden, capacity, needed);
    });
}

int32_t sluice_session_traced_experts(sluice_session* session, uint32_t layer, int32_t* expert_ids,
                                      float* weights, uint64_t capacity, uint64_t* needed,
                                      sluice_error* error) {
    return with_trace(session, error, [&](Session& object, const Trace& trace) -> Done {
        if (trace.experts.empty()) return make_error(SLUICE_E_STATE, "the experts were not traced");
        if (layer >= trace.experts.size()) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "layer ", layer, " of ", trace.experts.size());
        }
        const Config& config = session->object->model->model->config();
        if (!config.has_experts(layer))
            return make_error(SLUICE_E_NOT_FOUND, "layer ", layer, " has no experts");
        const std::size_t n = object.n_traced() * config.n_experts_used;
        SLUICE_TRY(copy_out(std::span<const std::int32_t>(trace.experts[layer]).first(n), expert_ids, capacity,
                            needed));
        if (weights == nullptr) return Nothing{};
        return copy_out(std::span<const float>(trace.weights[layer]).first(n), weights, capacity, needed);
    });
}

int32_t sluice_random_model_write(const char* path, uint64_t path_size, const char* kind, uint64_t kind_size,
                                  uint64_t seed, sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_MODEL, [&]() -> Done {
        SLUICE_ASSIGN(file, read_text_argument(path, path_size, "path"));
        SLUICE_ASSIGN(shape, read_text_argument(kind, kind_size, "kind"));
        return write_random_model(std::string(file), shape, seed);
    });
}
