// The clock runs around the calls of the library, so all its work counts.
#include "bench_measure.h"

#include <sluice/experimental.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <fstream>

#include "host.h"

namespace command {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::string repetition_text(std::uint32_t repetition) {
    return ", repetition " + count_text(repetition + 1);
}

}  // namespace

sluicepp::SessionOptions answers_without_end(std::int32_t sampling) {
    sluicepp::SessionOptions options;
    options.flags = SLUICE_SESSION_IGNORE_STOP_TOKENS;
    options.sampling = sluicepp::sized<sluice_sampling>();
    options.sampling->mode = sampling;
    return options;
}

Spread spread_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    const double median = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
    return {median, values.front(), values.back()};
}

std::vector<sluicepp::TokenId> Prompts::first(std::size_t n_ids) const {
    std::vector<sluicepp::TokenId> ids(n_ids);
    if (!text_ids_.empty()) {
        for (std::size_t i = 0; i < n_ids; ++i) ids[i] = text_ids_[i % text_ids_.size()];
        return ids;
    }
    std::uint64_t state = 1;
    for (auto& id : ids) {
        state = state * 6364136223846793005U + 1442695040888963407U;  // Knuth's MMIX
        id = static_cast<sluicepp::TokenId>((state >> 33) % n_tokens_);
    }
    return ids;
}

Look Machine::look() {
    if (milliseconds_ == 0) return {};
    peak_memory_beside();
    const auto speed =
        sluicepp::filled<sluice_machine_speed>(sluice_engine_measure, engine_.get(), milliseconds_);
    const Look look{static_cast<double>(speed.bytes_per_s),
                    static_cast<double>(speed.int8_multiply_adds_per_s)};
    best_.bytes = std::max(best_.bytes, look.bytes);
    best_.int8_multiply_adds = std::max(best_.int8_multiply_adds, look.int8_multiply_adds);
    looks_.push_back({{"bytes_per_s", speed.bytes_per_s},
                      {"bytes_per_s_median", speed.median_bytes_per_s},
                      {"int8_multiply_adds_per_s", speed.int8_multiply_adds_per_s},
                      {"int8_multiply_adds_per_s_median", speed.median_int8_multiply_adds_per_s}});
    // Linux starts the peak anew for "5" (proc(5)); elsewhere the file is not there, and nothing happens.
    std::ofstream("/proc/self/clear_refs") << "5";
    return look;
}

std::uint64_t Machine::peak_memory_beside() {
    peak_memory_ = std::max(peak_memory_, peak_memory());
    return peak_memory_;
}

TokenWork token_work_of(const sluicepp::Model& model, const sluice_kv_cache_options& kv) {
    const auto info = model.describe();
    TokenWork work;
    std::uint64_t n_parameters = info.n_parameters_used;
    for (std::uint64_t i = 0; i < info.n_tensors; ++i) {
        const auto tensor = model.tensor(i);
        // The embedding or the head, or one that serves as both.
        const bool is_vocabulary =
            tensor.n_dimensions == 2 && tensor.dimensions[1] == info.vocabulary_size && n_parameters > 0;
        if (is_vocabulary) n_parameters -= std::min(n_parameters, tensor.dimensions[0] * tensor.dimensions[1]);
    }
    work.prompt_multiply_adds = static_cast<double>(n_parameters);
    work.weight_bytes = static_cast<double>(info.token_read_size);

    const auto size_of = [&](std::uint64_t capacity) {
        auto options = kv;
        options.capacity = capacity;
        std::uint64_t size = 0;
        sluicepp::check(sluice_kv_cache_size, model.get(), &options, &size);
        return static_cast<double>(size);
    };
    // Caches are laid out in runs of positions: whole ones tell what a position costs, where the model has
    // room.
    constexpr std::uint64_t kRun = 256;
    const std::uint64_t whole = std::max(kRun, kv.capacity / 2 / kRun * kRun);
    const std::uint64_t half = 2 * whole <= info.context_size ? whole : kv.capacity / 2;
    if (half > 0) {
        work.position_bytes = (size_of(2 * half) - size_of(half)) / static_cast<double>(half);
    }
    return work;
}

Conversation::Conversation(const sluicepp::Model& model, const sluice_kv_cache_options& kv)
    : model_(model),
      cache_(model, kv),
      session_(std::in_place, model, cache_, answers_without_end(SLUICE_SAMPLING_GREEDY)) {}

