// The reference pass by itself, on a tiny model: what must hold without another program to compare with.
#include "forward/reference/reference.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "forward/tiny_model.h"
#include "support/catch.h"

using namespace sluice;

namespace {

std::vector<TokenId> some_tokens(std::size_t count) {
    std::vector<TokenId> tokens;
    for (std::size_t i = 0; i < count; ++i) tokens.push_back(static_cast<TokenId>((7 * i + 3) % 40));
    return tokens;
}

Trace trace_for(const Config& config, std::size_t n_tokens) {
    Trace trace;
    trace.hidden.resize(config.n_layers() + 1);
    trace.experts.resize(config.n_layers());
    trace.weights.resize(config.n_layers());
    for (std::uint32_t layer = config.n_dense_layers; layer < config.n_layers(); ++layer) {
        trace.experts[layer].resize(n_tokens * config.n_experts_used);
        trace.weights[layer].resize(n_tokens * config.n_experts_used);
    }
    return trace;
}

struct Outcome {
    Floats logits;  // of every token
    Trace trace;    // of the last chunk
    std::int32_t status = SLUICE_OK;
    std::uint64_t position = 0;
};

Outcome run(const TinyModel& model, const std::vector<TokenId>& tokens, std::size_t chunk_size,
            ExpertCounts* counts = nullptr) {
    MemoryBudget budget;
    auto cache = KvCache::create(model.config, {64, KvType::kF32, KvType::kF32}, budget);
    REQUIRE(cache);
    const auto pass = make_reference_pass(model.config, model.weights, 64, counts);
    const CancelFlag cancel = false;
    const std::size_t vocabulary_size = model.config.vocabulary_size;
    Outcome outcome;
    outcome.logits.resize(tokens.size() * vocabulary_size);
    for (std::size_t first = 0; first < tokens.size(); first += chunk_size) {
        const std::size_t count = std::min(chunk_size, tokens.size() - first);
        outcome.trace = trace_for(model.config, count);
        const Done done =
            pass->run(std::span(tokens).subspan(first, count), TokenRole::kPrompt, *cache, LogitRows::kAll,
                      std::span(outcome.logits).subspan(first * vocabulary_size, count * vocabulary_size),
                      &outcome.trace, cancel);
        if (!done) {
            outcome.status = done.error().status;
            break;
        }
    }
    outcome.position = cache->position();
    return outcome;
}

Floats row_of(const Floats& rows, std::size_t row, std::size_t size) {
    const auto first = rows.begin() + static_cast<std::ptrdiff_t>(row * size);
    return {first, first + static_cast<std::ptrdiff_t>(size)};
}

}  // namespace

TEST_CASE("reference: no bit depends on how the prompt is cut into chunks") {
    const TinyModel model;
    const auto tokens = some_tokens(23);
    const Floats whole = run(model, tokens, 23).logits;
    for (const std::size_t chunk_size : {1u, 2u, 3u, 7u, 22u}) {
        INFO("chunks of " << chunk_size);
        CHECK(run(model, tokens, chunk_size).logits == whole);
    }
    CHECK(run(model, tokens, 7).position == 23);
}

TEST_CASE("reference: a token sees those before it and none after it") {
    const TinyModel model;
    const std::size_t size = model.config.vocabulary_size;
    const auto tokens = some_tokens(12);
    auto changed = tokens;
    changed[5] = 39;
    const Floats before = run(model, tokens, 12).logits;
    const Floats after = run(model, changed, 12).logits;
    for (std::size_t token = 0; token < 12; ++token) {
        INFO("token " << token);
        CHECK((row_of(before, token, size) == row_of(after, token, size)) == (token < 5));
    }
}

TEST_CASE("reference: a convolution alone reaches back by its width and no further") {
    TinyModel model;
    model.config.is_attention = {false};
    model.weights.layers.resize(1);
    const std::size_t size = model.config.vocabulary_size;
    const auto tokens = some_tokens(9);
    auto changed = tokens;
    changed[3] = 39;
    const Floats before = run(model, tokens, 2).logits;
    const Floats after = run(model, changed, 2).logits;
    for (std::size_t token = 0; token < 9; ++token) {
        INFO("token " << token);
        CHECK((row_of(before, token, size) == row_of(after, token, size)) == (token < 3 || token > 5));
    }
}

