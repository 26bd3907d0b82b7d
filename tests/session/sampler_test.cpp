// The sampler: its promises in sluice/session.h and sampler.h, on logits small enough to check by hand.
#include "session/sampler.h"

#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "session/exponential.h"
#include "support/catch.h"
#include "support/counted_allocations.h"

namespace {

using sluice::Config;
using sluice::Sampler;
using sluice::SamplingOptions;
using sluice::TokenId;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

SamplingOptions greedy() {
    SamplingOptions options;
    options.greedy = true;
    return options;
}

TokenId chosen(Sampler& sampler, const std::vector<float>& logits) {
    auto token = sampler.choose(logits);
    REQUIRE(token.ok());
    return *token;
}

std::int32_t refusal(Sampler& sampler, const std::vector<float>& logits) {
    const auto token = sampler.choose(logits);
    REQUIRE_FALSE(token.ok());
    return token.error().status;
}

std::vector<TokenId> run(Sampler& sampler, const std::vector<float>& logits, std::size_t n) {
    std::vector<TokenId> ids;
    for (std::size_t i = 0; i < n; ++i) {
        ids.push_back(chosen(sampler, logits));
        sampler.accept({&ids.back(), 1});
    }
    return ids;
}

// How often each token comes out of n draws with one logit vector.
std::map<TokenId, int> tally(SamplingOptions options, const std::vector<float>& logits, int n) {
    Sampler sampler(std::move(options), logits.size(), 16);
    std::map<TokenId, int> counts;
    for (int i = 0; i < n; ++i) ++counts[chosen(sampler, logits)];
    return counts;
}

// Many logits without order or ties to speak of.
std::vector<float> noise(std::size_t n, std::uint64_t seed) {
    sluice::Random random(seed);
    std::vector<float> logits(n);
    for (float& logit : logits) logit = static_cast<float>(random.next_fraction() * 20.0 - 10.0);
    return logits;
}

}  // namespace

TEST_CASE("random: splitmix64 and xoshiro256** give their published numbers") {
    std::uint64_t state = 1234567;
    CHECK(sluice::split_mix(state) == 6457827717110365317U);
    CHECK(sluice::split_mix(state) == 3203168211198807973U);
    sluice::Random random(std::array<std::uint64_t, 4>{1, 2, 3, 4});
    CHECK(random.next() == 11520U);
    CHECK(random.next() == 0U);
    CHECK(random.next() == 1509978240U);
    CHECK(random.next() == 1215971899390074240U);
    sluice::Random zero(0);
    for (int i = 0; i < 1000; ++i) {
        const double fraction = zero.next_fraction();
        CHECK((fraction >= 0.0 && fraction < 1.0));
    }
}

TEST_CASE("exponential: within 1e-15 of libm's, exact at 0, nothing far below") {
    CHECK(sluice::exponential(0.0) == 1.0);
    CHECK(sluice::exponential(-kInfinity) == 0.0);
    CHECK(sluice::exponential(-1e300) == 0.0);
    CHECK(sluice::exponential(-709.0) == 0.0);
    double worst = 0.0;
    for (int i = 0; i <= 708000; i += 7) {
        const double x = -i / 1000.0;
        worst = std::max(worst, std::abs(sluice::exponential(x) / std::exp(x) - 1.0));
    }
    CHECK(worst < 1e-15);
}

TEST_CASE("sampler: greedy takes the highest logit, the lower id of two") {
    Sampler sampler(greedy(), 4, 8);
    CHECK(chosen(sampler, {0.0F, 3.0F, 3.0F, -1.0F}) == 1);
    CHECK(chosen(sampler, {5.0F, 5.0F, 5.0F, 5.0F}) == 0);
    CHECK(chosen(sampler, {-kInfinity, -kInfinity, -3e38F, -kInfinity}) == 2);
}

TEST_CASE("sampler: ids at or above n_tokens are never chosen") {
    Sampler sampler(greedy(), 2, 8);
    CHECK(chosen(sampler, {1.0F, 2.0F, 100.0F, kNaN}) == 1);
    sampler.accept(std::vector<TokenId>{100, -7, 2});  // and do no harm in the history
    CHECK(chosen(sampler, {1.0F, 2.0F, 100.0F}) == 1);
}

