// The cuts by themselves: every list they leave is enumerated, and compared with a full sort.
#include "session/candidates.h"

#include <algorithm>
#include <cmath>

#include "session/random.h"
#include "support/catch.h"

namespace {

using sluice::Candidate;
using sluice::TokenId;
using Candidates = std::vector<Candidate>;

Candidates weighed(const std::vector<float>& scores, float temperature) {
    Candidates candidates;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        candidates.push_back({static_cast<TokenId>(i), scores[i], 0.0});
    }
    sluice::weigh(candidates, temperature);
    return candidates;
}

std::vector<TokenId> ids(const Candidates& candidates) {
    std::vector<TokenId> list;
    for (const Candidate& candidate : candidates) list.push_back(candidate.id);
    return list;
}

// By the definition, without shortcuts: sorts all by `precedes`, keeps until the sum reaches p.
template <class Order>
std::vector<TokenId> sorted_share(Candidates all, double p, Order precedes) {
    double total = 0.0;
    for (const Candidate& candidate : all) total += candidate.weight;
    std::stable_sort(all.begin(), all.end(), precedes);
    double sum = 0.0;
    std::size_t n = 0;
    while (n < all.size() && sum < p * total) sum += all[n++].weight;
    all.resize(n);
    auto kept = ids(all);
    std::sort(kept.begin(), kept.end());
    return kept;
}

}  // namespace

TEST_CASE("candidates: weights are relative to the highest score, at the temperature") {
    const auto candidates = weighed({0.0F, 2.0F, 1.0F}, 0.5F);
    CHECK(candidates[1].weight == 1.0);
    CHECK(std::abs(candidates[0].weight - std::exp(-4.0)) < 1e-15);
    CHECK(std::abs(candidates[2].weight - std::exp(-2.0)) < 1e-15);
    const auto cold = weighed({3e38F, -3e38F, 3e38F}, 1e-45F);
    CHECK(cold[0].weight == 1.0);
    CHECK(cold[1].weight == 0.0);
    CHECK(cold[2].weight == 1.0);
}

TEST_CASE("candidates: top-k keeps the highest, of equal ones the lower ids, in order of ids") {
    auto candidates = weighed({1.0F, 3.0F, 2.0F, 3.0F, 2.0F}, 1.0F);
    keep_top_k(candidates, 3);
    CHECK(ids(candidates) == std::vector<TokenId>{1, 2, 3});
    keep_top_k(candidates, 5);
    CHECK(candidates.size() == 3);
}

TEST_CASE("candidates: top-p keeps the token that reaches p, and none after it") {
    const std::vector<float> even(4, 0.0F);
    const auto kept = [&](double p) {
        auto candidates = weighed(even, 1.0F);
        keep_top_p(candidates, p);
        return ids(candidates);
    };
    CHECK(kept(1e-9) == std::vector<TokenId>{0});
    CHECK(kept(0.5) == std::vector<TokenId>{0, 1});
    CHECK(kept(0.500001) == std::vector<TokenId>{0, 1, 2});
    CHECK(kept(1.0) == std::vector<TokenId>{0, 1, 2, 3});
}

TEST_CASE("candidates: min-p measures by the likeliest that is left") {
    auto candidates = weighed({std::log(8.0F), std::log(4.0F), 0.0F}, 1.0F);
    keep_min_p(candidates, 0.4);
    CHECK(ids(candidates) == std::vector<TokenId>{0, 1});
    candidates.erase(candidates.begin());
    keep_min_p(candidates, 1.0);
    CHECK(ids(candidates) == std::vector<TokenId>{1});
}

TEST_CASE("candidates: typical keeps what carries information near the entropy, not what is likeliest") {
    // Probabilities 1/2, 1/4, 1/8, 1/16, 1/16 carry 1, 2, 3, 4, 4 bits; the entropy is 1.875 bits.
    const std::vector<float> scores = {std::log(8.0F), std::log(4.0F), std::log(2.0F), 0.0F, 0.0F};
    const auto kept = [&](double p) {
        auto candidates = weighed(scores, 1.0F);
        keep_typical(candidates, p);
        return ids(candidates);
    };
    CHECK(kept(0.2) == std::vector<TokenId>{1});
    CHECK(kept(0.3) == std::vector<TokenId>{0, 1});
    CHECK(kept(0.8) == std::vector<TokenId>{0, 1, 2});
    CHECK(kept(0.9) == std::vector<TokenId>{0, 1, 2, 3});
}

TEST_CASE("candidates: partial sorting gives what a full sort gives, ties and tails included") {
    sluice::Random random(21);
    for (int round = 0; round < 300; ++round) {
        std::vector<float> scores(1 + random.next() % 2000);
        const bool has_ties = round % 2 == 0;
        for (float& score : scores) {
            score = static_cast<float>(random.next_fraction() * 12.0);
            if (has_ties) score = std::floor(score);
        }
        const auto all = weighed(scores, round % 3 == 0 ? 0.3F : 1.5F);
        const double p = random.next_fraction();

        auto top = all;
        keep_top_p(top, p);
        REQUIRE(ids(top) ==
                sorted_share(all, p, [](const Candidate& a, const Candidate& b) { return a.score > b.score; }));

        auto typical = all;
        keep_typical(typical, p);
        double total = 0.0;
        double mean = 0.0;
        for (const Candidate& candidate : all) {
            total += candidate.weight;
            mean += candidate.weight * candidate.score;
        }
        mean /= total;
        REQUIRE(ids(typical) == sorted_share(all, p, [=](const Candidate& a, const Candidate& b) {
                    const double near_a = std::abs(a.score - mean);
                    const double near_b = std::abs(b.score - mean);
                    return near_a != near_b ? near_a < near_b : a.score > b.score;
                }));
    }
}

TEST_CASE("candidates: a draw takes each token over just its share of 0 to 1") {
    const Candidates candidates = {
        {3, 0.0F, 1.0}, {5, 0.0F, 0.0}, {8, 0.0F, 2.0}, {9, 0.0F, 1.0}, {11, 0.0F, 0.0}};
    CHECK(draw(candidates, 0.0) == 3);
    CHECK(draw(candidates, 0.2499) == 3);
    CHECK(draw(candidates, 0.25) == 8);
    CHECK(draw(candidates, 0.7499) == 8);
    CHECK(draw(candidates, 0.75) == 9);
    CHECK(draw(candidates, 1.0 - 0x1p-53) == 9);
}
