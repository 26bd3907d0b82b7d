// Writing whole files or nothing.
#include "model/byte_sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/sentence.h"
#include "base/system_error.h"
#include "base/utf8.h"

namespace sluice {
namespace {

constexpr std::size_t kBufferSize = 1u << 20;

class MemorySink final : public ByteSink {
public:
    explicit MemorySink(std::vector<std::byte>& bytes) : bytes_(bytes) {}
    Done write(std::span<const std::byte> bytes) override {
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        return Nothing{};
    }
    Done commit() override { return Nothing{}; }

private:
    std::vector<std::byte>& bytes_;
};

Error system_error(std::string_view what, const std::string& path, int code) {
    return make_error(code == ENOENT ? SLUICE_E_NOT_FOUND : SLUICE_E_IO, printable(path), " cannot be ", what,
                      ": ", system_reason(code));
}

class FileSink final : public ByteSink {
public:
    FileSink(std::string path, std::string temporary, int descriptor)
        : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}
    FileSink(const FileSink&) = delete;
    FileSink& operator=(const FileSink&) = delete;

    ~FileSink() override {
        if (descriptor_ >= 0) ::close(descriptor_);
        if (!temporary_.empty()) ::unlink(temporary_.c_str());
    }

    Done write(std::span<const std::byte> bytes) override {
        if (buffer_.size() + bytes.size() > kBufferSize) {
            SLUICE_TRY(flush());
            if (bytes.size() > kBufferSize) return write_out(bytes);
        }
        buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
        return Nothing{};
    }

    Done commit() override {
        SLUICE_TRY(flush());
        if (::fsync(descriptor_) != 0) return system_error("synced", path_, errno);
        const int closed = ::close(descriptor_);
        descriptor_ = -1;
        if (closed != 0) return system_error("closed", path_, errno);
        if (std::rename(temporary_.c_str(), path_.c_str()) != 0) return system_error("written", path_, errno);
        temporary_.clear();
        return Nothing{};
    }

private:
    Done flush() {
        SLUICE_TRY(write_out(buffer_));
        buffer_.clear();
        return Nothing{};
    }

    Done write_out(std::span<const std::byte> bytes) {
        while (!bytes.empty()) {
            const ::ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) return system_error("written", path_, errno);
            bytes = bytes.subspan(static_cast<std::size_t>(written));
        }
        return Nothing{};
    }

    std::string path_;
    std::string temporary_;
    int descriptor_;
    std::vector<std::byte> buffer_;
};

}  // namespace

std::unique_ptr<ByteSink> ByteSink::to_memory(std::vector<std::byte>& bytes) {
    return std::make_unique<MemorySink>(bytes);
}

Result<std::unique_ptr<ByteSink>> ByteSink::to_file(const std::string& path, Readers readers) {
    if (path.empty() || path.find('\0') != std::string::npos) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "the path to write to is empty or holds a zero byte");
    }
    const ::mode_t mode = readers == Readers::kAll ? 0666 : 0600;
    constexpr int kAttempts = 100;
    for (int i = 0; i < kAttempts; ++i) {
        const std::string temporary = sentence(path, ".part-", ::getpid(), "-", i);
        const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (descriptor >= 0) {
            return std::unique_ptr<ByteSink>(std::make_unique<FileSink>(path, temporary, descriptor));
        }
        if (errno != EEXIST) return system_error("created", temporary, errno);
    }
    return make_error(SLUICE_E_IO, "no free temporary name beside ", printable(path));
}

}  // namespace sluice
