// Files by POSIX calls: pread with a range check in front, mmap where it was asked for.
#include "base/source.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/sentence.h"
#include "base/system_error.h"
#include "base/utf8.h"

namespace sluice {
namespace {

// The largest read that every system takes in one call.
constexpr std::size_t kMaxRead = 1u << 30;

Error system_error(std::string_view name, std::string_view what, int code) {
    const std::int32_t status = code == ENOENT || code == ENOTDIR ? SLUICE_E_NOT_FOUND
                                : code == ENOMEM                  ? SLUICE_E_OUT_OF_MEMORY
                                                                  : SLUICE_E_IO;
    return make_error(status, name, ": ", what, ": ", system_reason(code));
}

// A descriptor that closes itself.
class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int number() const { return number_; }
    int release() { return std::exchange(number_, -1); }

private:
    int number_;
};

FileIdentity identity_from(const struct stat& status) {
    return {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino)};
}

class FileSource final : public Source {
public:
    FileSource(std::string name, int descriptor, bool owned, std::uint64_t offset, std::uint64_t size)
        : descriptor_(descriptor), owned_(owned), offset_(offset) {
        name_ = std::move(name);
        size_ = size;
    }
    ~FileSource() override {
        if (mapping_ != nullptr) ::munmap(mapping_, mapping_size_);
        if (owned_) ::close(descriptor_);
    }

    std::optional<FileIdentity> identity() const override {
        struct stat status = {};
        if (::fstat(descriptor_, &status) != 0) return std::nullopt;
        return identity_from(status);
    }

    // mmap wants an offset on a page border: the mapping begins there, bytes() at the asked-for place.
    Done map() {
        if (size_ == 0) return Nothing{};
        const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        const std::uint64_t lead = offset_ % page;
        // No overflow: the range was compared with the file's size, which is an off_t.
        const std::size_t length = size_ + lead;
        void* at =
            ::mmap(nullptr, length, PROT_READ, MAP_PRIVATE, descriptor_, static_cast<off_t>(offset_ - lead));
        if (at == MAP_FAILED) return system_error(name_, "cannot be mapped", errno);
        mapping_ = at;
        mapping_size_ = length;
        bytes_ = {static_cast<const std::byte*>(at) + lead, static_cast<std::size_t>(size_)};
        return Nothing{};
    }

private:
    Done read_some(std::uint64_t offset, std::span<std::byte> into) const override {
        std::size_t done = 0;
        while (done < into.size()) {
            const auto place = checked_cast<off_t>(offset_ + offset + done);
            if (!place) return make_error(SLUICE_E_IO, name_, ": offset ", offset, " is out of reach");
            const std::size_t wanted = into.size() - done < kMaxRead ? into.size() - done : kMaxRead;
            const ssize_t n_read = ::pread(descriptor_, into.data() + done, wanted, *place);
            if (n_read < 0 && errno == EINTR) continue;
            if (n_read < 0) return system_error(name_, "cannot be read", errno);
            if (n_read == 0) {
                return error_at(offset + done, SLUICE_E_IO, name_, " became shorter while it was read");
            }
            done += static_cast<std::size_t>(n_read);
        }
        return Nothing{};
    }

    int descriptor_;
    bool owned_;
    std::uint64_t offset_;
    void* mapping_ = nullptr;
    std::size_t mapping_size_ = 0;
};

class MemorySource final : public Source {
public:
    explicit MemorySource(std::span<const std::byte> bytes) {
        name_ = "<memory>";
        size_ = bytes.size();
        bytes_ = bytes;
    }

private:
    Done read_some(std::uint64_t offset, std::span<std::byte> into) const override {
        std::memcpy(into.data(), bytes_.data() + offset, into.size());
        return Nothing{};
    }
};

class CallbackSource final : public Source {
public:
    CallbackSource(std::uint64_t size, ReadAt read_at) : read_at_(std::move(read_at)) {
        name_ = "<callback>";
        size_ = size;
    }

private:
    Done read_some(std::uint64_t offset, std::span<std::byte> into) const override {
        std::size_t done = 0;
        while (done < into.size()) {
            const std::size_t wanted = into.size() - done;
            const std::int64_t n_read = read_at_(offset + done, into.data() + done, wanted);
            if (n_read < 0 || static_cast<std::uint64_t>(n_read) > wanted) {
                return error_at(offset + done, SLUICE_E_CALLBACK_FAILED, "the read callback answered ", n_read,
                                " to a wish for ", wanted, " bytes");
            }
            if (n_read == 0)
                return error_at(offset + done, SLUICE_E_IO, "the read callback came to an early end");
            done += static_cast<std::size_t>(n_read);
        }
        return Nothing{};
    }

