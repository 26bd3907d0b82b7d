// Where the bytes of a new file go: memory, or a file that appears under its name only when it is whole.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace sluice {

// Takes bytes in order. One thread.
class ByteSink {
public:
    virtual ~ByteSink() = default;
    // Errors: IO.
    virtual Done write(std::span<const std::byte> bytes) = 0;
    // Makes what was written final. Nothing is written after. Errors: IO.
    virtual Done commit() = 0;

    // A file beside `path` that commit syncs and renames to it; without commit it is removed. Others than its
    // owner may read it as the umask says, or not at all.
    // Errors: IO, NOT_FOUND, INVALID_ARGUMENT (an empty path).
    enum class Readers { kAll, kOwner };
    static Result<std::unique_ptr<ByteSink>> to_file(const std::string& path, Readers readers = Readers::kAll);
    // Appends; `bytes` outlives the sink.
    static std::unique_ptr<ByteSink> to_memory(std::vector<std::byte>& bytes);
};

}  // namespace sluice
