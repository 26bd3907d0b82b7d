// Caches and sessions to files and back, for their functions of the C API.
#pragma once

#include <cstdint>
#include <span>

#include "api/objects.h"
#include "base/result.h"
#include "cache/state_file.h"

namespace sluice {

// Errors: those of the arguments, of ByteSink::to_file and of write_state.
Done save_state(const CacheObject& cache, std::span<const std::byte> more, const char* path,
                std::uint64_t path_size);

// To a cache like the one given. Errors: those of the arguments, of Source::open_path and of read_state.
Result<LoadedState> load_state(const CacheObject& cache, const char* path, std::uint64_t path_size);

}  // namespace sluice
