#include <sluice/session.h>

#include "api/event.h"
#include "api/forward_pass.h"
#include "api/guard.h"
#include "api/objects.h"
#include "api/options.h"
#include "api/plan.h"
#include "api/sampling.h"
#include "api/state.h"

namespace sluice {
namespace {

Done copy_stops(const sluice_session_options& known, SessionOptions& options) {
    if (known.n_stop_tokens > kMaxVocabulary || known.n_stop_strings > kMaxStopStrings) {
        return make_error(SLUICE_E_LIMIT, known.n_stop_tokens, " stop tokens and ", known.n_stop_strings,
                          " stop strings are more than ", kMaxVocabulary, " and ", kMaxStopStrings);
    }
    if (known.n_stop_tokens > 0) SLUICE_TRY(check_pointer(known.stop_tokens, "options.stop_tokens"));
    options.stop_tokens.assign(known.stop_tokens, known.stop_tokens + known.n_stop_tokens);
    if (known.n_stop_strings > 0) SLUICE_TRY(check_pointer(known.stop_strings, "options.stop_strings"));
    for (std::uint32_t i = 0; i < known.n_stop_strings; ++i) {
        const sluice_text& text = known.stop_strings[i];
        if (text.size > kMaxStopStringSize) {
            return make_error(SLUICE_E_LIMIT, "stop string ", i, " has ", text.size, " bytes, more than ",
                              kMaxStopStringSize);
        }
        SLUICE_ASSIGN(given, read_text_argument(text.data, text.size, "a stop string"));
        options.stop_strings.emplace_back(given);
    }
    return Nothing{};
}

Result<SessionOptions> resolve_options(const sluice_session_options& known, const Model& model) {
    SLUICE_TRY(check_reserved("options", known.reserved, known.reserved_pointer));
    SLUICE_TRY(check_flags("options.flags", known.flags,
                           SLUICE_SESSION_SKIP_SPECIAL | SLUICE_SESSION_IGNORE_STOP_TOKENS));
    SessionOptions options;
    options.skip_special = (known.flags & SLUICE_SESSION_SKIP_SPECIAL) != 0;
    options.ignore_stop_tokens = (known.flags & SLUICE_SESSION_IGNORE_STOP_TOKENS) != 0;
    options.max_tokens = known.max_tokens;
    options.n_top = known.n_top_log_probabilities;
    SLUICE_ASSIGN(sampling, read_sampling(known.sampling, model.config(), model.tokenizer().get()));
    options.sampling = std::move(sampling);
    SLUICE_TRY(copy_stops(known, options));
    return options;
}

Result<std::shared_ptr<CacheObject>> take_cache(sluice_model* model, sluice_kv_cache* cache) {
    std::shared_ptr<CacheObject> object;
    if (cache != nullptr) {
        object = cache->object;
        if (object->model != model->object) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "the cache was made for another model");
        }
    } else {
        ModelObject& its = *model->object;
        SLUICE_ASSIGN(options, resolve_cache_options(its.model->config(), 0, 0, 0));
        SLUICE_ASSIGN(made, KvCache::create(its.model->config(), options, its.engine->budget));
        object = std::make_shared<CacheObject>(model->object, std::move(made));
    }
    if (object->has_session.exchange(true))
        return make_error(SLUICE_E_BUSY, "the cache is held by another session");
    return object;
}

Result<std::unique_ptr<SessionObject>> make_session(sluice_model* model, sluice_kv_cache* cache,
                                                    const sluice_session_options& known) {
    SLUICE_ASSIGN(chunk, resolve_chunk(known.chunk_size));
    SLUICE_ASSIGN(options, resolve_options(known, *model->object->model));
    // Made before the cache is taken: it gives the cache back whatever fails afterwards.
    auto object = std::make_unique<SessionObject>();
    object->model = model->object;
    SLUICE_ASSIGN(held, take_cache(model, cache));
    object->cache = std::move(held);
    const std::uint64_t capacity = object->cache->cache.capacity();
    SLUICE_ASSIGN(charge,
                  Charge::take(model->object->engine->budget,
                               planned_session_size(model->object->model->config(), capacity), "the session"));
    object->charge = std::move(charge);
    SLUICE_ASSIGN(pass, make_pass(*model->object, chunk));
    const Model& its = *model->object->model;
    auto made = Session::create(its.config(), its.tokenizer().get(), std::move(pass), object->cache->cache,
                                std::move(options));
    if (!made) return std::move(made).error();
    object->session = std::move(*made);
    return object;
}

