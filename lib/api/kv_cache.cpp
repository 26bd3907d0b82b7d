#include <sluice/kv_cache.h>

#include "api/guard.h"
#include "api/objects.h"
#include "api/options.h"
#include "api/plan.h"

namespace sluice {
namespace {

Result<KvCacheOptions> read_cache_options(const Config& config, const sluice_kv_cache_options* given) {
    SLUICE_ASSIGN(known, read_options(given, "options"));
    SLUICE_TRY(check_reserved("options", known.reserved0, known.reserved));
    return resolve_cache_options(config, known.capacity, known.key_type, known.value_type);
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
    return guarded(error, SLUICE_SUBSYSTEM_CACHE, [&]() -> Done {
        SLUICE_TRY(check_pointer(cache, "cache"));
        const Turn turn(*cache->object);
        SLUICE_TRY(turn.check());
        const KvCache& object = cache->object->cache;
        sluice_kv_cache_info filled = {};
        filled.key_type = static_cast<std::int32_t>(object.options().key_type);
        filled.value_type = static_cast<std::int32_t>(object.options().value_type);
        filled.position = object.position();
        filled.capacity = object.capacity();
        filled.size = object.size();
        return write_info(info, filled, "info");
    });
}

uint64_t sluice_kv_cache_position(const sluice_kv_cache* cache) {
    return cache == nullptr ? 0 : cache->object->cache.position();
}

int32_t sluice_kv_cache_reset(sluice_kv_cache* cache, sluice_error* error) {
    return guarded(error, SLUICE_SUBSYSTEM_CACHE, [&]() -> Done {
        SLUICE_TRY(check_pointer(cache, "cache"));
        const Turn turn(*cache->object);
        SLUICE_TRY(turn.check());
        if (cache->object->has_session.load()) {
            return make_error(SLUICE_E_BUSY, "a session holds the cache; reset the session");
        }
        cache->object->cache.reset();
        return Nothing{};
    });
}
