// A cache as one file: what a conversation remembers, for another day or another process. docs/state-files.md
// tells the form. Everything in such a file is untrusted until its checksums and its numbers were looked at.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "base/source.h"
#include "cache/kv_cache.h"
#include "model/byte_sink.h"
#include "text/tokenizer.h"

namespace sluice {

// What a file must come from to be read: the same model, and the same meaning of its tokens.
struct StateIdentity {
    std::uint64_t model = 0;      // Model::fingerprint
    std::uint64_t tokenizer = 0;  // 0: the model has none
};

// Of every token's bytes and kind.
std::uint64_t fingerprint_of(const Tokenizer& tokenizer);

// Writes the cache without its marks, and `more`, which is the caller's to understand, at most
// kMaxMoreState bytes; commits the sink. The cache is not changed. Errors: OUT_OF_MEMORY (for a copy of one
// page), LIMIT, IO.
Done write_state(const KvCache& cache, const Config& config, const StateIdentity& identity,
                 std::span<const std::byte> more, ByteSink& sink);

struct LoadedState {
    KvCache cache;
    std::vector<std::byte> more;
};

constexpr std::uint64_t kMaxMoreState = 4096;

// Reads what write_state wrote, to a cache with these options. Errors: CORRUPT (cut short, altered, or no such
// file), UNSUPPORTED (another version, or other types of keys and values), INVALID_ARGUMENT (of another model
// or tokenizer), LIMIT (more tokens than the capacity), OUT_OF_MEMORY, IO.
Result<LoadedState> read_state(const Source& source, const Config& config, const StateIdentity& identity,
                               const KvCacheOptions& options, MemoryBudget& budget);

}  // namespace sluice
