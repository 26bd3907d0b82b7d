// What running a model would take, from its header alone; and the defaults that planning and creating share.
#pragma once

#include <cstdint>

#include <sluice/kv_cache.h>
#include <sluice/model.h>

#include "api/source.h"
#include "base/result.h"
#include "cache/kv_cache.h"
#include "model/config.h"

namespace sluice {

constexpr std::uint32_t kDefaultChunk = 512;
constexpr std::uint32_t kMaxChunk = 4096;
constexpr std::uint64_t kDefaultCapacity = 4096;

// Zeros replaced by defaults. Errors: UNSUPPORTED (type).
Result<KvCacheOptions> resolve_cache_options(const Config& config, std::uint64_t capacity,
                                             std::int32_t key_type, std::int32_t value_type);

// Errors: INVALID_ARGUMENT.
Result<std::uint32_t> resolve_chunk(std::uint32_t chunk_size);

Result<sluice_plan> make_plan(const GivenSource& source, const sluice_plan_options& options);

}  // namespace sluice
