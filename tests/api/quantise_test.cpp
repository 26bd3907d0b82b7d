// sluice_quantise through the C API: every kind of source, the host's threads, progress and cancelling.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "api/folder.h"
#include "api/small_model.h"

using namespace sluice_test;

namespace {

std::string bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::int32_t quantise(sluice_engine* engine, const sluice_source& source, const std::string& path,
                      const sluice_quantise_options* options) {
    sluice_error error = dirty_error();
    const std::int32_t status = sluice_quantise(engine, &source, path.data(), path.size(), options, &error);
    INFO(error.message);
    CHECK(is_whole(error, status));
    return status;
}

sluice_quantise_options options_for(const char* type) {
    auto options = sized<sluice_quantise_options>();
    options.type = type;
    options.type_size = std::strlen(type);
    return options;
}

struct Reader {
    const std::vector<std::byte>& bytes = model_bytes("tiny");
    int n_destroyed = 0;

    static std::int64_t read_at(void* user, std::uint64_t offset, void* buffer, std::uint64_t size) {
        const auto& all = static_cast<Reader*>(user)->bytes;
        const std::uint64_t n = std::min<std::uint64_t>(size, all.size() - offset);
        std::memcpy(buffer, all.data() + offset, static_cast<std::size_t>(n));
        return static_cast<std::int64_t>(n);
    }
    static void destroy(void* user) { ++static_cast<Reader*>(user)->n_destroyed; }
};

}  // namespace

TEST_CASE("api: quantising gives the same file from every kind of source and any threads") {
    const Folder folder;
    const auto options = options_for("Q8_0");
    const sluice_source memory = memory_source(model_bytes("tiny"));
    REQUIRE(quantise(make_engine(1).get(), memory, folder.file("memory"), &options) == SLUICE_OK);
    const std::string expected = bytes_of(folder.file("memory"));
    REQUIRE(expected.size() > 1000);

    Reader reader;
    auto callback = sized<sluice_source>();
    callback.kind = SLUICE_SOURCE_CALLBACK;
    callback.size = reader.bytes.size();
    callback.read_at = Reader::read_at;
    callback.read_at_user = &reader;
    callback.read_at_destroy = Reader::destroy;
    REQUIRE(quantise(make_engine(3).get(), callback, folder.file("callback"), &options) == SLUICE_OK);
    CHECK(reader.n_destroyed == 1);
    CHECK((bytes_of(folder.file("callback")) == expected));

    const std::string path = folder.file("tiny.gguf");
    const auto& bytes = model_bytes("tiny");
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    auto named = sized<sluice_source>();
    named.kind = SLUICE_SOURCE_PATH;
    named.path = path.data();
    named.size = path.size();
    auto engine_with_executor = engine_options(2);
    engine_with_executor.executor = [](void*, sluice_task_fn task, void* context,
                                       std::uint32_t n) -> std::int32_t {
        for (std::uint32_t i = n; i > 0; --i) task(context, i - 1);
        return 0;
    };
    REQUIRE(quantise(make_engine(engine_with_executor).get(), named, folder.file("path"), &options) ==
            SLUICE_OK);
    CHECK((bytes_of(folder.file("path")) == expected));
}

TEST_CASE("api: quantising takes Q4_K_M where no type is given, and structs of older callers") {
    const Folder folder;
    const auto engine = make_engine();
    const sluice_source source = memory_source(model_bytes("tiny"));
    const auto named = options_for("Q4_K_M");
    auto older = sized<sluice_quantise_options>();
    older.struct_size = 8;
    REQUIRE(quantise(engine.get(), source, folder.file("named"), &named) == SLUICE_OK);
    REQUIRE(quantise(engine.get(), source, folder.file("null"), nullptr) == SLUICE_OK);
    REQUIRE(quantise(engine.get(), source, folder.file("older"), &older) == SLUICE_OK);
    CHECK((bytes_of(folder.file("named")) == bytes_of(folder.file("null"))));
    CHECK((bytes_of(folder.file("named")) == bytes_of(folder.file("older"))));
    auto newer = named;
    newer.reserved[1] = 1;
    CHECK(quantise(engine.get(), source, folder.file("newer"), &newer) == SLUICE_E_UNSUPPORTED);
    newer = named;
    newer.struct_size = 0;
    CHECK(quantise(engine.get(), source, folder.file("newer"), &newer) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(folder.n_files() == 3);
}

TEST_CASE("api: quantising can be watched and cancelled, and gives its memory back") {
    const Folder folder;
    const auto engine = make_engine(2);
    const sluice_source source = memory_source(model_bytes("tiny"));
    auto options = options_for("Q8_0");
    std::uint64_t n_calls = 0;
    options.progress_user = &n_calls;
    options.progress = [](void* user, std::uint64_t, std::uint64_t) -> std::int32_t {
        return ++*static_cast<std::uint64_t*>(user) == 3;
    };
    CHECK(quantise(engine.get(), source, folder.file("out"), &options) == SLUICE_E_CANCELLED);
    CHECK(n_calls == 3);
    CHECK(folder.n_files() == 0);
    CHECK(quantise(engine.get(), source, folder.file("out"), &options) == SLUICE_OK);
    CHECK(n_calls > 10);
    auto info = sized<sluice_engine_info>();
    REQUIRE(sluice_engine_describe(engine.get(), &info, nullptr) == SLUICE_OK);
    CHECK(info.memory_used == 0);
}

TEST_CASE("api: quantising an executor's refusal or a reader's failure leaves no file") {
    const Folder folder;
    auto options = engine_options(2);
    options.executor = [](void*, sluice_task_fn, void*, std::uint32_t) -> std::int32_t { return 1; };
    const sluice_source source = memory_source(model_bytes("moe"));
    CHECK(quantise(make_engine(options).get(), source, folder.file("out"), nullptr) ==
          SLUICE_E_CALLBACK_FAILED);

    Reader reader;
    auto callback = sized<sluice_source>();
    callback.kind = SLUICE_SOURCE_CALLBACK;
    callback.size = reader.bytes.size();
    callback.read_at = [](void* user, std::uint64_t offset, void* buffer, std::uint64_t size) -> std::int64_t {
        if (offset > static_cast<Reader*>(user)->bytes.size() / 2) return -1;
        return Reader::read_at(user, offset, buffer, size);
    };
    callback.read_at_user = &reader;
    callback.read_at_destroy = Reader::destroy;
    CHECK(quantise(make_engine().get(), callback, folder.file("out"), nullptr) == SLUICE_E_CALLBACK_FAILED);
    CHECK(reader.n_destroyed == 1);
    CHECK(folder.n_files() == 0);
}
