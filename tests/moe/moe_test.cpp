#include <cmath>
#include <limits>
#include <vector>

#include "moe/expert_counts.h"
#include "moe/expert_groups.h"
#include "moe/router.h"
#include "support/catch.h"

using namespace sluice;

namespace {

struct Choice {
    std::vector<std::int32_t> ids;
    std::vector<float> weights;
};

Choice choose(const RouterRule& rule, std::vector<float> logits, const std::vector<float>& bias) {
    Choice choice{std::vector<std::int32_t>(rule.n_used), std::vector<float>(rule.n_used)};
    choose_experts(rule, logits, bias, choice.ids, choice.weights);
    return choice;
}

float sigmoid(float x) {
    return 1.0F / (1.0F + std::exp(-x));
}

}  // namespace

TEST_CASE("router: bias changes who is chosen but not how much they count") {
    const std::vector<float> logits = {0.5F, 1.0F, 0.0F, -1.0F};
    CHECK(choose({2}, logits, {0, 0, 0, 0}).ids == std::vector<std::int32_t>{0, 1});
    const Choice biased = choose({2}, logits, {0, 0, 0, 5});
    CHECK(biased.ids == std::vector<std::int32_t>{1, 3});
    const float sum = sigmoid(1.0F) + sigmoid(-1.0F);
    CHECK(std::fabs(biased.weights[0] - sigmoid(1.0F) / (sum + 1e-6F)) < 1e-7F);
    CHECK(std::fabs(biased.weights[1] - sigmoid(-1.0F) / (sum + 1e-6F)) < 1e-7F);
}

TEST_CASE("router: equal appeal goes to the lower id") {
    CHECK(choose({3}, std::vector<float>(8, 1.0F), std::vector<float>(8, 0.0F)).ids ==
          std::vector<std::int32_t>{0, 1, 2});
}

TEST_CASE("router: normalising and scaling follow the rule") {
    const Choice raw = choose({1, false, 2.0F}, {0.0F, 3.0F}, {0, 0});
    CHECK(raw.weights[0] == sigmoid(3.0F) * 2.0F);
    const Choice normal = choose({2, true, 1.0F}, {-40.0F, -41.0F}, {0, 0});
    // Scores near zero: the floor keeps the quotient finite instead of making noise large.
    CHECK(normal.weights[0] < 1e-6F);
    CHECK(std::isfinite(normal.weights[1]));
}

TEST_CASE("router: NaN logits give valid ids and show in the weights") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const Choice all = choose({2}, {nan, nan, nan}, {0, 0, 0});
    CHECK(all.ids == std::vector<std::int32_t>{0, 1});
    CHECK(std::isnan(all.weights[0]));
    CHECK(choose({2}, {nan, 1.0F, 2.0F}, {0, 0, 0}).ids == std::vector<std::int32_t>{1, 2});
}

TEST_CASE("expert groups: pairs are ordered by expert, then by token, and lead back") {
    ExpertGroups groups(4, 2, 3);
    const std::vector<std::int32_t> ids = {0, 3, 1, 3, 0, 1};
    groups.group(ids);
    CHECK(groups.n_pairs() == 6);
    const std::vector<std::size_t> first = {0, 2, 4, 4, 6};
    for (std::uint32_t expert = 0; expert <= 4; ++expert) CHECK(groups.first_pair(expert) == first[expert]);
    const std::vector<std::size_t> tokens = {0, 2, 1, 2, 0, 1};
    for (std::size_t pair = 0; pair < 6; ++pair) CHECK(*groups.tokens_from(pair) == tokens[pair]);
    for (std::size_t token = 0; token < 3; ++token) {
        for (std::size_t i = 0; i < 2; ++i) {
            const std::size_t pair = groups.pair_of(token, i);
            const auto expert = static_cast<std::uint32_t>(ids[token * 2 + i]);
            CHECK(*groups.tokens_from(pair) == token);
            CHECK(pair >= groups.first_pair(expert));
            CHECK(pair < groups.first_pair(expert + 1));
        }
    }
    groups.group(std::vector<std::int32_t>{2, 3});
    CHECK(groups.n_pairs() == 2);
    CHECK(groups.first_pair(2) == 0);
}

TEST_CASE("expert counts: they add up and can be reset") {
    ExpertCounts counts(2, 4);
    counts.add(1, std::vector<std::int32_t>{0, 3, 3}, std::vector<float>{0.5F, 0.25F, 0.25F});
    counts.add_tokens(2);
    CHECK(counts.count(1, 3) == 2);
    CHECK(counts.weight(1, 3) == 0.5);
    CHECK(counts.count(0, 0) == 0);
    CHECK(counts.n_tokens() == 2);
    counts.reset();
    CHECK(counts.count(1, 3) == 0);
    CHECK(counts.n_tokens() == 0);
}
