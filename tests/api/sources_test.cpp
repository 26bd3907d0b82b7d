// Where models come from: paths, descriptors, memory, a callback that may fail in every way.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/small_model.h"

using namespace sluice_test;

namespace {

// A read-at callback over the tiny model that can be told to misbehave.
struct Reader {
    const std::vector<std::byte>& bytes = model_bytes("tiny");
    std::function<std::int64_t(std::uint64_t n_calls, std::uint64_t size)> answer;  // empty: whole reads
    std::uint64_t n_calls = 0;
    int n_destroyed = 0;

    static std::int64_t read_at(void* user, std::uint64_t offset, void* buffer, std::uint64_t size) {
        auto& its = *static_cast<Reader*>(user);
        ++its.n_calls;
        std::int64_t n = static_cast<std::int64_t>(size);
        if (its.answer) n = its.answer(its.n_calls, size);
        if (offset > its.bytes.size()) return -1;
        if (n > 0 && static_cast<std::uint64_t>(n) <= size) {
            n = std::min<std::int64_t>(n, static_cast<std::int64_t>(its.bytes.size() - offset));
            std::memcpy(buffer, its.bytes.data() + offset, static_cast<std::size_t>(n));
        }
        return n;
    }
    static void destroy(void* user) { ++static_cast<Reader*>(user)->n_destroyed; }

