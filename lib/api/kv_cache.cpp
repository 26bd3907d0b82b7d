#include <sluice/kv_cache.h>

#include "api/guard.h"
#include "api/objects.h"
#include "api/options.h"
#include "api/plan.h"
#include "api/state.h"

namespace sluice {
namespace {

Result<KvCacheOptions> read_cache_options(const Config& config, const sluice_kv_cache_options* given) {
    SLUICE_ASSIGN(known, read_options(given, "options"));
    SLUICE_TRY(check_reserved("options", known.reserved0, known.reserved));
    return resolve_cache_options(config, known.capacity, known.key_type, known.value_type);
}

// Calls body(KvCache&) while no other call is at the cache.
template <class Body>
std::int32_t with_cache(const sluice_kv_cache* cache, sluice_error* error, const Body& body) {
    return guarded(error, SLUICE_SUBSYSTEM_CACHE, [&]() -> Done {
        SLUICE_TRY(check_pointer(cache, "cache"));
        const Turn turn(*cache->object);
        SLUICE_TRY(turn.check());
        return body(cache->object->cache);
    });
}

Result<const Mark*> find_mark(const KvCache& cache, std::uint64_t mark) {
    const Mark* found = cache.marks().find(mark);
    if (found != nullptr) return found;
    return make_error(SLUICE_E_NOT_FOUND, "the cache has no mark ", mark,
                      ": it is another cache's, or the cache went back to before it");
}

}  // namespace
}  // namespace sluice

using namespace sluice;

int32_t sluice_kv_cache_create(sluice_model* model, const sluice_kv_cache_options* options,
                               sluice_kv_cache** cache, sluice_error* error) {
    if (cache != nullptr) *cache = nullptr;
    return guarded(error, SLUICE_SUBSYSTEM_CACHE, [&]() -> Done {
        SLUICE_TRY(check_pointer(model, "model"));
        SLUICE_TRY(check_pointer(cache, "cache"));
        ModelObject& object = *model->object;
        SLUICE_ASSIGN(resolved, read_cache_options(object.model->config(), options));
        SLUICE_ASSIGN(made, KvCache::create(object.model->config(), resolved, object.engine->budget));
        *cache = new sluice_kv_cache{std::make_shared<CacheObject>(model->object, std::move(made))};
        return Nothing{};
    });
}

void sluice_kv_cache_destroy(sluice_kv_cache* cache) {
    delete cache;
}

int32_t sluice_kv_cache_size(const sluice_model* model, const sluice_kv_cache_options* options, uint64_t* size,
                             sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_CACHE, [&]() -> Done {
        SLUICE_TRY(check_pointer(model, "model"));
        SLUICE_TRY(check_pointer(size, "size"));
        const Config& config = model->object->model->config();
        SLUICE_ASSIGN(resolved, read_cache_options(config, options));
        SLUICE_ASSIGN(planned, KvCache::planned_size(config, resolved));
        *size = planned;
        return Nothing{};
    });
}

int32_t sluice_kv_cache_describe(const sluice_kv_cache* cache, sluice_kv_cache_info* info,
                                 sluice_error* error) {
    return with_cache(cache, error, [&](const KvCache& object) -> Done {
        sluice_kv_cache_info filled = {};
        filled.key_type = static_cast<std::int32_t>(object.options().key_type);
        filled.value_type = static_cast<std::int32_t>(object.options().value_type);
        filled.position = object.position();
        filled.capacity = object.capacity();
        filled.size = object.size();
        filled.n_marks = object.marks().all().size();
        return write_info(info, filled, "info");
    });
}

uint64_t sluice_kv_cache_position(const sluice_kv_cache* cache) {
    return cache == nullptr ? 0 : cache->object->cache.position();
}

int32_t sluice_kv_cache_reserve(sluice_kv_cache* cache, uint64_t n_tokens, sluice_error* error) {
    return with_cache(cache, error, [&](KvCache& object) -> Done {
        if (n_tokens > object.room()) {
            return make_error(SLUICE_E_CONTEXT_FULL, n_tokens, " tokens do not fit: ", object.position(),
                              " of ", object.capacity(), " are taken");
        }
        return object.make_room(n_tokens);
    });
}

