// Opens a tiny model and talks to it while the N-th allocation of the whole way fails, for N = 1, 2, 3, ...:
// each call either succeeds or answers OUT_OF_MEMORY and leaves everything as it was, so that the same call
// succeeds when it is made again. out_of_memory [FIRST [STEP]] begins with the FIRST, tries every STEP-th.
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <sluice/experimental.h>
#include <sluice/sluice.h>

#include "model/random_model.h"
#include "support/small_tokenizer.h"

namespace {

std::atomic<std::uint64_t> n_calls{0};
std::atomic<std::uint64_t> fails_at{0};  // 0: never
std::atomic<std::int64_t> n_living{0};
int n_faults = 0;

bool fails_now() {
    const std::uint64_t call = n_calls.fetch_add(1, std::memory_order_relaxed) + 1;
    return call == fails_at.load(std::memory_order_relaxed);
}

void expect(bool holds, const char* what) {
    if (holds) return;
    ++n_faults;
    std::fprintf(stderr, "with allocation %llu failing: %s\n", static_cast<unsigned long long>(fails_at.load()),
                 what);
}

}  // namespace

// LeakSanitizer asks for this: blocks that oneDNN loses are counted by nobody (see kWays).
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
    return "leak:libdnnl.so\n";
}

extern "C" {
void* __real_malloc(std::size_t size);
void* __real_calloc(std::size_t count, std::size_t size);
void* __real_realloc(void* block, std::size_t size);
// The library's own calls; the C++ library's go through operator new below.
void* __wrap_malloc(std::size_t size) {
    return fails_now() ? nullptr : __real_malloc(size);
}
void* __wrap_calloc(std::size_t count, std::size_t size) {
    return fails_now() ? nullptr : __real_calloc(count, size);
}
void* __wrap_realloc(void* block, std::size_t size) {
    return fails_now() ? nullptr : __real_realloc(block, size);
}
}

namespace {

void* take(std::size_t size, std::size_t alignment) noexcept {
    if (fails_now()) return nullptr;
    void* block = alignment == 0 ? __real_malloc(size > 0 ? size : 1)
                                 : std::aligned_alloc(alignment, (size / alignment + 1) * alignment);
    if (block != nullptr) n_living.fetch_add(1, std::memory_order_relaxed);
    return block;
}

void* take_or_throw(std::size_t size, std::size_t alignment) {
    void* block = take(size, alignment);
    if (block == nullptr) throw std::bad_alloc();
    return block;
}

void give_back(void* block) noexcept {
    if (block != nullptr) n_living.fetch_sub(1, std::memory_order_relaxed);
    std::free(block);
}

}  // namespace

