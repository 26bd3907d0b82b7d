// Every session has a prompt and a seed of its own: equal ones would write equal answers and wake equal
// experts, and greedy answers of a model with random weights soon repeat themselves.
#include "bench_batch.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>

namespace command {

namespace {

using Clock = std::chrono::steady_clock;

// How many experts of a layer the steps wake, in the mean; of a dense model none.
class WokenExperts {
public:
    explicit WokenExperts(const sluicepp::Model& model) {
        if (model.describe().n_experts > 0) router_.emplace(model);
    }

    void begin_step() {
        if (router_) router_->reset();
    }
    void end_step() {
        if (!router_) return;
        const std::uint32_t n_layers = router_->describe().n_layers;
        for (std::uint32_t layer = 0; layer < n_layers; ++layer) {
            const auto counts = router_->counts(layer).counts;
            const auto n_woken =
                counts.size() - static_cast<std::size_t>(std::count(counts.begin(), counts.end(), 0U));
            n_woken_ += n_woken;
            n_layers_ += n_woken > 0;
        }
    }
    double mean() const {
        return n_layers_ == 0 ? 0.0 : static_cast<double>(n_woken_) / static_cast<double>(n_layers_);
    }

private:
    std::optional<sluicepp::Router> router_;
    std::uint64_t n_woken_ = 0;
    std::uint64_t n_layers_ = 0;
};

// As many sessions as the largest batch has; a smaller one is the first of them.
class Company {
public:
    Company(const sluicepp::Model& model, const sluice_kv_cache_options& kv, std::uint32_t n_sessions)
        : batch_(model, batch_options(n_sessions)) {
        auto options = answers_without_end(SLUICE_SAMPLING_PLAIN);
        options.chunk_size = 1;  // their prompts are the batch's work
        for (std::uint32_t i = 0; i < n_sessions; ++i) {
            options.sampling->seed = i + 1;
            caches_.emplace_back(model, kv);
            sessions_.emplace_back(model, caches_.back(), options);
            all_.push_back(&sessions_.back());
        }
    }

    bool has_room_for(std::uint64_t n_tokens) const {
        return std::all_of(caches_.begin(), caches_.end(), [&](const sluicepp::KvCache& cache) {
            return cache.position() > 0 && cache.position() + n_tokens + 1 <= cache.describe().capacity;
        });
    }

    // Each from nothing, its first token included: every later one is computed.
    void feed(const Prompts& prompts, std::size_t n_prompt) {
        const auto ids = prompts.first(n_prompt * all_.size());
        for (std::size_t i = 0; i < all_.size(); ++i) {
            const auto first = ids.begin() + static_cast<std::ptrdiff_t>(i * n_prompt);
            all_[i]->reset();
            all_[i]->queue({first, first + static_cast<std::ptrdiff_t>(n_prompt)});
        }
        while (!step(all_)) {
        }
    }

    // Tokens of all sessions for each second of stepping.
    double answer(std::uint32_t n_sessions, std::uint32_t n_answer, WokenExperts& woken) {
        const std::vector<sluicepp::Session*> some(all_.begin(), all_.begin() + n_sessions);
        Clock::duration time{};
        for (std::uint32_t i = 0; i < n_answer; ++i) {
            woken.begin_step();
            const auto begin = Clock::now();
            step(some);
            time += Clock::now() - begin;
            woken.end_step();
        }
        return n_sessions * n_answer / std::chrono::duration<double>(time).count();
    }

private:
    static sluice_batch_options batch_options(std::uint32_t n_sessions) {
        auto options = sluicepp::sized<sluice_batch_options>();
        options.max_sessions = n_sessions;
        return options;
    }

    // Whether every session has a token.
    bool step(const std::vector<sluicepp::Session*>& sessions) {
        bool is_text = true;
        for (const auto& outcome : batch_.step(sessions)) {
            if (outcome.status != SLUICE_OK || outcome.event.is_end()) {
                throw Failure("a session of a batch ended before its answer was long enough");
            }
            is_text = is_text && outcome.event.is_text();
        }
        return is_text;
    }

    sluicepp::Batch batch_;
    std::deque<sluicepp::KvCache> caches_;
    std::deque<sluicepp::Session> sessions_;
    std::vector<sluicepp::Session*> all_;
};

}  // namespace

std::vector<BatchResult> bench_batches(const sluicepp::Model& model, const sluice_kv_cache_options& kv,
                                       const Prompts& prompts, const std::vector<std::uint32_t>& sizes,
                                       std::uint32_t n_answer, std::uint32_t depth,
                                       std::uint32_t n_repetitions) {
    std::vector<BatchResult> results;
    for (const std::uint32_t size : sizes) results.push_back({size, n_answer, depth, {}, 0});
    if (sizes.empty()) return results;
    std::vector<WokenExperts> woken;
    for (std::size_t i = 0; i < sizes.size(); ++i) woken.emplace_back(model);
    Company company(model, kv, *std::max_element(sizes.begin(), sizes.end()));
    Progress progress;
    for (std::uint32_t repetition = 0; repetition < n_repetitions; ++repetition) {
        for (std::size_t i = 0; i < results.size(); ++i) {
            BatchResult& result = results[i];
            if (!company.has_room_for(n_answer)) company.feed(prompts, std::max(depth, 1U));
            progress.show("answers of " + count_text(n_answer) + " to " + count_text(result.n_sessions) +
                          " sessions, repetition " + count_text(repetition + 1));
            result.tokens_per_s.push_back(company.answer(result.n_sessions, n_answer, woken[i]));
            result.experts_woken = woken[i].mean();
        }
    }
    progress.clear();
    return results;
}

}  // namespace command
