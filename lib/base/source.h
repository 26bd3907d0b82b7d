// Where the bytes of a file come from: a path, a descriptor with a range, memory, a callback.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"

namespace sluice {

enum class Access {
    kMap,   // bytes() gives the mapping where the kind allows it
    kRead,  // every byte is copied; a file cut short by another process is an error, not a signal
};

// Two paths lead to one file exactly when these are equal, also through links.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t number = 0;
    bool operator==(const FileIdentity&) const = default;
};

// A read-only, random-access run of bytes. Any thread, but a callback source reads on the caller's.
class Source {
public:
    virtual ~Source() = default;

    std::uint64_t size() const { return size_; }
    const std::string& name() const { return name_; }  // for messages: the path, or "<memory>"

    // Fills the whole of `into` from offset. Errors: IO (also short reads), CORRUPT (past the end),
    // CALLBACK_FAILED.
    Done read(std::uint64_t offset, std::span<std::byte> into) const;

    // All bytes as they lie in memory or in the mapping; empty when they can only be read.
    std::span<const std::byte> bytes() const { return bytes_; }

    // Of the file; empty for bytes that are in none.
    virtual std::optional<FileIdentity> identity() const { return std::nullopt; }

    // Errors: NOT_FOUND, IO, INVALID_ARGUMENT (no regular file).
    static Result<std::shared_ptr<const Source>> open_path(const std::string& path, Access access);
    // size 0: up to the end of the file. The descriptor is borrowed.
    static Result<std::shared_ptr<const Source>> open_descriptor(int descriptor, std::uint64_t offset,
                                                                 std::uint64_t size, Access access);
    static std::shared_ptr<const Source> from_memory(std::span<const std::byte> bytes);
    // read_at as in sluice/model.h.
    using ReadAt = std::function<std::int64_t(std::uint64_t offset, void* buffer, std::uint64_t size)>;
    static std::shared_ptr<const Source> from_callback(std::uint64_t size, ReadAt read_at);

protected:
    virtual Done read_some(std::uint64_t offset, std::span<std::byte> into) const = 0;

    std::uint64_t size_ = 0;
    std::string name_;
    std::span<const std::byte> bytes_;
};

// The whole of a small file as text. Errors: those of open_path and read, LIMIT when larger than max_size.
Result<std::string> read_text(const Source& source, std::uint64_t max_size);
Result<std::string> read_text_file(const std::string& path, std::uint64_t max_size);

// Of what the path leads to; empty where that does not exist or cannot be asked.
std::optional<FileIdentity> identity_of(const std::string& path);

bool is_directory(const std::string& path);
bool file_exists(const std::string& path);

}  // namespace sluice