Result<std::vector<TokenId>> encode_argument(const SessionObject& session, const char* text,
                                             std::uint64_t text_size, std::uint32_t flags) {
    SLUICE_TRY(check_flags("flags", flags, SLUICE_ENCODE_BOS | SLUICE_ENCODE_PLAIN));
    SLUICE_ASSIGN(given, read_text_argument(text, text_size, "text"));
    const auto& tokenizer = session.model->model->tokenizer();
    if (tokenizer == nullptr) return make_error(SLUICE_E_STATE, "the model has no tokenizer");
    std::vector<TokenId> ids;
    const EncodeOptions options{(flags & SLUICE_ENCODE_BOS) != 0, (flags & SLUICE_ENCODE_PLAIN) != 0};
    SLUICE_TRY(tokenizer->encode(given, options, ids));
    return ids;
}

// Runs body(Session&) when nobody else is using the session.
template <class Body>
std::int32_t with_session(const sluice_session* session, sluice_error* error, Body&& body) {
    return guarded(error, SLUICE_SUBSYSTEM_SESSION, [&]() -> Done {
        SLUICE_TRY(check_pointer(session, "session"));
        const Turn turn(*session->object->cache);
        SLUICE_TRY(turn.check());
        return body(*session->object->session);
    });
}

}  // namespace
}  // namespace sluice

using namespace sluice;

int32_t sluice_session_create(sluice_model* model, sluice_kv_cache* cache,
                              const sluice_session_options* options, sluice_session** session,
                              sluice_error* error) {
    if (session != nullptr) *session = nullptr;
    return guarded(error, SLUICE_SUBSYSTEM_SESSION, [&]() -> Done {
        SLUICE_TRY(check_pointer(model, "model"));
        SLUICE_TRY(check_pointer(session, "session"));
        SLUICE_ASSIGN(known, read_options(options, "options"));
        SLUICE_ASSIGN(object, make_session(model, cache, known));
        *session = new sluice_session{std::move(object)};
        return Nothing{};
    });
}

void sluice_session_destroy(sluice_session* session) {
    delete session;
}

int32_t sluice_session_recommended_sampling(const sluice_model* model, sluice_sampling* sampling,
                                            sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_SESSION, [&]() -> Done {
        SLUICE_TRY(check_pointer(model, "model"));
        return write_info(sampling, to_c(recommended_sampling(model->object->model->config())), "sampling");
    });
}

int32_t sluice_session_feed(sluice_session* session, const int32_t* ids, uint64_t n_ids, sluice_error* error) {
    return with_session(session, error, [&](Session& object) -> Done {
        if (n_ids > 0) SLUICE_TRY(check_pointer(ids, "ids"));
        return object.feed({ids, static_cast<std::size_t>(n_ids)});
    });
}

int32_t sluice_session_feed_text(sluice_session* session, const char* text, uint64_t text_size, uint32_t flags,
                                 sluice_error* error) {
    return with_session(session, error, [&](Session& object) -> Done {
        SLUICE_ASSIGN(ids, encode_argument(*session->object, text, text_size, flags));
        return object.feed(ids);
    });
}

int32_t sluice_session_queue(sluice_session* session, const int32_t* ids, uint64_t n_ids, sluice_error* error) {
    return with_session(session, error, [&](Session& object) -> Done {
        if (n_ids > 0) SLUICE_TRY(check_pointer(ids, "ids"));
        return object.queue({ids, static_cast<std::size_t>(n_ids)});
    });
}

int32_t sluice_session_queue_text(sluice_session* session, const char* text, uint64_t text_size, uint32_t flags,
                                  sluice_error* error) {
    return with_session(session, error, [&](Session& object) -> Done {
        SLUICE_ASSIGN(ids, encode_argument(*session->object, text, text_size, flags));
        return object.queue(ids);
    });
}

int32_t sluice_session_prompt(sluice_session* session, const int32_t* ids, uint64_t n_ids, uint64_t* n_reused,
                              sluice_error* error) {
    return with_session(session, error, [&](Session& object) -> Done {
        if (n_ids > 0) SLUICE_TRY(check_pointer(ids, "ids"));
        SLUICE_ASSIGN(reused, object.prompt({ids, static_cast<std::size_t>(n_ids)}));
        if (n_reused != nullptr) *n_reused = reused;
        return Nothing{};
    });
}

int32_t sluice_session_prompt_text(sluice_session* session, const char* text, uint64_t text_size,
                                   uint32_t flags, uint64_t* n_reused, sluice_error* error) {
    return with_session(session, error, [&](Session& object) -> Done {
        SLUICE_ASSIGN(ids, encode_argument(*session->object, text, text_size, flags));
        SLUICE_ASSIGN(reused, object.prompt(ids));
        if (n_reused != nullptr) *n_reused = reused;
        return Nothing{};
    });
}

