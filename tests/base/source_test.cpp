#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstring>

#include "base/source.h"
#include "support/catch.h"

using namespace sluice;

namespace {

// A file in the temporary folder that goes away with the test.
class ScratchFile {
public:
    explicit ScratchFile(std::string_view content) {
        path_ = "/tmp/sluice_source_XXXXXX";
        descriptor_ = ::mkstemp(path_.data());
        REQUIRE(descriptor_ >= 0);
        REQUIRE(::write(descriptor_, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    }
    ~ScratchFile() {
        ::close(descriptor_);
        ::unlink(path_.c_str());
    }
    const std::string& path() const { return path_; }
    int descriptor() const { return descriptor_; }

private:
    std::string path_;
    int descriptor_;
};

std::string read_all(const Source& source) {
    const auto text = read_text(source, 1 << 20);
    REQUIRE(text.ok());
    return *text;
}

}  // namespace

TEST_CASE("source: a file mapped and a file read hold the same bytes") {
    const ScratchFile file("hello, sluice");
    const auto mapped = Source::open_path(file.path(), Access::kMap);
    const auto plain = Source::open_path(file.path(), Access::kRead);
    REQUIRE(mapped.ok());
    REQUIRE(plain.ok());
    CHECK(read_all(**mapped) == "hello, sluice");
    CHECK(read_all(**plain) == "hello, sluice");
    CHECK((*mapped)->bytes().size() == 13);
    CHECK((*plain)->bytes().empty());
}

TEST_CASE("source: a range of a descriptor begins and ends where it was asked to") {
    std::string content(10000, 'x');
    content += "needle";
    const ScratchFile file(content + "tail");
    for (const Access access : {Access::kMap, Access::kRead}) {
        const auto source = Source::open_descriptor(file.descriptor(), 10000, 6, access);
        REQUIRE(source.ok());
        CHECK(read_all(**source) == "needle");
        const auto rest = Source::open_descriptor(file.descriptor(), 10000, 0, access);
        REQUIRE(rest.ok());
        CHECK(read_all(**rest) == "needletail");
    }
    CHECK_FALSE(Source::open_descriptor(file.descriptor(), 10011, 0, Access::kMap).ok());
    CHECK_FALSE(Source::open_descriptor(file.descriptor(), 10000, 11, Access::kMap).ok());
    CHECK_FALSE(Source::open_descriptor(-1, 0, 0, Access::kMap).ok());
}

TEST_CASE("source: what is no regular file is refused without waiting") {
    CHECK(Source::open_path("/tmp", Access::kMap).error().status == SLUICE_E_INVALID_ARGUMENT);
    CHECK(Source::open_path("/dev/zero", Access::kMap).error().status == SLUICE_E_INVALID_ARGUMENT);
    CHECK(Source::open_path("/tmp/no/such/file", Access::kMap).error().status == SLUICE_E_NOT_FOUND);
    CHECK(Source::open_path("", Access::kMap).error().status == SLUICE_E_INVALID_ARGUMENT);
    CHECK(Source::open_path(std::string("a\0b", 3), Access::kMap).error().status == SLUICE_E_INVALID_ARGUMENT);
    CHECK_FALSE(Source::open_path(std::string(100000, 'a'), Access::kMap).ok());
    const std::string pipe = "/tmp/sluice_pipe_" + std::to_string(::getpid());
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(Source::open_path(pipe, Access::kMap).error().status == SLUICE_E_INVALID_ARGUMENT);
    ::unlink(pipe.c_str());
}

TEST_CASE("source: reading past the end is corrupt, also where the sum would wrap") {
    const std::string text = "0123456789";
    const auto source = Source::from_memory(std::as_bytes(std::span(text)));
    std::byte buffer[4];
    CHECK(source->read(6, buffer).ok());
    CHECK(source->read(7, buffer).error().status == SLUICE_E_CORRUPT);
    CHECK(source->read(~std::uint64_t{0}, buffer).error().status == SLUICE_E_CORRUPT);
    CHECK(source->read(10, {}).ok());
}

TEST_CASE("source: a file that became shorter is an error in read mode") {
    const ScratchFile file("0123456789");
    const auto source = Source::open_path(file.path(), Access::kRead);
    REQUIRE(source.ok());
    REQUIRE(::ftruncate(file.descriptor(), 5) == 0);
    std::byte buffer[10];
    CHECK((*source)->read(0, buffer).error().status == SLUICE_E_IO);
}

TEST_CASE("source: a callback may answer in small pieces, and its failures are told") {
    const std::string text = "0123456789";
    const auto slow =
        Source::from_callback(10, [&](std::uint64_t offset, void* buffer, std::uint64_t size) -> std::int64_t {
            const std::uint64_t n = size < 3 ? size : 3;
            std::memcpy(buffer, text.data() + offset, n);
            return static_cast<std::int64_t>(n);
        });
    CHECK(read_all(*slow) == text);
    std::byte buffer[10];
    const auto answers = [&](std::int64_t answer) {
        return Source::from_callback(10, [=](std::uint64_t, void*, std::uint64_t) { return answer; })
            ->read(0, buffer)
            .error()
            .status;
    };
    CHECK(answers(-1) == SLUICE_E_CALLBACK_FAILED);
    CHECK(answers(11) == SLUICE_E_CALLBACK_FAILED);
    CHECK(answers(0) == SLUICE_E_IO);
}
