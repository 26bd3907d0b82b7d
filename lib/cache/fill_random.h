// A history that nobody computed, for measuring what a long one costs.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "cache/kv_cache.h"
#include "model/config.h"

namespace sluice {

// Advances a cache by n_tokens whose keys and values are pseudo-random numbers, even between -1.7 and 1.7, so
// of variance 1 as normed keys have; the convolutions' inputs too. The same seed and position give the same
// numbers. The cache is one of a model with this configuration. Errors: CONTEXT_FULL (no room; nothing has
// changed).
Done fill_random(KvCache& cache, const Config& config, std::uint64_t n_tokens, std::uint64_t seed);

}  // namespace sluice
