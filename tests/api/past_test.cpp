// Going back, parting ways and using a common beginning again: every bit as if the rest had never been there.
#include <algorithm>

#include "api/small_model.h"
#include "support/slow_build.h"

using namespace sluice_test;

namespace {

constexpr std::size_t kFed = 220;
constexpr std::size_t kGenerated = 50;

// A conversation computed once, from the beginning, token by token: the logits after each of its tokens.
struct Cold {
    // Without marks, going back has to compute what convolutions remember.
    Cold(const std::string& kind, std::int32_t type, bool has_marks = false)
        : model(open_model(engine.get(), kind)), kv_type(type) {
        cache = typed_cache(512);
        const auto session = make_session(model.get(), 0, cache.get());
        for (const std::int32_t id : some_ids(kFed)) {
            REQUIRE(feed(session.get(), {id}) == SLUICE_OK);
            ids.push_back(id);
            logits.push_back(logits_of(session.get()));
        }
        for (std::size_t i = 0; i < kGenerated; ++i) {
            ids.push_back(generate(session.get(), 1).front());
            logits.push_back(logits_of(session.get()));
        }
        if (!has_marks) REQUIRE(sluice_kv_cache_trim(cache.get(), 0, nullptr, nullptr) == SLUICE_OK);
    }

    Handle<sluice_kv_cache> typed_cache(std::uint64_t capacity) const {
        auto options = sized<sluice_kv_cache_options>();
        options.capacity = capacity;
        options.key_type = options.value_type = kv_type;
        sluice_kv_cache* made = nullptr;
        REQUIRE(sluice_kv_cache_create(model.get(), &options, &made, nullptr) == SLUICE_OK);
        return Handle<sluice_kv_cache>(made);
    }

    const std::vector<float>& after(std::size_t n_tokens) const { return logits[n_tokens - 1]; }
    std::vector<std::int32_t> first(std::size_t n_tokens) const {
        return {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(n_tokens)};
    }

