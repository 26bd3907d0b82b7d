#include "api/plan.h"

#include <algorithm>

#include "api/options.h"
#include "base/machine.h"
#include "base/threads.h"
#include "model/model.h"
#include "session/session.h"

namespace sluice {
namespace {

Result<KvType> resolve_type(std::int32_t type, std::string_view name) {
    switch (type) {
        case SLUICE_KV_F32:
            return KvType::kF32;
        case 0:
        case SLUICE_KV_F16:
            return KvType::kF16;
        case SLUICE_KV_Q8_0:
            return KvType::kQ8_0;
        case SLUICE_KV_Q4_0:
            return KvType::kQ4_0;
        default:
            return make_error(SLUICE_E_UNSUPPORTED, name, " is ", type,
                              ", which this version of sluice does not know");
    }
}

}  // namespace

Result<KvCacheOptions> resolve_cache_options(const Config& config, std::uint64_t capacity,
                                             std::int32_t key_type, std::int32_t value_type) {
    KvCacheOptions options;
    options.capacity =
        capacity == 0 ? std::min<std::uint64_t>(kDefaultCapacity, config.context_size) : capacity;
    SLUICE_ASSIGN(key, resolve_type(key_type, "key_type"));
    SLUICE_ASSIGN(value, resolve_type(value_type, "value_type"));
    options.key_type = key;
    options.value_type = value;
    return options;
}

Result<std::uint32_t> resolve_chunk(std::uint32_t chunk_size) {
    if (chunk_size == 0) return kDefaultChunk;
    if (chunk_size > kMaxChunk) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "chunk_size is ", chunk_size, ", more than ", kMaxChunk);
    }
    return chunk_size;
}

Result<sluice_plan> make_plan(const GivenSource& source, const sluice_plan_options& options) {
    SLUICE_TRY(check_reserved("options", options.reserved));
    SLUICE_TRY(check_flags("options.flags", options.flags, SLUICE_MODEL_READ));
    const Access access = (options.flags & SLUICE_MODEL_READ) != 0 ? Access::kRead : Access::kMap;
    SLUICE_ASSIGN(chunk, resolve_chunk(options.chunk_size));
    auto planned = source.source == nullptr ? Model::plan_path(source.path, access)
                                            : Model::plan_source(source.source, access);
    if (!planned) return std::move(planned).error();
    const Config& config = (*planned)->config();
    const ModelSizes& sizes = (*planned)->sizes();
    SLUICE_ASSIGN(cache,
                  resolve_cache_options(config, options.context_size, options.key_type, options.value_type));
    SLUICE_ASSIGN(cache_size, KvCache::planned_size(config, cache));
    const std::uint32_t n_threads = options.n_threads == 0 ? usable_cpus() : options.n_threads;

    sluice_plan plan = {};
    plan.mapped_weights = sizes.mapped;
    plan.model_memory = sizes.memory;
    plan.cache_memory = cache_size;
    plan.session_memory = planned_forward_size(config, sizes.has_float_matrices, chunk, n_threads) +
                          planned_session_size(config, cache.capacity);
    plan.total = plan.mapped_weights + plan.model_memory + plan.cache_memory + plan.session_memory;
    const MachineMemory machine = machine_memory();
    plan.machine_memory = machine.total;
    plan.machine_free = machine.free;
    return plan;
}

}  // namespace sluice