int32_t sluice_session_rewind(sluice_session* session, uint64_t position, sluice_error* error) {
    return with_session(session, error, [&](Session& object) { return object.rewind(position); });
}

int32_t sluice_session_save(const sluice_session* session, const char* path, uint64_t path_size,
                            sluice_error* error) {
    return with_session(session, error, [&](const Session& object) -> Done {
        SLUICE_TRY(object.check_queue());
        return save_state(*session->object->cache, object.saved(), path, path_size);
    });
}

int32_t sluice_session_load(sluice_session* session, const char* path, uint64_t path_size,
                            sluice_error* error) {
    return with_session(session, error, [&](Session& object) -> Done {
        SLUICE_TRY(object.check_queue());
        SLUICE_ASSIGN(loaded, load_state(*session->object->cache, path, path_size));
        return object.restore(std::move(loaded.cache), loaded.more);
    });
}

int32_t sluice_session_next(sluice_session* session, sluice_event* event, sluice_error* error) {
    return with_session(session, error, [&](Session& object) -> Done {
        SLUICE_TRY(check_pointer(event, "event"));
        // A wrong size must be found before a token is generated that could then not be told.
        SLUICE_TRY(check_struct_size(event->struct_size, "event"));
        SLUICE_ASSIGN(found, object.next());
        return write_info(event, to_c(found), "event");
    });
}

void sluice_session_cancel(sluice_session* session) {
    if (session != nullptr) session->object->session->cancel();
}

int32_t sluice_session_reset(sluice_session* session, sluice_error* error) {
    return with_session(session, error, [](Session& object) -> Done {
        object.reset();
        return Nothing{};
    });
}

int32_t sluice_session_configure(sluice_session* session, const sluice_session_options* options,
                                 sluice_error* error) {
    return with_session(session, error, [&](Session& object) -> Done {
        SLUICE_ASSIGN(known, read_options(options, "options"));
        if (known.chunk_size != 0 && known.chunk_size != object.chunk_size()) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "chunk_size is fixed at ", object.chunk_size());
        }
        if (known.n_top_log_probabilities == 0) known.n_top_log_probabilities = object.n_top();
        SLUICE_ASSIGN(resolved, resolve_options(known, *session->object->model->model));
        return object.configure(std::move(resolved));
    });
}

int32_t sluice_session_logits(sluice_session* session, float* logits, uint64_t capacity, uint64_t* needed,
                              sluice_error* error) {
    return with_session(session, error, [&](Session& object) -> Done {
        SLUICE_ASSIGN(found, object.logits());
        return copy_out(found, logits, capacity, needed);
    });
}

int32_t sluice_session_top_log_probabilities(sluice_session* session, int32_t* ids, float* log_probabilities,
                                             uint64_t capacity, uint64_t* needed, sluice_error* error) {
    return with_session(session, error, [&](Session& object) -> Done {
        const auto top = object.top();
        if (top.empty())
            return make_error(SLUICE_E_STATE,
                              "no log-probabilities were asked for, or no token was generated yet");
        if (needed != nullptr) *needed = top.size();
        if (ids == nullptr && log_probabilities == nullptr)
            return check_pointer(needed, "needed, with no buffer,");
        if (capacity < top.size()) {
            return make_error(SLUICE_E_BUFFER_TOO_SMALL, "the buffers have room for ", capacity, ", needed is ",
                              top.size());
        }
        for (std::size_t i = 0; i < top.size(); ++i) {
            if (ids != nullptr) ids[i] = top[i].id;
            if (log_probabilities != nullptr) log_probabilities[i] = top[i].log_probability;
        }
        return Nothing{};
    });
}

int32_t sluice_session_statistics(sluice_session* session, sluice_statistics* statistics, sluice_error* error) {
    return with_session(session, error, [&](Session& object) -> Done {
        const SessionStatistics& found = object.statistics();
        sluice_statistics filled = {};
        filled.prefill_tokens = found.prefill_tokens;
        filled.prefill_nanoseconds = found.prefill_nanoseconds;
        filled.decode_tokens = found.decode_tokens;
        filled.decode_nanoseconds = found.decode_nanoseconds;
        filled.load_nanoseconds = session->object->model->load_nanoseconds;
        filled.position = session->object->cache->cache.position();
        filled.seed = object.sampling().seed;
        filled.memory = object.size();
        filled.reused_tokens = found.reused_tokens;
        return write_info(statistics, filled, "statistics");
    });
}