    sluice_source source() {
        auto source = sized<sluice_source>();
        source.kind = SLUICE_SOURCE_CALLBACK;
        source.size = bytes.size();
        source.read_at = read_at;
        source.read_at_user = this;
        source.read_at_destroy = destroy;
        return source;
    }
};

std::int32_t open(sluice_engine* engine, const sluice_source& source, Handle<sluice_model>& model,
                  std::uint32_t flags = 0) {
    auto options = sized<sluice_model_options>();
    options.flags = flags;
    sluice_model* made = nullptr;
    sluice_error error = dirty_error();
    const std::int32_t status = sluice_model_open(engine, &source, &options, &made, &error);
    INFO(error.message);
    CHECK(is_whole(error, status));
    CHECK((made != nullptr) == (status == SLUICE_OK));
    model.reset(made);
    return status;
}

std::vector<float> logits_of_model(sluice_model* model) {
    const auto session = make_session(model, 8);
    REQUIRE(feed(session.get(), some_ids(6)) == SLUICE_OK);
    return logits_of(session.get());
}

// A folder of its own that is gone afterwards.
class Folder {
public:
    Folder() {
        char name[] = "/tmp/sluice_api_XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        path_ = name;
    }
    ~Folder() {
        for (const std::string& file : files_) ::unlink(file.c_str());
        ::rmdir(path_.c_str());
    }
    std::string file(const std::string& name) {
        files_.push_back(path_ + "/" + name);
        return files_.back();
    }
    const std::string& path() const { return path_; }

private:
    std::string path_;
    std::vector<std::string> files_;
};

void write_file(const std::string& path, std::size_t lead, const std::vector<std::byte>& bytes,
                std::size_t tail) {
    std::FILE* file = std::fopen(path.c_str(), "wb");
    REQUIRE(file != nullptr);
    const std::vector<char> around(lead + tail + 1, 'x');
    CHECK(std::fwrite(around.data(), 1, lead, file) == lead);
    CHECK(std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
    CHECK(std::fwrite(around.data(), 1, tail, file) == tail);
    CHECK(std::fclose(file) == 0);
}

std::int32_t write_random(const std::string& path, std::string_view kind, std::uint64_t seed) {
    sluice_error error = dirty_error();
    const std::int32_t status =
        sluice_random_model_write(path.data(), path.size(), kind.data(), kind.size(), seed, &error);
    CHECK(is_whole(error, status));
    return status;
}

}  // namespace

TEST_CASE("source: the model is the same wherever its bytes come from") {
    const auto engine = make_engine();
    const std::vector<float> expected = logits_of_model(open_model(engine.get(), "tiny").get());
    CHECK(same_bits(logits_of_model(open_model(engine.get(), "tiny", SLUICE_MODEL_READ).get()), expected));
    CHECK(same_bits(logits_of_model(open_model(engine.get(), "tiny", SLUICE_MODEL_SCAN).get()), expected));

    Folder folder;
    const std::string path = folder.file("inside.bin");
    const auto& bytes = model_bytes("tiny");
    write_file(path, 1000, bytes, 77);
    const int descriptor = ::open(path.c_str(), O_RDONLY);
    REQUIRE(descriptor >= 0);
    auto source = sized<sluice_source>();
    source.kind = SLUICE_SOURCE_DESCRIPTOR;
    source.descriptor = descriptor;
    source.offset = 1000;
    source.size = bytes.size();
    for (const std::uint32_t flags : {0u, SLUICE_MODEL_READ}) {
        Handle<sluice_model> model;
        REQUIRE(open(engine.get(), source, model, flags) == SLUICE_OK);
        CHECK(same_bits(logits_of_model(model.get()), expected));
    }
    Handle<sluice_model> model;
    source.size = bytes.size() + 78;
    CHECK(open(engine.get(), source, model) == SLUICE_E_INVALID_ARGUMENT);
    source.offset = 1u << 30;
    source.size = 0;
    CHECK(open(engine.get(), source, model) == SLUICE_E_INVALID_ARGUMENT);
    ::close(descriptor);
    source.offset = 0;
    CHECK(open(engine.get(), source, model) == SLUICE_E_IO);

    const std::string whole = folder.file("whole.gguf");
    write_file(whole, 0, bytes, 0);
    auto by_path = sized<sluice_source>();
    by_path.kind = SLUICE_SOURCE_PATH;
    by_path.path = whole.data();
    by_path.size = whole.size();
    REQUIRE(open(engine.get(), by_path, model) == SLUICE_OK);
    CHECK(same_bits(logits_of_model(model.get()), expected));
}

TEST_CASE("source: memory may begin at any address") {
    const auto engine = make_engine();
    const std::vector<float> expected = logits_of_model(open_model(engine.get(), "tiny").get());
    const auto& bytes = model_bytes("tiny");
    for (const std::size_t shift : {1u, 2u, 7u}) {
        std::vector<std::byte> moved(bytes.size() + shift);
        std::copy(bytes.begin(), bytes.end(), moved.begin() + static_cast<std::ptrdiff_t>(shift));
        auto source = sized<sluice_source>();
        source.kind = SLUICE_SOURCE_MEMORY;
        source.memory = moved.data() + shift;
        source.size = bytes.size();
        Handle<sluice_model> model;
        REQUIRE(open(engine.get(), source, model) == SLUICE_OK);
        CHECK(same_bits(logits_of_model(model.get()), expected));
    }
}

TEST_CASE("source: a read callback may give as little as it likes") {
    const auto engine = make_engine();
    const std::vector<float> expected = logits_of_model(open_model(engine.get(), "tiny").get());
    for (const std::int64_t most : {1, 7, 4096, 1 << 30}) {
        INFO("at most " << most);
        Reader reader;
        reader.answer = [&](std::uint64_t, std::uint64_t size) {
            return std::min<std::int64_t>(most, static_cast<std::int64_t>(size));
        };
        Handle<sluice_model> model;
        REQUIRE(open(engine.get(), reader.source(), model) == SLUICE_OK);
        const std::uint64_t n_calls = reader.n_calls;
        CHECK(same_bits(logits_of_model(model.get()), expected));
        CHECK(reader.n_calls == n_calls);
        model.reset();
        CHECK(reader.n_destroyed == 1);
    }
}

TEST_CASE("source: a read callback that fails anywhere fails the opening and nothing else") {
    const auto engine = make_engine();
    const auto check = [&](const char* what, std::int64_t wrong, std::int32_t expected) {
        INFO(what);
        for (std::uint64_t at = 1;; ++at) {
            Reader reader;
            reader.answer = [&](std::uint64_t n_calls, std::uint64_t size) {
                return n_calls != at ? static_cast<std::int64_t>(size)
                       : wrong == 2  ? static_cast<std::int64_t>(size) + 1
                                     : wrong;
            };
            Handle<sluice_model> model;
            const std::int32_t status = open(engine.get(), reader.source(), model);
            model.reset();
            CHECK(reader.n_destroyed == 1);
            if (reader.n_calls < at) {
                CHECK(status == SLUICE_OK);
                return;
            }
            CHECK(status == expected);
            if (status != expected) return;
        }
    };
    check("a negative number", -5, SLUICE_E_CALLBACK_FAILED);
    check("the least number", INT64_MIN, SLUICE_E_CALLBACK_FAILED);
    check("more than asked for", 2, SLUICE_E_CALLBACK_FAILED);
    check("an early end", 0, SLUICE_E_IO);
    CHECK(memory_used(engine.get()) == 0);
}

TEST_CASE("source: its user pointer is destroyed once whatever is wrong with the call") {
    const auto engine = make_engine();
    auto wrong_options = sized<sluice_model_options>();
    wrong_options.flags = 64;
    sluice_model* model = nullptr;
    sluice_tokenizer* tokenizer = nullptr;
    Reader reader;
    sluice_source source = reader.source();
    int expected = 0;
    CHECK(sluice_model_open(nullptr, &source, nullptr, &model, nullptr) < 0);
    CHECK(reader.n_destroyed == ++expected);
    CHECK(sluice_model_open(engine.get(), &source, nullptr, nullptr, nullptr) < 0);
    CHECK(reader.n_destroyed == ++expected);
    CHECK(sluice_model_open(engine.get(), &source, &wrong_options, &model, nullptr) < 0);
    CHECK(reader.n_destroyed == ++expected);
    CHECK(sluice_tokenizer_open(nullptr, &source, &tokenizer, nullptr) < 0);
    CHECK(reader.n_destroyed == ++expected);
    CHECK(sluice_tokenizer_open(engine.get(), &source, nullptr, nullptr) < 0);
    CHECK(reader.n_destroyed == ++expected);
    CHECK(sluice_tokenizer_open(engine.get(), &source, &tokenizer, nullptr) == SLUICE_OK);
    sluice_tokenizer_destroy(tokenizer);
    CHECK(reader.n_destroyed == ++expected);
    CHECK(sluice_model_plan(&source, nullptr, nullptr, nullptr) < 0);
    CHECK(reader.n_destroyed == ++expected);
    auto plan = sized<sluice_plan>();
    CHECK(sluice_model_plan(&source, nullptr, &plan, nullptr) == SLUICE_OK);
    CHECK(reader.n_destroyed == ++expected);
    source.kind = 77;
    CHECK(sluice_model_open(engine.get(), &source, nullptr, &model, nullptr) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(reader.n_destroyed == ++expected);
    source.kind = SLUICE_SOURCE_CALLBACK;
    source.read_at = nullptr;
    CHECK(sluice_model_open(engine.get(), &source, nullptr, &model, nullptr) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(reader.n_destroyed == ++expected);
    source.reserved0 = 1;
    CHECK(sluice_model_open(engine.get(), &source, nullptr, &model, nullptr) == SLUICE_E_UNSUPPORTED);
    CHECK(reader.n_destroyed == ++expected);
}

TEST_CASE("model: the progress callback can end the opening") {
    const auto engine = make_engine();
    const sluice_source source = memory_source(model_bytes("moe"));
    struct Progress {
        std::uint64_t n_calls = 0, cancel_at = 0, last = 0;
        bool is_sane = true;
        static std::int32_t told(void* user, std::uint64_t done, std::uint64_t total) {
            auto& its = *static_cast<Progress*>(user);
            its.is_sane = its.is_sane && done <= total && done >= its.last && total > 0;
            its.last = done;
            return ++its.n_calls == its.cancel_at ? -3 : 0;
        }
    };
    for (const std::uint32_t flags : {SLUICE_MODEL_READ, SLUICE_MODEL_SCAN}) {
        INFO("flags " << flags);
        Progress whole;
        auto options = sized<sluice_model_options>();
        options.flags = flags;
        options.progress = Progress::told;
        options.progress_user = &whole;
        sluice_model* model = nullptr;
        REQUIRE(sluice_model_open(engine.get(), &source, &options, &model, nullptr) == SLUICE_OK);
        sluice_model_close(model);
        CHECK(whole.n_calls > 0);
        CHECK(whole.is_sane);
        for (std::uint64_t at = 1; at <= whole.n_calls; at += 1 + whole.n_calls / 5) {
            Progress cut;
            cut.cancel_at = at;
            options.progress_user = &cut;
            sluice_error error = dirty_error();
            CHECK(sluice_model_open(engine.get(), &source, &options, &model, &error) == SLUICE_E_CANCELLED);
            CHECK(is_whole(error, SLUICE_E_CANCELLED));
            CHECK(model == nullptr);
            CHECK(cut.n_calls == at);
        }
    }
    CHECK(memory_used(engine.get()) == 0);
}

TEST_CASE("random model: the file is written whole or not at all") {
    Folder folder;
    const std::string path = folder.file("model.gguf");
    REQUIRE(write_random(path, "moe", 4) == SLUICE_OK);
    const auto engine = make_engine();
    sluice_model* made = nullptr;
    REQUIRE(sluice_model_open_path(engine.get(), path.data(), path.size(), nullptr, &made, nullptr) ==
            SLUICE_OK);
    sluice_model_close(made);
    CHECK(write_random("/no such folder/model.gguf", "moe", 4) < 0);
    CHECK(write_random(folder.path(), "moe", 4) < 0);
    CHECK(write_random("", "moe", 4) < 0);
    CHECK(write_random("/proc/model.gguf", "moe", 4) < 0);
    CHECK(write_random(path + std::string("\0x", 2), "moe", 4) == SLUICE_E_INVALID_ARGUMENT);
    const std::string other = folder.file("other.gguf");
    CHECK(write_random(other, "enormous", 4) == SLUICE_E_INVALID_ARGUMENT);
    struct stat status = {};
    CHECK(::stat(other.c_str(), &status) != 0);
}