TEST_CASE("reference: a token's place matters to attention") {
    TinyModel model;
    // A lone attention layer does not know an order but by the rotation of its heads.
    model.weights.layers = {model.weights.layers[1]};
    model.config.is_attention = {true};
    model.config.n_dense_layers = 0;
    const Floats forth = run(model, {4, 9, 17}, 3).logits;
    const Floats back = run(model, {9, 4, 17}, 3).logits;
    double distance = 0.0;
    for (std::size_t i = 2 * 40; i < 3 * 40; ++i) {
        distance = std::max(distance, static_cast<double>(std::fabs(forth[i] - back[i])));
    }
    CHECK(distance > 1e-3);
}

TEST_CASE("reference: equal experts tie towards the lower ids, and share the weight") {
    TinyModel model;
    auto& experts = std::get<ExpertFeedForward>(model.weights.layers[1].feed_forward);
    std::ranges::fill(model.numbers_of(experts.router), 0.0F);
    std::ranges::fill(experts.bias, 0.0F);
    const Outcome outcome = run(model, some_tokens(2), 2);
    CHECK(outcome.trace.experts[1] == std::vector<std::int32_t>{0, 1, 0, 1});
    CHECK(outcome.trace.weights[1] == std::vector<float>(4, 0.5F / (1.0F + 1e-6F)));
}

TEST_CASE("reference: bias changes who is chosen but not how much they count") {
    TinyModel model;
    auto& experts = std::get<ExpertFeedForward>(model.weights.layers[1].feed_forward);
    std::ranges::fill(model.numbers_of(experts.router), 0.0F);
    experts.bias = {0.0F, -1.0F, 0.0F, 0.5F, 0.0F, 0.25F};
    const Outcome outcome = run(model, some_tokens(2), 2);
    CHECK(outcome.trace.experts[1] == std::vector<std::int32_t>{3, 5, 3, 5});
    CHECK(outcome.trace.weights[1] == std::vector<float>(4, 0.5F / (1.0F + 1e-6F)));
}

TEST_CASE("reference: counts every expert that it wakes") {
    const TinyModel model;
    ExpertCounts counts(model.config.n_layers(), model.config.n_experts);
    run(model, some_tokens(10), 4, &counts);
    CHECK(counts.n_tokens() == 10);
    for (std::uint32_t layer = 0; layer < 3; ++layer) {
        std::uint64_t n_woken = 0;
        for (std::uint32_t expert = 0; expert < 6; ++expert) n_woken += counts.count(layer, expert);
        CHECK(n_woken == (layer == 0 ? 0u : 20u));
    }
}

TEST_CASE("reference: the trace begins with the embedding and ends with the final norm") {
    TinyModel model;
    const Outcome outcome = run(model, {11, 12}, 2);
    const auto& embedding = model.numbers_of(model.weights.embedding);
    const Floats expected(embedding.begin() + 11 * 32, embedding.begin() + 13 * 32);
    CHECK(outcome.trace.hidden.front() == expected);
    // Divided by its weights the final norm has a mean square of one.
    double squares = 0.0;
    for (std::size_t i = 0; i < 32; ++i) {
        const double value = static_cast<double>(outcome.trace.hidden.back()[i] / model.weights.final_norm[i]);
        squares += value * value / 32.0;
    }
    CHECK(std::fabs(squares - 1.0) < 1e-4);  // epsilon takes its share of it
}

TEST_CASE("reference: a NaN among the weights is reported, wherever it is, and the cache stays") {
    for (int place = 0; place < 3; ++place) {
        TinyModel model;
        auto& experts = std::get<ExpertFeedForward>(model.weights.layers[1].feed_forward);
        const Matrix places[] = {experts.router, std::get<Attention>(model.weights.layers[1].mixer).key,
                                 std::get<ShortConvolution>(model.weights.layers[2].mixer).input};
        std::ranges::fill(model.numbers_of(places[place]), std::numeric_limits<float>::quiet_NaN());
        const Outcome outcome = run(model, some_tokens(3), 3);
        INFO("place " << place);
        CHECK(outcome.status == SLUICE_E_NUMERIC);
        CHECK(outcome.position == 0);
    }
}

TEST_CASE("reference: a cancelled run says so and does not move the cache") {
    const TinyModel model;
    MemoryBudget budget;
    auto cache = KvCache::create(model.config, {64, KvType::kF32, KvType::kF32}, budget);
    REQUIRE(cache);
    const auto pass = make_reference_pass(model.config, model.weights, 8, nullptr);
    CHECK(pass->max_tokens() == 8);
    const CancelFlag cancel = true;
    const Done done =
        pass->run(some_tokens(3), TokenRole::kPrompt, *cache, LogitRows::kNone, {}, nullptr, cancel);
    REQUIRE(!done);
    CHECK(done.error().status == SLUICE_E_CANCELLED);
    CHECK(cache->position() == 0);
}
