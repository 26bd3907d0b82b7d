// Structs that cross the boundary: older callers, newer callers, callers who forgot something.
#include <functional>

#include "api/small_model.h"

using namespace sluice_test;

namespace {

// Struct in a block that ends exactly where size says, so that AddressSanitizer sees a read behind it.
template <class Struct>
class Padded {
public:
    explicit Padded(std::uint32_t size, std::uint32_t block_size) : block_((block_size + 7) / 8) {
        std::memcpy(block_.data(), &size, sizeof size);
    }
    Struct* get() { return reinterpret_cast<Struct*>(block_.data()); }
    unsigned char* bytes() { return reinterpret_cast<unsigned char*>(block_.data()); }

private:
    std::vector<std::uint64_t> block_;
};

template <class Options>
void check_options(const char* what, const std::function<std::int32_t(const Options*, sluice_error*)>& call) {
    INFO(what);
    const auto status_for = [&](std::uint32_t size, std::uint32_t block_size, bool dirty_end) {
        Padded<Options> options(size, block_size);
        if (dirty_end) options.bytes()[block_size - 1] = 1;
        sluice_error error = dirty_error();
        const std::int32_t status = call(options.get(), &error);
        INFO(error.message);
        CHECK(is_whole(error, status));
        return status;
    };
    CHECK(status_for(0, 8, false) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(status_for(4, 8, false) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(status_for(sizeof(Options) - 1, sizeof(Options), false) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(status_for(1u << 20, 8, false) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(status_for(0xFFFFFFFFu, 8, false) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(status_for(8, 8, false) == SLUICE_OK);
    CHECK(status_for(sizeof(Options), sizeof(Options), false) == SLUICE_OK);
    CHECK(status_for(sizeof(Options) + 64, sizeof(Options) + 64, false) == SLUICE_OK);
    CHECK(status_for(sizeof(Options) + 64, sizeof(Options) + 64, true) == SLUICE_E_UNSUPPORTED);
}

template <class Info>
void check_info(const char* what, const std::function<std::int32_t(Info*, sluice_error*)>& call) {
    INFO(what);
    for (const std::uint32_t size : {0u, 4u, 1u << 20, 0xFFFFFFFFu}) {
        Padded<Info> info(size, 8);
        sluice_error error = dirty_error();
        CHECK(call(info.get(), &error) == SLUICE_E_INVALID_ARGUMENT);
        CHECK(is_whole(error, SLUICE_E_INVALID_ARGUMENT));
    }
    const auto found_size = [](Padded<Info>& info) {
        std::uint32_t size = 0;
        std::memcpy(&size, info.bytes(), sizeof size);
        return size;
    };
    Padded<Info> older(8, sizeof(Info));
    CHECK(call(older.get(), nullptr) == SLUICE_OK);
    CHECK(found_size(older) == 8);
    for (std::size_t i = 8; i < sizeof(Info); ++i) {
        if (older.bytes()[i] != 0) FAIL("byte " << i << " was written for a caller that does not know it");
    }
    constexpr std::uint32_t kNewer = sizeof(Info) + 64;
    Padded<Info> newer(kNewer, kNewer);
    std::memset(newer.bytes() + 4, 0xEE, kNewer - 4);
    CHECK(call(newer.get(), nullptr) == SLUICE_OK);
    CHECK(found_size(newer) == kNewer);
    for (std::size_t i = sizeof(Info); i < kNewer; ++i) {
        if (newer.bytes()[i] != 0) FAIL("byte " << i << " of a newer caller was left undefined");
    }
}

template <class Options>
void check_unsupported(const char* what, const std::function<std::int32_t(const Options*)>& call,
                       const std::vector<std::function<void(Options&)>>& changes) {
    for (std::size_t i = 0; i < changes.size(); ++i) {
        INFO(what << ", change " << i);
        auto options = sized<Options>();
        changes[i](options);
        CHECK(call(&options) == SLUICE_E_UNSUPPORTED);
    }
}

std::int32_t create_engine(const sluice_engine_options* options, sluice_error* error) {
    sluice_engine* engine = nullptr;
    const std::int32_t status = sluice_engine_create(options, &engine, error);
    CHECK((engine != nullptr) == (status == SLUICE_OK));
    sluice_engine_destroy(engine);
    return status;
}

std::int32_t create_parser(const sluice_output_parser_options* options, sluice_error* error) {
    sluice_output_parser* made = nullptr;
    const std::int32_t status = sluice_output_parser_create(options, &made, error);
    CHECK((made != nullptr) == (status == SLUICE_OK));
    sluice_output_parser_destroy(made);
    return status;
}

struct Opened {
    Handle<sluice_engine> engine = make_engine();
    Handle<sluice_model> model = open_model(engine.get(), "tiny");

    std::int32_t open(const sluice_model_options* options, sluice_error* error) const {
        const sluice_source source = memory_source(model_bytes("tiny"));
        sluice_model* made = nullptr;
        const std::int32_t status = sluice_model_open(engine.get(), &source, options, &made, error);
        CHECK((made != nullptr) == (status == SLUICE_OK));
        sluice_model_close(made);
        return status;
    }
    std::int32_t open_from(const sluice_source* source, sluice_error* error) const {
        sluice_model* made = nullptr;
        const std::int32_t status = sluice_model_open(engine.get(), source, nullptr, &made, error);
        CHECK((made != nullptr) == (status == SLUICE_OK));
        sluice_model_close(made);
        return status;
    }
    std::int32_t plan(const sluice_plan_options* options, sluice_error* error) const {
        const sluice_source source = memory_source(model_bytes("tiny"));
        auto filled = sized<sluice_plan>();
        return sluice_model_plan(&source, options, &filled, error);
    }
    std::int32_t create_cache(const sluice_kv_cache_options* options, sluice_error* error) const {
        sluice_kv_cache* made = nullptr;
        const std::int32_t status = sluice_kv_cache_create(model.get(), options, &made, error);
        CHECK((made != nullptr) == (status == SLUICE_OK));
        sluice_kv_cache_destroy(made);
        return status;
    }
    std::int32_t create_batch(const sluice_batch_options* options, sluice_error* error) const {
        sluice_batch* made = nullptr;
        const std::int32_t status = sluice_batch_create(model.get(), options, &made, error);
        CHECK((made != nullptr) == (status == SLUICE_OK));
        sluice_batch_destroy(made);
        return status;
    }
    std::int32_t create_session(const sluice_session_options* options, sluice_error* error) const {
        sluice_session* made = nullptr;
        const std::int32_t status = sluice_session_create(model.get(), nullptr, options, &made, error);
        CHECK((made != nullptr) == (status == SLUICE_OK));
        sluice_session_destroy(made);
        return status;
    }
    std::int32_t create_session_sampling(const sluice_sampling* sampling, sluice_error* error) const {
        auto options = sized<sluice_session_options>();
        options.sampling = sampling;
        return create_session(&options, error);
    }
};

}  // namespace

TEST_CASE("api: option structs of older and newer callers are understood or refused") {
    const Opened its;
    check_options<sluice_engine_options>("engine", create_engine);
    check_options<sluice_model_options>("model", [&](auto* o, auto* e) { return its.open(o, e); });
    check_options<sluice_plan_options>("plan", [&](auto* o, auto* e) { return its.plan(o, e); });
    check_options<sluice_kv_cache_options>("cache", [&](auto* o, auto* e) { return its.create_cache(o, e); });
    check_options<sluice_session_options>("session",
                                          [&](auto* o, auto* e) { return its.create_session(o, e); });
    check_options<sluice_batch_options>("batch", [&](auto* o, auto* e) { return its.create_batch(o, e); });
    check_options<sluice_sampling>("sampling",
                                   [&](auto* o, auto* e) { return its.create_session_sampling(o, e); });
    check_options<sluice_output_parser_options>("output parser", create_parser);
    const auto session = make_session(its.model.get(), 8);
    check_options<sluice_session_options>(
        "configure", [&](auto* o, auto* e) { return sluice_session_configure(session.get(), o, e); });
}

TEST_CASE("api: result structs are filled as far as both sides know") {
    const Opened its;
    const auto session = make_session(its.model.get(), 8);
    const auto cache = make_cache(its.model.get(), 8);
    sluice_router* made_router = nullptr;
    REQUIRE(sluice_router_of_model(its.model.get(), &made_router, nullptr) == SLUICE_OK);
    const Handle<sluice_router> router(made_router);
    sluice_tokenizer* made_tokenizer = nullptr;
    REQUIRE(sluice_tokenizer_of_model(its.model.get(), &made_tokenizer, nullptr) == SLUICE_OK);
    const Handle<sluice_tokenizer> tokenizer(made_tokenizer);
    const sluice_source source = memory_source(model_bytes("tiny"));
    REQUIRE(feed(session.get(), {20}) == SLUICE_OK);

    check_info<sluice_engine_info>(
        "engine", [&](auto* i, auto* e) { return sluice_engine_describe(its.engine.get(), i, e); });
    check_info<sluice_model_info>(
        "model", [&](auto* i, auto* e) { return sluice_model_describe(its.model.get(), i, e); });
    check_info<sluice_tensor_info>(
        "tensor", [&](auto* i, auto* e) { return sluice_model_tensor(its.model.get(), 0, i, e); });
    check_info<sluice_plan>("plan",
                            [&](auto* i, auto* e) { return sluice_model_plan(&source, nullptr, i, e); });
    check_info<sluice_tokenizer_info>(
        "tokenizer", [&](auto* i, auto* e) { return sluice_tokenizer_describe(tokenizer.get(), i, e); });
    check_info<sluice_kv_cache_info>(
        "cache", [&](auto* i, auto* e) { return sluice_kv_cache_describe(cache.get(), i, e); });
    check_info<sluice_router_info>(
        "router", [&](auto* i, auto* e) { return sluice_router_describe(router.get(), i, e); });
    check_info<sluice_sampling>("sampling", [&](auto* i, auto* e) {
        return sluice_session_recommended_sampling(its.model.get(), i, e);
    });
    check_info<sluice_event>("event",
                             [&](auto* i, auto* e) { return sluice_session_next(session.get(), i, e); });
    sluice_output_parser* made_parser = nullptr;
    REQUIRE(sluice_output_parser_create(nullptr, &made_parser, nullptr) == SLUICE_OK);
    const Handle<sluice_output_parser> parser(made_parser);
    check_info<sluice_output_event>(
        "output event", [&](auto* i, auto* e) { return sluice_output_parser_next(parser.get(), i, e); });
    check_info<sluice_statistics>(
        "statistics", [&](auto* i, auto* e) { return sluice_session_statistics(session.get(), i, e); });
}

TEST_CASE("api: an event struct of a wrong size costs no token") {
    const Opened its;
    const auto session = make_session(its.model.get(), 8);
    REQUIRE(feed(session.get(), {20}) == SLUICE_OK);
    sluice_event event = {};
    CHECK(sluice_session_next(session.get(), &event, nullptr) == SLUICE_E_INVALID_ARGUMENT);
    const NextEvent found = next(session.get());
    CHECK(found.event.n_tokens == 1);
}

TEST_CASE("api: reserved fields that are set are refused") {
    const Opened its;
    int thing = 0;
    check_unsupported<sluice_engine_options>(
        "engine", [](auto* o) { return create_engine(o, nullptr); },
        {[](auto& o) { o.reserved0 = 1; }, [](auto& o) { o.reserved[0] = 1; },
         [](auto& o) { o.reserved[1] = 1; }, [&](auto& o) { o.reserved_pointer = &thing; }});
    check_unsupported<sluice_model_options>(
        "model", [&](auto* o) { return its.open(o, nullptr); },
        {[](auto& o) { o.reserved0 = 1; }, [](auto& o) { o.reserved[0] = 1; }});
    check_unsupported<sluice_plan_options>(
        "plan", [&](auto* o) { return its.plan(o, nullptr); },
        {[](auto& o) { o.reserved[0] = 1; }, [](auto& o) { o.reserved[1] = 1; }});
    check_unsupported<sluice_kv_cache_options>(
        "cache", [&](auto* o) { return its.create_cache(o, nullptr); },
        {[](auto& o) { o.reserved0 = 1; }, [](auto& o) { o.reserved[0] = 1; },
         [](auto& o) { o.reserved[3] = 1; }});
    check_unsupported<sluice_batch_options>(
        "batch", [&](auto* o) { return its.create_batch(o, nullptr); },
        {[](auto& o) { o.reserved0 = 1; }, [](auto& o) { o.reserved[3] = 1; }});
    check_unsupported<sluice_session_options>(
        "session", [&](auto* o) { return its.create_session(o, nullptr); },
        {[](auto& o) { o.reserved[0] = 1; }, [](auto& o) { o.reserved[1] = 1; },
         [&](auto& o) { o.reserved_pointer = &thing; }});
    check_unsupported<sluice_sampling>(
        "sampling", [&](auto* o) { return its.create_session_sampling(o, nullptr); },
        {[](auto& o) { o.reserved[0] = 1; }, [](auto& o) { o.reserved[1] = 1; }});
    check_unsupported<sluice_output_parser_options>(
        "output parser", [](auto* o) { return create_parser(o, nullptr); },
        {[](auto& o) { o.reserved[0] = 1; }, [](auto& o) { o.reserved[1] = 1; },
         [&](auto& o) { o.reserved_pointer = &thing; }, [](auto& o) { o.flags = 8; }});
    const auto from_memory = [](auto& source) {
        source.kind = SLUICE_SOURCE_MEMORY;
        source.memory = model_bytes("tiny").data();
        source.size = model_bytes("tiny").size();
    };
    check_unsupported<sluice_source>(
        "source", [&](auto* source) { return its.open_from(source, nullptr); },
        {[&](auto& s) { from_memory(s), s.reserved0 = 1; }, [&](auto& s) { from_memory(s), s.reserved[0] = 1; },
         [&](auto& s) { from_memory(s), s.reserved_pointer = &thing; }});
}

TEST_CASE("api: flags and types of a newer version are refused") {
    const Opened its;
    check_unsupported<sluice_model_options>(
        "model", [&](auto* o) { return its.open(o, nullptr); },
        {[](auto& o) { o.flags = 4; }, [](auto& o) { o.flags = 1u << 31; }});
    check_unsupported<sluice_plan_options>(
        "plan", [&](auto* o) { return its.plan(o, nullptr); },
        {[](auto& o) { o.flags = SLUICE_MODEL_SCAN; }, [](auto& o) { o.key_type = 9; },
         [](auto& o) { o.value_type = -1; }});
    check_unsupported<sluice_kv_cache_options>(
        "cache", [&](auto* o) { return its.create_cache(o, nullptr); },
        {[](auto& o) { o.key_type = 3; }, [](auto& o) { o.value_type = -1; }});
    check_unsupported<sluice_session_options>(
        "session", [&](auto* o) { return its.create_session(o, nullptr); }, {[](auto& o) { o.flags = 4; }});
    const auto session = make_session(its.model.get(), 8);
    CHECK(sluice_session_trace(session.get(), 8, nullptr) == SLUICE_E_UNSUPPORTED);
    CHECK(sluice_session_feed_text(session.get(), "a", 1, 4, nullptr) == SLUICE_E_UNSUPPORTED);
    sluice_tokenizer* made = nullptr;
    REQUIRE(sluice_tokenizer_of_model(its.model.get(), &made, nullptr) == SLUICE_OK);
    const Handle<sluice_tokenizer> tokenizer(made);
    std::uint64_t needed = 0;
    std::int32_t id = 20;
    CHECK(sluice_tokenizer_encode(made, "a", 1, 4, nullptr, 0, &needed, nullptr) == SLUICE_E_UNSUPPORTED);
    CHECK(sluice_tokenizer_decode(made, &id, 1, 2, nullptr, 0, &needed, nullptr) == SLUICE_E_UNSUPPORTED);
}

TEST_CASE("api: activations that there are not are refused, with their number") {
    const Opened its;
    for (const std::int32_t activations : {-1, 3, 2147483647, -2147483647 - 1}) {
        auto options = sized<sluice_model_options>();
        options.activations = activations;
        sluice_error error = dirty_error();
        CHECK(its.open(&options, &error) == SLUICE_E_INVALID_ARGUMENT);
        CHECK(is_whole(error, SLUICE_E_INVALID_ARGUMENT));
        CHECK(std::string(error.message).find("activations") != std::string::npos);
        CHECK(std::string(error.message).find(std::to_string(activations)) != std::string::npos);
    }
}

TEST_CASE("api: an error record is whole however long what it names") {
    const auto engine = make_engine();
    const std::string key(3000, 'k');
    const auto model = open_model(engine.get(), "tiny");
    std::uint64_t needed = 0;
    sluice_error error = dirty_error();
    CHECK(sluice_model_metadata(model.get(), key.data(), key.size(), nullptr, 0, &needed, &error) ==
          SLUICE_E_NOT_FOUND);
    CHECK(is_whole(error, SLUICE_E_NOT_FOUND));
    const std::string path = "/no such folder/\xC3\xA4\xFF\n" + std::string(600, 'x');
    sluice_model* none = nullptr;
    error = dirty_error();
    const std::int32_t status =
        sluice_model_open_path(engine.get(), path.data(), path.size(), nullptr, &none, &error);
    CHECK(status < 0);
    CHECK(is_whole(error, status));
    CHECK(std::string_view(error.message).find('\n') == std::string_view::npos);
}

TEST_CASE("api: a fault in a file is told with the place where it was found") {
    const auto engine = make_engine();
    std::vector<std::byte> bytes = model_bytes("tiny");
    bytes[4] = std::byte{99};
    const sluice_source source = memory_source(bytes);
    sluice_model* none = nullptr;
    sluice_error error = dirty_error();
    CHECK(sluice_model_open(engine.get(), &source, nullptr, &none, &error) == SLUICE_E_UNSUPPORTED);
    CHECK(is_whole(error, SLUICE_E_UNSUPPORTED));
    CHECK(error.file_offset == 4);
    error = dirty_error();
    CHECK(sluice_engine_describe(engine.get(), nullptr, &error) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(error.file_offset == -1);
    CHECK(error.subsystem == SLUICE_SUBSYSTEM_API);
}

TEST_CASE("api: every status has a name and no other number has one") {
    CHECK(std::string(sluice_status_name(SLUICE_OK)) == "SLUICE_OK");
    for (std::int32_t status = SLUICE_E_INTERNAL; status < 0; ++status) {
        CHECK(std::string(sluice_status_name(status)).rfind("SLUICE_E_", 0) == 0);
        CHECK(std::string(sluice_status_name(status)) != "SLUICE_E_UNKNOWN");
    }
    for (const std::int32_t status : {1, -16, -2147483647 - 1, 2147483647}) {
        CHECK(std::string(sluice_status_name(status)) == "SLUICE_E_UNKNOWN");
    }
}