int32_t sluice_kv_cache_trim(sluice_kv_cache* cache, uint64_t most_bytes, uint64_t* size, sluice_error* error) {
    return with_cache(cache, error, [&](KvCache& object) -> Done {
        object.trim(most_bytes);
        if (size != nullptr) *size = object.size();
        return Nothing{};
    });
}

int32_t sluice_kv_cache_tokens(const sluice_kv_cache* cache, int32_t* ids, uint64_t capacity, uint64_t* needed,
                               sluice_error* error) {
    return with_cache(cache, error,
                      [&](const KvCache& object) { return copy_out(object.tokens(), ids, capacity, needed); });
}

int32_t sluice_kv_cache_fork(const sluice_kv_cache* cache, sluice_kv_cache** fork, sluice_error* error) {
    if (fork != nullptr) *fork = nullptr;
    return with_cache(cache, error, [&](const KvCache& object) -> Done {
        SLUICE_TRY(check_pointer(fork, "fork"));
        SLUICE_ASSIGN(copy, object.fork());
        *fork = new sluice_kv_cache{std::make_shared<CacheObject>(cache->object->model, std::move(copy))};
        return Nothing{};
    });
}

int32_t sluice_kv_cache_mark(sluice_kv_cache* cache, uint64_t* mark, sluice_error* error) {
    return with_cache(cache, error, [&](KvCache& object) -> Done {
        SLUICE_TRY(check_pointer(mark, "mark"));
        const std::uint64_t serial = cache->object->model->engine->n_marks.fetch_add(1) + 1;
        SLUICE_TRY(object.mark(serial));
        *mark = serial;
        return Nothing{};
    });
}

int32_t sluice_kv_cache_unmark(sluice_kv_cache* cache, uint64_t mark, sluice_error* error) {
    return with_cache(cache, error, [&](KvCache& object) -> Done {
        SLUICE_TRY(find_mark(object, mark));
        object.unmark(mark);
        return Nothing{};
    });
}

int32_t sluice_kv_cache_mark_position(const sluice_kv_cache* cache, uint64_t mark, uint64_t* position,
                                      sluice_error* error) {
    return with_cache(cache, error, [&](const KvCache& object) -> Done {
        SLUICE_TRY(check_pointer(position, "position"));
        SLUICE_ASSIGN(found, find_mark(object, mark));
        *position = found->position;
        return Nothing{};
    });
}

int32_t sluice_kv_cache_rewind(sluice_kv_cache* cache, uint64_t mark, sluice_error* error) {
    return with_cache(cache, error, [&](KvCache& object) -> Done {
        if (cache->object->has_session.load()) {
            return make_error(SLUICE_E_BUSY, "a session holds the cache; sluice_session_rewind goes back");
        }
        SLUICE_ASSIGN(found, find_mark(object, mark));
        SLUICE_TRY(object.rewind(found->position));
        return Nothing{};
    });
}

int32_t sluice_kv_cache_save(const sluice_kv_cache* cache, const char* path, uint64_t path_size,
                             sluice_error* error) {
    return with_cache(cache, error,
                      [&](const KvCache&) { return save_state(*cache->object, {}, path, path_size); });
}

int32_t sluice_kv_cache_load(sluice_kv_cache* cache, const char* path, uint64_t path_size,
                             sluice_error* error) {
    return with_cache(cache, error, [&](KvCache& object) -> Done {
        if (cache->object->has_session.load()) {
            return make_error(SLUICE_E_BUSY, "a session holds the cache; sluice_session_load reads");
        }
        SLUICE_ASSIGN(loaded, load_state(*cache->object, path, path_size));
        object = std::move(loaded.cache);
        return Nothing{};
    });
}

int32_t sluice_kv_cache_reset(sluice_kv_cache* cache, sluice_error* error) {
    return with_cache(cache, error, [&](KvCache& object) -> Done {
        if (cache->object->has_session.load()) {
            return make_error(SLUICE_E_BUSY, "a session holds the cache; reset the session");
        }
        object.reset();
        return Nothing{};
    });
}