    ReadAt read_at_;
};

// A regular file's size; anything else has no size to check offsets against.
Result<std::uint64_t> regular_size(const std::string& name, int descriptor) {
    struct stat status = {};
    if (::fstat(descriptor, &status) != 0) return system_error(name, "cannot be examined", errno);
    if (!S_ISREG(status.st_mode)) return make_error(SLUICE_E_INVALID_ARGUMENT, name, " is not a regular file");
    return static_cast<std::uint64_t>(status.st_size);
}

Result<std::shared_ptr<const Source>> finish(std::shared_ptr<FileSource> source, Access access) {
    if (access == Access::kMap) SLUICE_TRY(source->map());
    return std::shared_ptr<const Source>(std::move(source));
}

Done check_path(const std::string& path) {
    if (path.empty()) return make_error(SLUICE_E_INVALID_ARGUMENT, "the path is empty");
    if (path.find('\0') != std::string::npos)
        return make_error(SLUICE_E_INVALID_ARGUMENT, "the path holds a zero byte");
    return Nothing{};
}

}  // namespace

Done Source::read(std::uint64_t offset, std::span<std::byte> into) const {
    const auto end = checked_add(offset, into.size());
    if (!end || *end > size_) {
        return error_at(offset, SLUICE_E_CORRUPT, name_, " ends at byte ", size_, ", before the ", into.size(),
                        " bytes wanted");
    }
    return into.empty() ? Done(Nothing{}) : read_some(offset, into);
}

Result<std::shared_ptr<const Source>> Source::open_path(const std::string& path, Access access) {
    SLUICE_TRY(check_path(path));
    const std::string name = printable(path, 160);
    // Without O_NONBLOCK a named pipe would wait for a writer for ever.
    Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (descriptor.number() < 0) return system_error(name, "cannot be opened", errno);
    SLUICE_ASSIGN(size, regular_size(name, descriptor.number()));
    auto source = std::make_shared<FileSource>(name, descriptor.number(), true, 0, size);
    descriptor.release();
    return finish(std::move(source), access);
}

Result<std::shared_ptr<const Source>> Source::open_descriptor(int descriptor, std::uint64_t offset,
                                                              std::uint64_t size, Access access) {
    const std::string name = sentence("descriptor ", descriptor);
    SLUICE_ASSIGN(whole, regular_size(name, descriptor));
    if (offset > whole) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, name, " has ", whole, " bytes; offset ", offset,
                          " lies behind its end");
    }
    const std::uint64_t rest = whole - offset;
    if (size > rest) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, name, " has ", rest, " bytes from offset ", offset,
                          ", not ", size);
    }
    return finish(std::make_shared<FileSource>(name, descriptor, false, offset, size == 0 ? rest : size),
                  access);
}

std::shared_ptr<const Source> Source::from_memory(std::span<const std::byte> bytes) {
    return std::make_shared<MemorySource>(bytes);
}

std::shared_ptr<const Source> Source::from_callback(std::uint64_t size, ReadAt read_at) {
    return std::make_shared<CallbackSource>(size, std::move(read_at));
}

Result<std::string> read_text(const Source& source, std::uint64_t max_size) {
    if (source.size() > max_size) {
        return make_error(SLUICE_E_LIMIT, source.name(), " has ", source.size(), " bytes, more than ",
                          max_size);
    }
    std::string text(static_cast<std::size_t>(source.size()), '\0');
    SLUICE_TRY(source.read(0, std::as_writable_bytes(std::span(text))));
    return text;
}

Result<std::string> read_text_file(const std::string& path, std::uint64_t max_size) {
    SLUICE_ASSIGN(source, Source::open_path(path, Access::kRead));
    return read_text(*source, max_size);
}

std::optional<FileIdentity> identity_of(const std::string& path) {
    struct stat status = {};
    if (path.find('\0') != std::string::npos || ::stat(path.c_str(), &status) != 0) return std::nullopt;
    return identity_from(status);
}

bool is_directory(const std::string& path) {
    struct stat status = {};
    return path.find('\0') == std::string::npos && ::stat(path.c_str(), &status) == 0 &&
           S_ISDIR(status.st_mode);
}

bool file_exists(const std::string& path) {
    struct stat status = {};
    return path.find('\0') == std::string::npos && ::stat(path.c_str(), &status) == 0 &&
           S_ISREG(status.st_mode);
}

}  // namespace sluice