void Conversation::fill_random(std::uint64_t n_tokens) {
    constexpr std::uint64_t kSeed = 1;
    session_.reset();
    cache_.reset();
    sluicepp::check(sluice_kv_cache_fill_random, cache_.get(), n_tokens, kSeed);
    session_.emplace(model_, cache_, answers_without_end(SLUICE_SAMPLING_GREEDY));
}

void Conversation::next() {
    if (session_->next().is_end()) {
        throw Failure("the answer ended after " + count_text(position()) + " tokens in the cache");
    }
}

// One more than is computed: the last chosen token needs a place too, or the answer ends.
bool Conversation::has_room_for(std::uint64_t n_tokens) const {
    return position() + n_tokens + 1 <= cache_.describe().capacity;
}

void ModelBench::answer_once(std::uint32_t n_prompt) {
    progress_.show("first tokens");
    conversation_.forget();
    conversation_.feed(prompts_.first(n_prompt));
    conversation_.next();
}

PrefillResult ModelBench::prefill(std::uint32_t n_prompt) {
    const auto ids = prompts_.first(n_prompt);
    PrefillResult result;
    result.n_tokens = n_prompt;
    std::vector<double> first_tokens;
    Look before = machine_.look();
    for (std::uint32_t repetition = 0; repetition < n_repetitions_; ++repetition) {
        progress_.show("prompt of " + count_text(n_prompt) + repetition_text(repetition));
        conversation_.forget();
        const auto begin = Clock::now();
        conversation_.feed(ids);
        const double rate = n_prompt / seconds_since(begin);
        conversation_.next();
        first_tokens.push_back(seconds_since(begin));
        const Look after = machine_.look();
        result.repetitions.push_back({rate, rate * work_.prompt_multiply_adds,
                                      (before.int8_multiply_adds + after.int8_multiply_adds) / 2});
        before = after;
    }
    result.first_token_s = spread_of(first_tokens);
    return result;
}

Repetition ModelBench::answer(Conversation& conversation, std::uint32_t n_answer) {
    const auto first = static_cast<double>(conversation.position());
    const auto begin = Clock::now();
    for (std::uint32_t i = 0; i < n_answer; ++i) conversation.next();
    const double rate = n_answer / seconds_since(begin);
    const double mean_position = (first + static_cast<double>(conversation.position())) / 2;
    return {rate, rate * (work_.weight_bytes + work_.position_bytes * mean_position)};
}

// One more than the repetitions compute, and the token that is fed behind the history.
std::uint32_t ModelBench::depth_for(std::uint32_t depth, std::uint32_t n_answer) const {
    const std::uint64_t answers = std::uint64_t{n_repetitions_} * n_answer + 2;
    if (history_ == History::kPrompt || depth + answers <= kv_.capacity) return depth;
    return kv_.capacity > answers ? static_cast<std::uint32_t>(kv_.capacity - answers) : 1;
}

std::vector<DecodeResult> ModelBench::decode(const std::vector<std::uint32_t>& depths,
                                             const std::vector<std::uint32_t>& answers) {
    std::vector<DecodeResult> results;
    std::deque<Conversation> conversations;
    for (const std::uint32_t depth : depths) {
        for (const std::uint32_t n_answer : answers) {
            results.push_back({n_answer, depth_for(depth, n_answer), {}, 0});
            conversations.emplace_back(model_, kv_);
        }
    }
    Look before;
    for (std::uint32_t repetition = 0; repetition < n_repetitions_; ++repetition) {
        for (std::size_t i = 0; i < results.size(); ++i) {
            DecodeResult& result = results[i];
            Conversation& conversation = conversations[i];
            const std::string what =
                "answer of " + count_text(result.n_tokens) + " after " + count_text(result.depth);
            if (repetition == 0 || !conversation.has_room_for(result.n_tokens)) {
                progress_.show(what + ", its prompt");
                conversation.forget();
                const std::uint32_t depth = std::max(result.depth, 1U);
                const bool is_random = history_ == History::kRandom && depth > 1;
                if (is_random) conversation.fill_random(depth - 1);
                conversation.feed(prompts_.first(is_random ? 1 : depth));
                conversation.next();  // its logits come from the prompt; every later one computes a token
                before = machine_.look();
            }
            progress_.show(what + repetition_text(repetition));
            result.repetitions.push_back(answer(conversation, result.n_tokens));
            const Look after = machine_.look();
            result.repetitions.back().possible = (before.bytes + after.bytes) / 2;
            result.last_position = std::max(result.last_position, conversation.position());
            before = after;
        }
    }
    return results;
}

}  // namespace command