TEST_CASE("sampler: logits that are not numbers are refused, naming the token") {
    for (const bool is_greedy : {true, false}) {
        SamplingOptions options;
        options.greedy = is_greedy;
        Sampler sampler(options, 3, 8);
        CHECK(refusal(sampler, {0.0F, kNaN, 1.0F}) == SLUICE_E_NUMERIC);
        CHECK(sampler.choose(std::vector<float>{0.0F, kNaN, 1.0F}).error().message ==
              "the logit of token 1 is nan");
        CHECK(sampler.choose(std::vector<float>{0.0F, 1.0F, kInfinity}).error().message ==
              "the logit of token 2 is inf");
        CHECK(refusal(sampler, {-kInfinity, -kInfinity, -kInfinity}) == SLUICE_E_NUMERIC);
        CHECK(chosen(sampler, {-kInfinity, 0.0F, -kInfinity}) == 1);
    }
}

TEST_CASE("sampler: a bias moves a logit, minus infinity forbids, several add up") {
    SamplingOptions options = greedy();
    options.biases = {{2, 3.0F}, {2, 3.0F}, {0, -kInfinity}};
    Sampler sampler(options, 3, 8);
    CHECK(chosen(sampler, {100.0F, 5.0F, 0.0F}) == 2);
    CHECK(chosen(sampler, {100.0F, 5.0F, -2.0F}) == 1);
    CHECK(refusal(sampler, {1.0F, -kInfinity, -kInfinity}) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(sampler.choose(std::vector<float>{1.0F, -kInfinity, -kInfinity}).error().message ==
          "the 3 logit biases forbid every token that the model allows");
}

TEST_CASE("sampler: huge biases and penalties keep scores finite") {
    SamplingOptions options;
    options.biases = {{0, 3e38F}, {0, 3e38F}, {1, -3e38F}, {1, -3e38F}};
    options.repetition_penalty = 1e-38F;
    options.frequency_penalty = 3e38F;
    options.presence_penalty = -3e38F;
    options.temperature = 1e-30F;
    Sampler sampler(options, 3, 8);
    sampler.accept(std::vector<TokenId>{0, 0, 0, 1, 2});
    CHECK(chosen(sampler, {3e38F, -3e38F, 1.0F}) >= 0);
    options.repetition_penalty = 3e38F;
    options.biases = {};
    sampler.configure(options);
    CHECK(chosen(sampler, {3e38F, -3e38F, 1.0F}) >= 0);
}

TEST_CASE("sampler: repetition divides what is positive and multiplies what is negative") {
    SamplingOptions options = greedy();
    options.repetition_penalty = 2.0F;
    Sampler sampler(options, 3, 8);
    sampler.accept(std::vector<TokenId>{0, 0, 0});
    CHECK(chosen(sampler, {4.0F, 1.9F, 0.0F}) == 0);  // 4 / 2, once, however often it occurred
    CHECK(chosen(sampler, {4.0F, 2.1F, 0.0F}) == 1);
    CHECK(chosen(sampler, {-1.0F, -1.9F, -9.0F}) == 1);  // -1 * 2
    CHECK(chosen(sampler, {-1.0F, -2.1F, -9.0F}) == 0);
}

TEST_CASE("sampler: frequency counts occurrences, presence only asks for one") {
    SamplingOptions options = greedy();
    options.frequency_penalty = 0.5F;
    options.presence_penalty = 0.25F;
    Sampler sampler(options, 3, 8);
    sampler.accept(std::vector<TokenId>{0, 1, 0, 0});
    CHECK(chosen(sampler, {2.0F, 0.0F, 0.26F}) == 2);  // 2 - 3 * 0.5 - 0.25 = 0.25
    CHECK(chosen(sampler, {2.0F, 0.0F, 0.24F}) == 0);
    CHECK(chosen(sampler, {-9.0F, 1.0F, 0.26F}) == 2);  // 1 - 0.5 - 0.25
    CHECK(chosen(sampler, {-9.0F, 1.0F, 0.24F}) == 1);
}

TEST_CASE("sampler: bias comes before the penalties") {
    SamplingOptions options = greedy();
    options.repetition_penalty = 2.0F;
    options.biases = {{0, 4.0F}};
    Sampler sampler(options, 2, 8);
    sampler.accept(std::vector<TokenId>{0});
    CHECK(chosen(sampler, {-2.0F, 0.9F}) == 0);  // (-2 + 4) / 2; the other order gives -4 + 4
    CHECK(chosen(sampler, {-2.0F, 1.1F}) == 1);
}

TEST_CASE("sampler: penalties see the window only, and a cut brings back what had left it") {
    SamplingOptions options = greedy();
    options.presence_penalty = 10.0F;
    options.penalty_window = 2;
    Sampler sampler(options, 4, 8);
    const std::vector<float> logits = {3.0F, 2.0F, 1.0F, 0.0F};
    sampler.accept(std::vector<TokenId>{0, 1, 2});
    CHECK(chosen(sampler, logits) == 0);
    sampler.truncate(2);
    CHECK(chosen(sampler, logits) == 2);
    options.penalty_window = 1;
    sampler.configure(options);
    CHECK(chosen(sampler, logits) == 0);
    options.penalty_window = 0;
    sampler.configure(options);
    sampler.accept(std::vector<TokenId>{2, 2, 2});
    CHECK(chosen(sampler, logits) == 3);
    sampler.truncate(100);  // nothing to cut
    CHECK(chosen(sampler, logits) == 3);
    sampler.truncate(1);
    CHECK(chosen(sampler, logits) == 1);
    sampler.reset();
    CHECK(chosen(sampler, logits) == 0);
}

TEST_CASE("sampler: the same seed gives the same tokens, on every machine these") {
    SamplingOptions options;
    options.seed = 42;
    const auto logits = noise(50, 3);
    Sampler sampler(options, logits.size(), 64);
    const auto ids = run(sampler, logits, 12);
    Sampler other(options, logits.size(), 64);
    CHECK(run(other, logits, 12) == ids);
    CHECK(ids == std::vector<TokenId>{8, 25, 27, 34, 49, 34, 31, 34, 34, 25, 27, 24});
    options.seed = 43;
    Sampler different(options, logits.size(), 64);
    CHECK(run(different, logits, 12) != ids);
}

TEST_CASE("sampler: reset starts the random stream anew, configure keeps it unless the seed changes") {
    SamplingOptions options;
    options.seed = 7;
    const auto logits = noise(100, 5);
    Sampler whole(options, logits.size(), 64);
    const auto ids = run(whole, logits, 20);
    whole.reset();
    CHECK(run(whole, logits, 20) == ids);

    Sampler paused(options, logits.size(), 64);
    run(paused, logits, 10);
    paused.configure(options);
    CHECK(run(paused, logits, 10) == std::vector<TokenId>(ids.begin() + 10, ids.end()));
    options.seed = 8;
    paused.configure(options);
    CHECK(paused.options().seed == 8);
    options.seed = 7;
    paused.configure(options);
    CHECK(run(paused, logits, 20) == ids);
}

TEST_CASE("sampler: a failed or greedy choice takes nothing from the random stream") {
    SamplingOptions options;
    options.seed = 9;
    const auto logits = noise(100, 6);
    Sampler whole(options, logits.size(), 64);
    const auto ids = run(whole, logits, 10);
    Sampler disturbed(options, logits.size(), 64);
    CHECK(refusal(disturbed, std::vector<float>(100, -kInfinity)) == SLUICE_E_NUMERIC);
    SamplingOptions greedy_options = greedy();
    greedy_options.seed = 9;
    disturbed.configure(greedy_options);
    chosen(disturbed, logits);
    disturbed.configure(options);
    CHECK(run(disturbed, logits, 10) == ids);
}

TEST_CASE("sampler: draws follow the probabilities, sharpened by temperature") {
    const std::vector<float> logits = {std::log(1.0F), std::log(3.0F), -kInfinity, std::log(4.0F)};
    SamplingOptions options;
    options.seed = 1;
    auto counts = tally(options, logits, 80000);
    // Standard deviations are at most 142: these bounds are seven of them wide.
    CHECK(std::abs(counts[0] - 10000) < 1000);
    CHECK(std::abs(counts[1] - 30000) < 1000);
    CHECK(counts.count(2) == 0);
    CHECK(std::abs(counts[3] - 40000) < 1000);
    options.temperature = 0.5F;  // weights 1, 9, 16
    counts = tally(options, logits, 26000);
    CHECK(std::abs(counts[0] - 1000) < 300);
    CHECK(std::abs(counts[1] - 9000) < 600);
    options.temperature = 1e-30F;
    CHECK(tally(options, logits, 100)[3] == 100);
    options.temperature = 100.0F;
    CHECK(std::abs(tally(options, logits, 30000)[0] - 10000) < 600);
}

TEST_CASE("sampler: all equal logits are drawn evenly") {
    SamplingOptions options;
    for (const auto& [id, count] : tally(options, std::vector<float>(10, -5.0F), 20000)) {
        CHECK((id >= 0 && id < 10));
        CHECK(std::abs(count - 2000) < 300);
    }
}

TEST_CASE("sampler: cuts leave exactly the tokens they promise") {
    // Probabilities 0.5, 0.25, 0.125, 0.0625, 0.0625; mean information 1.875 bits.
    const std::vector<float> logits = {std::log(8.0F), std::log(4.0F), std::log(2.0F), 0.0F, 0.0F};
    const auto kept = [&](auto set) {
        SamplingOptions options;
        set(options);
        std::vector<TokenId> ids;
        for (const auto& [id, count] : tally(options, logits, 2000)) ids.push_back(id);
        return ids;
    };
    using Ids = std::vector<TokenId>;
    CHECK(kept([](auto&) {}) == Ids{0, 1, 2, 3, 4});
    CHECK(kept([](auto& o) { o.top_k = 1; }) == Ids{0});
    CHECK(kept([](auto& o) { o.top_k = 4; }) == Ids{0, 1, 2, 3});
    CHECK(kept([](auto& o) { o.top_k = 2000000000; }) == Ids{0, 1, 2, 3, 4});
    CHECK(kept([](auto& o) { o.top_p = 0.7F; }) == Ids{0, 1});
    CHECK(kept([](auto& o) { o.top_p = 0.8F; }) == Ids{0, 1, 2});
    CHECK(kept([](auto& o) { o.min_p = 0.2F; }) == Ids{0, 1, 2});
    CHECK(kept([](auto& o) { o.min_p = 1.0F; }) == Ids{0});
    CHECK(kept([](auto& o) { o.typical_p = 0.2F; }) == Ids{1});
    // On what is left: of 8 and 4, a share of 0.6 is the first alone; of all five it is both.
    CHECK(kept([](auto& o) { o.top_p = 0.6F; }) == Ids{0, 1});
    CHECK(kept([](auto& o) { o.top_p = 0.6F, o.top_k = 2; }) == Ids{0});
    // Temperature comes before: at 0.5 the weights are 64, 16, 4, 1, 1.
    CHECK(kept([](auto& o) { o.top_p = 0.7F, o.temperature = 0.5F; }) == Ids{0});
    CHECK(kept([](auto& o) { o.min_p = 0.2F, o.temperature = 0.5F; }) == Ids{0, 1});
    // min-p after typical measures by what typical left: 1 alone, though 0 is likelier.
    CHECK(kept([](auto& o) { o.typical_p = 0.2F, o.min_p = 1.0F; }) == Ids{1});
}

TEST_CASE("sampler: a cut that removes nothing changes no draw") {
    const auto logits = noise(3000, 8);
    SamplingOptions options;
    options.temperature = 2.0F;
    options.seed = 77;
    Sampler plain(options, logits.size(), 64);
    const auto ids = run(plain, logits, 50);
    for (const int which : {0, 1, 2, 3}) {
        SamplingOptions other = options;
        if (which == 0) other.top_k = 3000;
        if (which == 1) other.top_k = 100000;
        if (which == 2) other.min_p = 1e-20F;
        if (which == 3) other.biases = {{5, 0.0F}};
        Sampler sampler(other, logits.size(), 64);
        CHECK(run(sampler, logits, 50) == ids);
    }
}

TEST_CASE("sampler: choosing and accepting allocate nothing") {
    const auto logits = noise(5000, 9);
    for (const int which : {0, 1, 2, 3, 4}) {
        SamplingOptions options;
        options.repetition_penalty = 1.1F;
        options.frequency_penalty = 0.1F;
        options.dry_multiplier = 0.8F;
        options.dry_breakers = {1, 2};
        options.biases = {{3, -kInfinity}};
        if (which == 0) options.top_k = 40;
        if (which == 1) options.top_k = 4000;
        if (which == 2) options.top_p = 0.95F;
        if (which == 3) options.typical_p = 0.9F, options.min_p = 0.01F, options.penalty_window = 64;
        options.greedy = which == 4;
        Sampler sampler(options, logits.size(), 600);
        std::vector<sluice::TokenProbability> top(64);
        const auto memory = sampler.memory();
        const auto before = sluice_test::n_allocations();
        bool is_ok = true;
        for (int i = 0; i < 300; ++i) {
            const auto token = sampler.choose(logits);
            is_ok &= token.ok();
            const TokenId pair[] = {*token, *token};
            sampler.accept(pair);
            if (i % 50 == 7) sampler.truncate(static_cast<std::size_t>(i));
            top_log_probabilities(logits, top);
            is_ok &= sluice::log_probability(logits, *token) < 0.0F;
        }
        sampler.reset();
        CHECK(sluice_test::n_allocations() == before);
        CHECK(is_ok);
        CHECK(sampler.memory() == memory);
        CHECK(memory > 5000 * sizeof(float));
    }
}
