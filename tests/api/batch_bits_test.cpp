// Sessions stepped together: the same events, tokens and logits as alone, whatever the others do.
#include "api/batch_steps.h"
#include "api/small_model.h"
#include "support/slow_build.h"

using namespace sluice_test;

namespace {

// What a conversation is and what is asked of it.
struct Wish {
    std::vector<std::int32_t> prompt, second_prompt;
    std::size_t begins = 0;  // at which step its prompt is queued
    std::uint64_t max_tokens = 0;
    std::uint64_t seed = 0;  // 0: greedy
    std::int32_t kv_type = SLUICE_KV_F16;
};

Handle<sluice_session> session_of(sluice_model* model, const Wish& wish) {
    auto cache_options = sized<sluice_kv_cache_options>();
    cache_options.capacity = 100;
    cache_options.key_type = cache_options.value_type = wish.kv_type;
    sluice_kv_cache* cache = nullptr;
    REQUIRE(sluice_kv_cache_create(model, &cache_options, &cache, nullptr) == SLUICE_OK);
    const Handle<sluice_kv_cache> held(cache);
    sluice_sampling sampling = greedy();
    if (wish.seed != 0) {
        sampling.mode = SLUICE_SAMPLING_PLAIN;
        sampling.seed = wish.seed;
        sampling.temperature = 0.9F;
        sampling.repetition_penalty = 1.1F;
        sampling.dry_multiplier = 0.5F;
    }
    auto options = sized<sluice_session_options>();
    options.chunk_size = 4;
    options.max_tokens = wish.max_tokens;
    options.n_top_log_probabilities = wish.seed % 3 == 1 ? 4 : 0;
    options.sampling = &sampling;
    return make_session(model, options, cache);
}

std::vector<Wish> make_wishes(std::size_t n) {
    std::vector<Wish> wishes;
    for (std::size_t i = 0; i < n; ++i) {
        const auto first = static_cast<std::int32_t>(i);
        Wish wish;
        wish.prompt = some_ids(1 + (i * 11) % 40, first);
        wish.second_prompt = some_ids(1 + (i * 5) % 9, first + 50);
        wish.begins = (i * 3) % 7;
        wish.max_tokens = 3 + i % 5;
        wish.seed = i % 2 == 0 ? 0 : i + 6;
        wish.kv_type = i % 3 == 0 ? SLUICE_KV_F32 : SLUICE_KV_F16;
        wishes.push_back(wish);
    }
    return wishes;
}

// Everything that a host sees of a conversation: two prompts and their answers.
struct Seen {
    std::vector<NextEvent> events;  // without PROGRESS
    std::vector<float> logits;      // at the end
};

bool same(const NextEvent& a, const NextEvent& b) {
    return a.status == b.status && a.text == b.text && std::memcmp(&a.event, &b.event, sizeof a.event) == 0;
}

Seen see_alone(sluice_model* model, const Wish& wish) {
    const auto session = session_of(model, wish);
    Seen seen;
    for (const auto* prompt : {&wish.prompt, &wish.second_prompt}) {
        REQUIRE(feed(session.get(), *prompt) == SLUICE_OK);
        do seen.events.push_back(next(session.get()));
        while (seen.events.back().event.kind != SLUICE_EVENT_END);
    }
    seen.logits = logits_of(session.get());
    return seen;
}

std::vector<Seen> see_together(sluice_model* model, const std::vector<Wish>& wishes, std::uint32_t max_tokens) {
    const auto batch = make_batch(model, static_cast<std::uint32_t>(wishes.size()), max_tokens);
    std::vector<Handle<sluice_session>> sessions;
    std::vector<std::size_t> n_ends(wishes.size(), 0);
    for (const Wish& wish : wishes) sessions.push_back(session_of(model, wish));
    std::vector<Seen> seen(wishes.size());
    for (std::size_t n_step = 0; n_step < 200; ++n_step) {
        std::vector<std::size_t> present;
        std::vector<sluice_session*> stepped;
        for (std::size_t i = 0; i < wishes.size(); ++i) {
            if (n_step < wishes[i].begins || n_ends[i] == 2) continue;
            // One session's prompt is fed whole, before the batch sees it.
            if (n_step == wishes[i].begins)
                REQUIRE((i == 1 ? feed : queue)(sessions[i].get(), wishes[i].prompt, nullptr) == SLUICE_OK);
            present.push_back(i);
            stepped.push_back(sessions[i].get());
        }
        if (stepped.empty()) continue;
        const auto events = step(batch.get(), stepped);
        for (std::size_t i = 0; i < present.size(); ++i) {
            Seen& its = seen[present[i]];
            CHECK(events[i].status == SLUICE_OK);
            if (events[i].event.kind == SLUICE_EVENT_PROGRESS) {
                CHECK(events[i].event.prompt_to_go > 0);
                continue;
            }
            its.events.push_back(events[i]);
            if (events[i].event.kind != SLUICE_EVENT_END) continue;
            if (++n_ends[present[i]] == 1) {
                REQUIRE(queue(stepped[i], wishes[present[i]].second_prompt, nullptr) == SLUICE_OK);
            }
        }
    }
    for (std::size_t i = 0; i < wishes.size(); ++i) seen[i].logits = logits_of(sessions[i].get());
    return seen;
}

void check_together(const std::string& kind, std::int32_t activations, std::uint32_t n_threads,
                    const std::vector<std::pair<std::size_t, std::uint32_t>>& sizes) {
    const auto engine = make_engine(n_threads);
    const auto model = open_model(engine.get(), kind, 0, activations);
    std::vector<Seen> alone;
    for (const Wish& wish : make_wishes(8)) alone.push_back(see_alone(model.get(), wish));
    for (const auto& [n, max_tokens] : sizes) {
        const auto together = see_together(model.get(), make_wishes(n), max_tokens);
        for (std::size_t i = 0; i < n; ++i) {
            INFO(kind << " activations " << activations << ", " << n_threads << " threads, session " << i
                      << " of " << n << " in steps of " << max_tokens);
            REQUIRE(together[i].events.size() == alone[i].events.size());
            for (std::size_t k = 0; k < alone[i].events.size(); ++k) {
                INFO("event " << k);
                CHECK(same(together[i].events[k], alone[i].events[k]));
            }
            CHECK(same_bits(together[i].logits, alone[i].logits));
        }
    }
}

}  // namespace

TEST_CASE("batch: sessions stepped together give the events, tokens and logits that each gives alone") {
    if (kIsSlowBuild) {
        check_together("tiny", SLUICE_ACTIVATIONS_INT8, 2, {{8, 16}});
        return;
    }
    check_together("moe", SLUICE_ACTIVATIONS_INT8, 2, {{8, 8}, {8, 512}, {5, 9}, {1, 1}, {2, 3}});
    check_together("moe", SLUICE_ACTIVATIONS_FLOAT32, 3, {{8, 24}});
    check_together("dense", SLUICE_ACTIVATIONS_INT8, 4, {{7, 16}});
    check_together("tiny", SLUICE_ACTIVATIONS_FLOAT32, 1, {{3, 4}, {4, 64}});
}