    Handle<sluice_engine> engine = make_engine(2);
    Handle<sluice_model> model;
    std::int32_t kv_type;
    Handle<sluice_kv_cache> cache;  // holds the whole conversation, and no session
    std::vector<std::int32_t> ids;
    std::vector<std::vector<float>> logits;
};

Handle<sluice_kv_cache> fork_of(const sluice_kv_cache* cache) {
    sluice_kv_cache* fork = nullptr;
    REQUIRE(sluice_kv_cache_fork(cache, &fork, nullptr) == SLUICE_OK);
    return Handle<sluice_kv_cache>(fork);
}

sluice_kv_cache_info info_of(const sluice_kv_cache* cache) {
    auto info = sized<sluice_kv_cache_info>();
    REQUIRE(sluice_kv_cache_describe(cache, &info, nullptr) == SLUICE_OK);
    return info;
}

std::vector<std::int32_t> tokens_of(const sluice_kv_cache* cache) {
    std::vector<std::int32_t> ids(sluice_kv_cache_position(cache));
    REQUIRE(sluice_kv_cache_tokens(cache, ids.data(), ids.size(), nullptr, nullptr) == SLUICE_OK);
    return ids;
}

std::vector<std::int32_t> joined(std::vector<std::int32_t> a, const std::vector<std::int32_t>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

std::uint64_t prompt(sluice_session* session, const std::vector<std::int32_t>& ids) {
    std::uint64_t n_reused = 0;
    REQUIRE(sluice_session_prompt(session, ids.data(), ids.size(), &n_reused, nullptr) == SLUICE_OK);
    return n_reused;
}

constexpr std::int32_t kTypes[] = {SLUICE_KV_F32, SLUICE_KV_F16, SLUICE_KV_Q8_0};

}  // namespace

TEST_CASE("past: a session goes back to every position, and its logits are those of the first time") {
    for (const std::int32_t type : kTypes) {
        const Cold cold("moe", type, type == SLUICE_KV_F16);
        CHECK((info_of(cold.cache.get()).n_marks >= kFed) == (type == SLUICE_KV_F16));
        for (std::size_t cut = 1; cut <= cold.ids.size(); cut += kIsSlowBuild ? 7 : 1) {
            const auto fork = fork_of(cold.cache.get());
            const auto session = make_session(cold.model.get(), 16, fork.get());
            REQUIRE(sluice_session_rewind(session.get(), cut, nullptr) == SLUICE_OK);
            INFO("type " << type << ", back to " << cut);
            REQUIRE(sluice_kv_cache_position(fork.get()) == cut);
            REQUIRE(same_bits(logits_of(session.get()), cold.after(cut)));
            // The same way again, in other pieces.
            const std::size_t end = std::min(cut + 9, kFed);
            if (cut < end) {
                REQUIRE(feed(session.get(), {cold.ids.begin() + static_cast<std::ptrdiff_t>(cut),
                                             cold.ids.begin() + static_cast<std::ptrdiff_t>(end)}) ==
                        SLUICE_OK);
                REQUIRE(same_bits(logits_of(session.get()), cold.after(end)));
            }
            REQUIRE(tokens_of(fork.get()) == cold.first(std::max(cut, end)));
        }
        CHECK(tokens_of(cold.cache.get()) == cold.ids);
    }
}

TEST_CASE("past: in models with more convolutions too, and in steps further and further back") {
    for (const char* kind : {"moe", "dense"}) {
        const Cold cold(kind, SLUICE_KV_F16);
        const auto session = make_session(cold.model.get(), 0, cold.cache.get());
        CHECK(same_bits(logits_of(session.get()), cold.after(cold.ids.size())));
        for (const std::size_t cut :
             {269u, 268u, 257u, 256u, 255u, 221u, 220u, 219u, 100u, 16u, 15u, 3u, 2u, 1u}) {
            INFO(kind << ", back to " << cut);
            REQUIRE(sluice_session_rewind(session.get(), cut, nullptr) == SLUICE_OK);
            REQUIRE(same_bits(logits_of(session.get()), cold.after(cut)));
        }
        REQUIRE(sluice_session_rewind(session.get(), 0, nullptr) == SLUICE_OK);
        CHECK(next(session.get()).status == SLUICE_E_STATE);
        CHECK(prompt(session.get(), cold.first(40)) == 0);
        CHECK(same_bits(logits_of(session.get()), cold.after(40)));
    }
}

TEST_CASE("past: a prompt keeps what the cache holds of its beginning") {
    for (const std::int32_t type : kTypes) {
        const Cold cold("moe", type);
        const std::vector<std::int32_t> other = some_ids(12, 5);
        for (std::size_t cut = 0; cut <= kFed; cut += kIsSlowBuild ? 73 : 20) {
            const std::vector<std::int32_t> ids = joined(cold.first(cut), other);
            REQUIRE(ids[cut] != cold.ids[cut]);
            const auto fresh_cache = cold.typed_cache(512);
            const auto fresh = make_session(cold.model.get(), 0, fresh_cache.get());
            REQUIRE(feed(fresh.get(), ids) == SLUICE_OK);

            const auto fork = fork_of(cold.cache.get());
            const auto session = make_session(cold.model.get(), 7, fork.get());
            INFO("type " << type << ", in common " << cut);
            REQUIRE(prompt(session.get(), ids) == cut);
            REQUIRE(same_bits(logits_of(session.get()), logits_of(fresh.get())));
            REQUIRE(generate(session.get(), 3) == generate(fresh.get(), 3));
        }
    }
}

TEST_CASE("past: a prompt that the cache holds already, whole or as its beginning") {
    const Cold cold("moe", SLUICE_KV_F16);
    const auto session = make_session(cold.model.get(), 0, cold.cache.get());
    const std::vector<std::int32_t> fed = cold.first(kFed);
    CHECK(prompt(session.get(), fed) == kFed - 1);
    CHECK(same_bits(logits_of(session.get()), cold.after(kFed)));
    CHECK(prompt(session.get(), fed) == kFed);
    CHECK(same_bits(logits_of(session.get()), cold.after(kFed)));

    // What was answered stays in the role of an answer, also the last token, which is not computed yet.
    const std::vector<std::int32_t> answer = generate(session.get(), 4);
    CHECK(prompt(session.get(), joined(fed, answer)) == kFed + 3);
    CHECK(same_bits(logits_of(session.get()), cold.after(kFed + 4)));
    const std::vector<std::int32_t> more = generate(session.get(), 2);
    const std::vector<std::int32_t> question = some_ids(5, 3);
    CHECK(prompt(session.get(), joined(joined(joined(fed, answer), more), question)) == kFed + 5);

    const auto again_cache = cold.typed_cache(512);
    const auto again = make_session(cold.model.get(), 0, again_cache.get());
    REQUIRE(feed(again.get(), fed) == SLUICE_OK);
    REQUIRE(generate(again.get(), 6) == joined(answer, more));
    REQUIRE(feed(again.get(), question) == SLUICE_OK);
    CHECK(same_bits(logits_of(session.get()), logits_of(again.get())));
    auto statistics = sized<sluice_statistics>();
    REQUIRE(sluice_session_statistics(session.get(), &statistics, nullptr) == SLUICE_OK);
    CHECK(statistics.reused_tokens == kFed - 1 + kFed + kFed + 3 + kFed + 5);
}

TEST_CASE("past: forks share their past and go their own ways") {
    for (const std::int32_t type : kTypes) {
        const Cold cold("moe", type);
        for (const std::size_t cut : {1u, 17u, 219u, 260u}) {
            if (kIsSlowBuild && cut != 219) continue;
            const auto base = fork_of(cold.cache.get());
            {
                const auto session = make_session(cold.model.get(), 0, base.get());
                REQUIRE(sluice_session_rewind(session.get(), cut, nullptr) == SLUICE_OK);
            }
            const auto left_cache = fork_of(base.get());
            const auto right_cache = fork_of(base.get());
            const auto left = make_session(cold.model.get(), 0, left_cache.get());
            const auto right = make_session(cold.model.get(), 0, right_cache.get());
            const std::vector<std::int32_t> left_ids = joined(cold.first(cut), some_ids(120, 2));
            const std::vector<std::int32_t> right_ids = joined(cold.first(cut), some_ids(120, 9));
            prompt(left.get(), left_ids);
            prompt(right.get(), right_ids);
            const auto expected = [&](const std::vector<std::int32_t>& ids) {
                // The beginning in its own roles, the rest as a prompt.
                const auto other_cache = fork_of(cold.cache.get());
                const auto other = make_session(cold.model.get(), 1, other_cache.get());
                prompt(other.get(), ids);
                return logits_of(other.get());
            };
            INFO("type " << type << ", apart from " << cut);
            CHECK(same_bits(logits_of(left.get()), expected(left_ids)));
            CHECK(same_bits(logits_of(right.get()), expected(right_ids)));
            CHECK(tokens_of(base.get()) == cold.first(cut));
            const auto session = make_session(cold.model.get(), 0, base.get());
            CHECK(same_bits(logits_of(session.get()), cold.after(cut)));
        }
        CHECK(tokens_of(cold.cache.get()) == cold.ids);
    }
}

TEST_CASE("past: a fork takes memory only for what it writes, and gives it back") {
    const Cold cold("moe", SLUICE_KV_F32);
    const std::uint64_t before = memory_used(cold.engine.get());
    const std::uint64_t one_page = info_of(cold.cache.get()).size;
    {
        const auto fork = fork_of(cold.cache.get());
        CHECK(memory_used(cold.engine.get()) - before < one_page / 2);
        const auto session = make_session(cold.model.get(), 0, fork.get());
        const std::uint64_t with_session = memory_used(cold.engine.get());
        REQUIRE(feed(session.get(), some_ids(3)) == SLUICE_OK);
        CHECK(memory_used(cold.engine.get()) > with_session);
    }
    CHECK(memory_used(cold.engine.get()) == before);
}

TEST_CASE("past: marks lead back, die when the cache goes back before them, and belong to their caches") {
    const Cold cold("moe", SLUICE_KV_F16);
    const auto cache = cold.typed_cache(512);
    std::uint64_t empty = 0;
    std::uint64_t early = 0;
    std::uint64_t late = 0;
    const auto rewind = [&](sluice_kv_cache* of, std::uint64_t mark) {
        return sluice_kv_cache_rewind(of, mark, nullptr);
    };
    {
        const auto session = make_session(cold.model.get(), 0, cache.get());
        REQUIRE(sluice_kv_cache_mark(cache.get(), &empty, nullptr) == SLUICE_OK);
        REQUIRE(feed(session.get(), cold.first(33)) == SLUICE_OK);
        REQUIRE(sluice_kv_cache_mark(cache.get(), &early, nullptr) == SLUICE_OK);
        prompt(session.get(), cold.first(90));
        REQUIRE(sluice_kv_cache_mark(cache.get(), &late, nullptr) == SLUICE_OK);
        prompt(session.get(), cold.first(120));
        CHECK(rewind(cache.get(), early) == SLUICE_E_BUSY);
    }
    const auto other = cold.typed_cache(512);
    CHECK(rewind(other.get(), early) == SLUICE_E_NOT_FOUND);
    CHECK(rewind(cache.get(), 0) == SLUICE_E_NOT_FOUND);
    CHECK(rewind(cache.get(), late + 1000) == SLUICE_E_NOT_FOUND);
    CHECK(sluice_kv_cache_position(cache.get()) == 120);
    const auto fork = fork_of(cache.get());

    std::uint64_t position = 0;
    REQUIRE(sluice_kv_cache_mark_position(cache.get(), late, &position, nullptr) == SLUICE_OK);
    CHECK(position == 90);
    REQUIRE(rewind(cache.get(), late) == SLUICE_OK);
    REQUIRE(rewind(cache.get(), early) == SLUICE_OK);
    CHECK(sluice_kv_cache_position(cache.get()) == 33);
    CHECK(rewind(cache.get(), late) == SLUICE_E_NOT_FOUND);
    CHECK(sluice_kv_cache_position(cache.get()) == 33);
    {
        const auto session = make_session(cold.model.get(), 0, cache.get());
        CHECK(prompt(session.get(), cold.first(77)) == 33);
        CHECK(same_bits(logits_of(session.get()), cold.after(77)));
    }
    REQUIRE(rewind(fork.get(), late) == SLUICE_OK);
    const auto session = make_session(cold.model.get(), 0, fork.get());
    CHECK(same_bits(logits_of(session.get()), cold.after(90)));

    REQUIRE(sluice_kv_cache_unmark(cache.get(), early, nullptr) == SLUICE_OK);
    CHECK(sluice_kv_cache_unmark(cache.get(), early, nullptr) == SLUICE_E_NOT_FOUND);
    REQUIRE(rewind(cache.get(), empty) == SLUICE_OK);
    CHECK(sluice_kv_cache_position(cache.get()) == 0);
}

TEST_CASE("past: what fails leaves the conversation as it was") {
    const Cold cold("moe", SLUICE_KV_F16);
    const auto session = make_session(cold.model.get(), 0, cold.cache.get());
    const std::vector<float> before = logits_of(session.get());
    const auto is_as_before = [&] {
        return tokens_of(cold.cache.get()) == cold.ids && same_bits(logits_of(session.get()), before);
    };
    const std::vector<std::int32_t> other = joined(cold.first(60), some_ids(20, 5));
    const auto try_prompt = [&](const std::vector<std::int32_t>& ids) {
        return sluice_session_prompt(session.get(), ids.data(), ids.size(), nullptr, nullptr);
    };
    sluice_session_cancel(session.get());
    CHECK(try_prompt(other) == SLUICE_E_CANCELLED);
    CHECK(is_as_before());
    sluice_session_cancel(session.get());
    CHECK(sluice_session_rewind(session.get(), 10, nullptr) == SLUICE_E_CANCELLED);
    CHECK(is_as_before());
    CHECK(sluice_session_rewind(session.get(), 271, nullptr) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(sluice_session_rewind(session.get(), ~std::uint64_t{0}, nullptr) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(try_prompt(joined(other, {1 << 20})) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(try_prompt({}) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(try_prompt(some_ids(513)) == SLUICE_E_CONTEXT_FULL);
    CHECK(is_as_before());
    CHECK(try_prompt(other) == SLUICE_OK);
    CHECK(tokens_of(cold.cache.get()) == other);
}

TEST_CASE("past: a cache without memory for another page refuses, and nothing has changed") {
    auto options = engine_options();
    const std::uint64_t room_for_one = [] {
        const auto engine = make_engine();
        const auto model = open_model(engine.get(), "moe");
        const auto cache = make_cache(model.get(), 512);
        const auto session = make_session(model.get(), 0, cache.get());
        REQUIRE(feed(session.get(), some_ids(250)) == SLUICE_OK);
        return memory_used(engine.get());
    }();
    options.memory_budget = room_for_one + 4096;
    const auto engine = make_engine(options);
    const auto model = open_model(engine.get(), "moe");
    const auto cache = make_cache(model.get(), 512);
    const auto session = make_session(model.get(), 0, cache.get());
    REQUIRE(feed(session.get(), some_ids(250)) == SLUICE_OK);
    const std::vector<float> before = logits_of(session.get());
    CHECK(sluice_kv_cache_reserve(cache.get(), 7, nullptr) == SLUICE_E_OUT_OF_MEMORY);
    CHECK(sluice_kv_cache_reserve(cache.get(), 263, nullptr) == SLUICE_E_CONTEXT_FULL);
    CHECK(feed(session.get(), some_ids(40)) == SLUICE_E_OUT_OF_MEMORY);
    CHECK(sluice_kv_cache_position(cache.get()) == 250);
    CHECK(same_bits(logits_of(session.get()), before));
    CHECK(feed(session.get(), some_ids(6)) == SLUICE_OK);
}

TEST_CASE("past: trimming gives back pages behind the end and marks that nobody asked for") {
    const Cold cold("moe", SLUICE_KV_F16);
    const auto cache = cold.typed_cache(512);
    std::uint64_t mark = 0;
    {
        const auto session = make_session(cold.model.get(), 0, cache.get());
        prompt(session.get(), joined(cold.first(100), some_ids(400, 2)));
        REQUIRE(sluice_session_rewind(session.get(), 100, nullptr) == SLUICE_OK);
        REQUIRE(sluice_kv_cache_mark(cache.get(), &mark, nullptr) == SLUICE_OK);
        prompt(session.get(), cold.first(120));
    }
    const sluice_kv_cache_info full = info_of(cache.get());
    CHECK(full.n_marks >= 2);
    std::uint64_t size = 0;
    REQUIRE(sluice_kv_cache_trim(cache.get(), full.size, &size, nullptr) == SLUICE_OK);
    CHECK(size < full.size);
    CHECK(info_of(cache.get()).n_marks == full.n_marks);
    REQUIRE(sluice_kv_cache_trim(cache.get(), 0, &size, nullptr) == SLUICE_OK);
    CHECK(info_of(cache.get()).n_marks == 1);
    CHECK(info_of(cache.get()).size == size);
    const auto session = make_session(cold.model.get(), 0, cache.get());
    CHECK(same_bits(logits_of(session.get()), cold.after(120)));
    REQUIRE(sluice_session_rewind(session.get(), 100, nullptr) == SLUICE_OK);
    CHECK(same_bits(logits_of(session.get()), cold.after(100)));
}