void* operator new(std::size_t size) {
    return take_or_throw(size, 0);
}
void* operator new[](std::size_t size) {
    return take_or_throw(size, 0);
}
void* operator new(std::size_t size, std::align_val_t unit) {
    return take_or_throw(size, static_cast<std::size_t>(unit));
}
void* operator new[](std::size_t size, std::align_val_t unit) {
    return take_or_throw(size, static_cast<std::size_t>(unit));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return take(size, 0);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return take(size, 0);
}
void operator delete(void* block) noexcept {
    give_back(block);
}
void operator delete[](void* block) noexcept {
    give_back(block);
}
void operator delete(void* block, std::size_t) noexcept {
    give_back(block);
}
void operator delete[](void* block, std::size_t) noexcept {
    give_back(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
    give_back(block);
}
void operator delete[](void* block, std::align_val_t) noexcept {
    give_back(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
    give_back(block);
}
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept {
    give_back(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
    give_back(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
    give_back(block);
}

namespace {

template <class Struct>
Struct sized() {
    Struct value = {};
    value.struct_size = sizeof value;
    return value;
}

// Makes a call that may run out of memory, and once more where it did.
template <class Call>
bool twice(const char* what, Call&& call) {
    for (int attempt = 0; attempt < 2; ++attempt) {
        sluice_error error;
        std::memset(&error, 0x5A, sizeof error);
        const std::int32_t status = call(&error);
        expect(status == error.status, what);
        if (status == SLUICE_OK) return true;
        if (status != SLUICE_E_OUT_OF_MEMORY || attempt == 1) {
            expect(false, what);
            std::fprintf(stderr, "    %s: %s\n", sluice_status_name(status), error.message);
            return false;
        }
        expect(error.message[0] != '\0', what);
    }
    return false;
}

struct Outcome {
    std::vector<float> logits;
    std::vector<std::int32_t> ids;
    bool operator==(const Outcome&) const = default;
};

// With room for what the tiny model says, so that no allocation of the test's own is made on the way.
Outcome empty_outcome() {
    Outcome outcome;
    outcome.ids.reserve(4);
    outcome.logits.resize(288);
    return outcome;
}

struct Material {
    std::vector<std::byte> model;
    std::string tokenizer_json;
};

int n_destroyed = 0;

void talk(sluice_session* session, Outcome& outcome) {
    const std::int32_t ids[] = {20, 21, 22};
    if (!twice("feed", [&](auto* e) { return sluice_session_feed(session, ids, 3, e); })) return;
    for (int i = 0; i < 2; ++i) {
        auto event = sized<sluice_event>();
        if (!twice("next", [&](auto* e) { return sluice_session_next(session, &event, e); })) return;
        expect(event.kind == SLUICE_EVENT_TEXT, "next gives a token");
        outcome.ids.push_back(event.token_id);
    }
    twice("feed_text", [&](auto* e) { return sluice_session_feed_text(session, "ab<|im_end|>", 12, 0, e); });
    twice("configure", [&](auto* e) { return sluice_session_configure(session, nullptr, e); });
    twice("trace", [&](auto* e) { return sluice_session_trace(session, 7, e); });
    twice("traced feed", [&](auto* e) { return sluice_session_feed(session, ids, 3, e); });
    std::uint64_t needed = 0;
    twice("logits", [&](auto* e) { return sluice_session_logits(session, nullptr, 0, &needed, e); });
    if (outcome.logits.size() != needed) return;
    twice("logits",
          [&](auto* e) { return sluice_session_logits(session, outcome.logits.data(), needed, &needed, e); });
}

void step_together(sluice_model* model, sluice_session* session) {
    auto options = sized<sluice_batch_options>();
    options.max_sessions = 2;
    options.max_tokens = 4;
    sluice_batch* batch = nullptr;
    if (!twice("batch_create", [&](auto* e) { return sluice_batch_create(model, &options, &batch, e); }))
        return;
    const std::int32_t ids[] = {20, 21, 22, 23, 24};
    if (twice("queue", [&](auto* e) { return sluice_session_queue(session, ids, 5, e); })) {
        auto event = sized<sluice_event>();
        std::int32_t status = 0;
        for (int i = 0; i < 3; ++i) {
            twice("step", [&](auto* e) { return sluice_batch_step(batch, &session, 1, &event, &status, e); });
        }
    }
    sluice_batch_destroy(batch);
}

void use_tokenizer(sluice_tokenizer* tokenizer) {
    std::int32_t ids[32];
    char text[64];
    std::uint64_t n_ids = 0;
    std::uint64_t size = 0;
    if (!twice("encode", [&](auto* e) {
            return sluice_tokenizer_encode(tokenizer, "ab c\xC3", 5, 0, ids, 32, &n_ids, e);
        }))
        return;
    twice("decode",
          [&](auto* e) { return sluice_tokenizer_decode(tokenizer, ids, n_ids, 0, text, 64, &size, e); });
}

void use_model(sluice_engine* engine, const sluice_source& source, std::uint32_t flags, Outcome& outcome) {
    auto model_options = sized<sluice_model_options>();
    model_options.flags = flags;
    sluice_model* model = nullptr;
    if (!twice("model_open",
               [&](auto* e) { return sluice_model_open(engine, &source, &model_options, &model, e); }))
        return;
    auto info = sized<sluice_model_info>();
    std::uint64_t needed = 0;
    twice("describe", [&](auto* e) { return sluice_model_describe(model, &info, e); });
    twice("metadata",
          [&](auto* e) { return sluice_model_metadata(model, "general.name", 12, nullptr, 0, &needed, e); });
    sluice_tokenizer* tokenizer = nullptr;
    if (twice("of_model", [&](auto* e) { return sluice_tokenizer_of_model(model, &tokenizer, e); }))
        use_tokenizer(tokenizer);
    sluice_router* router = nullptr;
    twice("router", [&](auto* e) { return sluice_router_of_model(model, &router, e); });
    sluice_kv_cache* cache = nullptr;
    twice("cache", [&](auto* e) { return sluice_kv_cache_create(model, nullptr, &cache, e); });

    auto sampling = sized<sluice_sampling>();
    sampling.mode = SLUICE_SAMPLING_PLAIN;
    sampling.seed = 9;
    sampling.top_k = 20;
    sampling.dry_multiplier = 0.5F;
    const sluice_text stop = {4, "stop"};
    auto options = sized<sluice_session_options>();
    options.flags = SLUICE_SESSION_IGNORE_STOP_TOKENS;
    options.chunk_size = 4;
    options.n_top_log_probabilities = 3;
    options.sampling = &sampling;
    options.stop_strings = &stop;
    options.n_stop_strings = 1;
    sluice_session* session = nullptr;
    if (twice("session", [&](auto* e) { return sluice_session_create(model, cache, &options, &session, e); })) {
        talk(session, outcome);
        step_together(model, session);
    }
    sluice_session_destroy(session);
    sluice_kv_cache_destroy(cache);
    sluice_router_destroy(router);
    sluice_tokenizer_destroy(tokenizer);
    sluice_model_close(model);
}

// A parser whose memory ran out says so from then on; a new one reads the output.
void use_output_parser() {
    constexpr std::string_view kOutput =
        "<think>a long enough thought</think>\xC3<|tool_call_start|>[f(a={'b': (1,)}, c=x), "
        "f()]<|tool_call_end|>";
    auto options = sized<sluice_output_parser_options>();
    options.tools = R"([{"name": "f", "parameters": {"properties": {"a": {}}}}])";
    options.tools_size = std::strlen(options.tools);
    for (int attempt = 0; attempt < 2; ++attempt) {
        sluice_output_parser* parser = nullptr;
        if (!twice("parser", [&](auto* e) { return sluice_output_parser_create(&options, &parser, e); }))
            return;
        std::int32_t status = sluice_output_parser_push(parser, kOutput.data(), kOutput.size(), nullptr);
        if (status == SLUICE_OK) status = sluice_output_parser_finish(parser, nullptr);
        if (status == SLUICE_E_OUT_OF_MEMORY)
            expect(sluice_output_parser_push(parser, "x", 1, nullptr) == SLUICE_E_STATE, "no push afterwards");
        auto event = sized<sluice_output_event>();
        int n_valid = 0;
        while (sluice_output_parser_next(parser, &event, nullptr) == SLUICE_OK &&
               event.kind != SLUICE_EVENT_NONE)
            n_valid += event.kind == SLUICE_EVENT_TOOL_CALL_END ? event.valid : 0;
        expect(status != SLUICE_OK || (event.kind == SLUICE_EVENT_NONE && n_valid == 1), "all events");
        sluice_output_parser_destroy(parser);
        if (status == SLUICE_OK) return;
        expect(status == SLUICE_E_OUT_OF_MEMORY && attempt == 0, "push and finish");
    }
}

struct Way {
    std::uint32_t flags;       // of the model
    std::string_view kernels;  // empty: the best
    bool gives_everything_back;
};

// oneDNN 2.6, which the best kernels bring along, loses blocks of its own at some ten of its allocations when
// they fail. So what is living is counted without it; what it answers is looked at in a way of its own.
constexpr Way kWays[] = {
    {0, "scalar", true}, {SLUICE_MODEL_READ | SLUICE_MODEL_SCAN, "scalar", true}, {0, "", false}};

void run(const Material& material, const Way& way, Outcome& outcome) {
    auto options = sized<sluice_engine_options>();
    options.kernels = way.kernels.data();
    options.kernels_size = way.kernels.size();
    options.n_threads = 3;
    options.log_level = SLUICE_LOG_DEBUG;
    options.log = [](void*, std::int32_t, const char*, std::uint64_t) {};
    options.log_destroy = [](void*) { ++n_destroyed; };
    sluice_engine* engine = nullptr;
    int n_attempts = 0;
    n_destroyed = 0;
    if (!twice("engine", [&](auto* e) { return ++n_attempts, sluice_engine_create(&options, &engine, e); }))
        return;
    expect(n_destroyed == n_attempts - 1, "the log's pointer of the engine that failed is destroyed");
    auto source = sized<sluice_source>();
    source.kind = SLUICE_SOURCE_MEMORY;
    source.memory = material.model.data();
    source.size = material.model.size();
    auto plan = sized<sluice_plan>();
    twice("plan", [&](auto* e) { return sluice_model_plan(&source, nullptr, &plan, e); });
    use_model(engine, source, way.flags, outcome);
    if (way.flags != 0) use_output_parser();  // once is enough

    source.memory = material.tokenizer_json.data();
    source.size = material.tokenizer_json.size();
    sluice_tokenizer* tokenizer = nullptr;
    if (twice("tokenizer_open",
              [&](auto* e) { return sluice_tokenizer_open(engine, &source, &tokenizer, e); })) {
        use_tokenizer(tokenizer);
    }
    sluice_tokenizer_destroy(tokenizer);
    auto info = sized<sluice_engine_info>();
    twice("engine_describe", [&](auto* e) { return sluice_engine_describe(engine, &info, e); });
    expect(info.memory_used == 0, "all memory is given back to the budget");
    sluice_engine_destroy(engine);
    expect(n_destroyed == n_attempts, "the log's pointer is destroyed with the engine");
}

}  // namespace

int main(int argc, char** argv) {
    std::uint64_t step = 1;
    std::uint64_t first = 1;
    if (argc >= 2) std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), first);
    if (argc >= 3) std::from_chars(argv[2], argv[2] + std::strlen(argv[2]), step);
    if (first == 0 || step == 0) return 2;
    Material material;
    auto bytes = sluice::random_model_bytes("tiny", 11);
    if (!bytes) return 2;
    material.model = std::move(*bytes);
    material.tokenizer_json = sluice_test::small_tokenizer_json();
    for (const Way& way : kWays) {
        Outcome expected = empty_outcome();
        run(material, way,
            expected);  // once before counting: what the C++ library keeps for ever is then there
        expected = empty_outcome();
        n_calls = 0;
        run(material, way, expected);
        const std::uint64_t n_all = n_calls.load();
        std::printf("flags %u, kernels \"%s\": %llu allocations, every %llu-th fails\n", way.flags,
                    way.kernels.data(), static_cast<unsigned long long>(n_all),
                    static_cast<unsigned long long>(step));
        for (std::uint64_t at = first; at <= n_all && n_faults < 20; at += step) {
            const std::int64_t living = n_living.load();
            {
                Outcome found = empty_outcome();
                n_calls = 0;
                fails_at = at;
                run(material, way, found);
                expect(found == expected, "the results are those of a run in which nothing failed");
            }
            expect(!way.gives_everything_back || n_living.load() == living, "every block is given back");
            fails_at = 0;
        }
    }
    return n_faults == 0 ? 0 : 1;
}
