// The clock runs around the calls of the library, so all its work counts.
#include "bench_measure.h"

#include <sluice/experimental.h>

#include <algorithm>
#include <chrono>

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

void Machine::look(const sluicepp::Engine& engine, std::uint32_t milliseconds) {
    const auto speed =
        sluicepp::filled<sluice_machine_speed>(sluice_engine_measure, engine.get(), milliseconds);
    bytes_per_s_ = std::max(bytes_per_s_, static_cast<double>(speed.bytes_per_s));
    int8_multiply_adds_per_s_ =
        std::max(int8_multiply_adds_per_s_, static_cast<double>(speed.int8_multiply_adds_per_s));
    looks_.push_back({{"bytes_per_s", speed.bytes_per_s},
                      {"bytes_per_s_median", speed.median_bytes_per_s},
                      {"int8_multiply_adds_per_s", speed.int8_multiply_adds_per_s},
                      {"int8_multiply_adds_per_s_median", speed.median_int8_multiply_adds_per_s}});
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
    // Caches are laid out in runs of positions: whole ones tell what a position costs.
    constexpr std::uint64_t kRun = 256;
    const std::uint64_t half = kv.capacity / 2 > kRun ? kv.capacity / 2 / kRun * kRun : kv.capacity / 2;
    if (half > 0) {
        work.position_bytes = (size_of(2 * half) - size_of(half)) / static_cast<double>(half);
    }
    return work;
}

void ModelBench::next() {
    if (session_.next().is_end()) {
        throw Failure("the answer ended after " + count_text(cache_.position()) + " tokens in the cache");
    }
}

void ModelBench::answer_once(std::uint32_t n_prompt) {
    progress_.show("first tokens");
    session_.reset();
    session_.feed(prompts_.first(n_prompt));
    next();
}

PrefillResult ModelBench::prefill(std::uint32_t n_prompt) {
    const auto ids = prompts_.first(n_prompt);
    std::vector<double> rates;
    std::vector<double> first_tokens;
    for (std::uint32_t repetition = 0; repetition < n_repetitions_; ++repetition) {
        progress_.show("prompt of " + count_text(n_prompt) + repetition_text(repetition));
        session_.reset();
        const auto begin = Clock::now();
        session_.feed(ids);
        rates.push_back(n_prompt / seconds_since(begin));
        next();
        first_tokens.push_back(seconds_since(begin));
    }
    return {n_prompt, spread_of(rates), spread_of(first_tokens)};
}

DecodeResult ModelBench::decode(std::uint32_t n_answer, std::uint32_t depth) {
    const auto ids = prompts_.first(std::max(depth, 1U));
    const std::uint64_t capacity = cache_.describe().capacity;
    DecodeResult result;
    result.n_tokens = n_answer;
    result.depth = depth;
    std::vector<double> rates;
    std::vector<double> byte_rates;
    for (std::uint32_t repetition = 0; repetition < n_repetitions_; ++repetition) {
        const std::string what = "answer of " + count_text(n_answer) + " after " + count_text(depth);
        // One more than is computed: the last chosen token needs a place too, or the answer ends.
        if (repetition == 0 || cache_.position() + n_answer + 1 > capacity) {
            progress_.show(what + ", its prompt");
            session_.reset();
            session_.feed(ids);
            next();  // its logits come from the prompt; every later one computes a token
        }
        progress_.show(what + repetition_text(repetition));
        const auto first = static_cast<double>(cache_.position());
        const auto begin = Clock::now();
        for (std::uint32_t i = 0; i < n_answer; ++i) next();
        const double rate = n_answer / seconds_since(begin);
        const double mean_position = (first + static_cast<double>(cache_.position())) / 2;
        rates.push_back(rate);
        byte_rates.push_back(rate * (work_.weight_bytes + work_.position_bytes * mean_position));
        result.last_position = std::max(result.last_position, cache_.position());
    }
    result.tokens_per_s = spread_of(rates);
    result.bytes_per_s = spread_of(byte_rates);
    return result;
}

}  // namespace command
