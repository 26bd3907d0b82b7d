// DRY: by hand, and against the double loop of its public description.
#include "session/dry_penalty.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "session/random.h"
#include "session/token_history.h"
#include "support/catch.h"

namespace {

using sluice::DryOptions;
using sluice::DryPenalty;
using sluice::TokenId;
using Ids = std::vector<TokenId>;

constexpr std::size_t kTokens = 10;

std::vector<float> penalised(const DryOptions& options, const Ids& breakers, const Ids& history) {
    DryPenalty dry(options, breakers, kTokens, 1000);
    std::vector<float> scores(kTokens, 0.0F);
    dry.apply(history, scores);
    std::vector<float> twice(kTokens, 0.0F);
    dry.apply(history, twice);
    CHECK(twice == scores);  // nothing is left over from the call before
    return scores;
}

// Only these tokens are penalised, by this much.
std::vector<float> only(const std::map<TokenId, float>& penalties) {
    std::vector<float> scores(kTokens, 0.0F);
    for (const auto& [id, penalty] : penalties) scores[static_cast<std::size_t>(id)] = -penalty;
    return scores;
}

// The loops of the description, quadratic and plain.
std::vector<float> described(const DryOptions& options, const Ids& breakers, const Ids& history) {
    const auto is_breaker = [&](TokenId id) {
        return std::find(breakers.begin(), breakers.end(), id) != breakers.end();
    };
    const std::size_t window = options.window == 0 ? history.size() : std::min(options.window, history.size());
    const Ids seen(history.end() - static_cast<std::ptrdiff_t>(window), history.end());
    std::map<TokenId, std::size_t> longest;
    for (std::size_t i = 0; i + 1 < seen.size(); ++i) {
        if (is_breaker(seen[i + 1])) continue;
        std::size_t length = 0;
        while (length <= i && seen[i - length] == seen[seen.size() - 1 - length] &&
               !is_breaker(seen[i - length])) {
            ++length;
        }
        longest[seen[i + 1]] = std::max(longest[seen[i + 1]], length);
    }
    std::vector<float> scores(kTokens, 0.0F);
    for (const auto& [id, length] : longest) {
        if (length < options.allowed_length) continue;
        const auto excess = static_cast<double>(length - options.allowed_length);
        scores[static_cast<std::size_t>(id)] =
            static_cast<float>(-options.multiplier * std::pow(static_cast<double>(options.base), excess));
    }
    return scores;
}

}  // namespace

TEST_CASE("dry: the token that would go on with a repeated sequence loses by its length") {
    const DryOptions options{2.0F, 3.0F, 2, 0};
    CHECK(penalised(options, {}, {1, 2, 3, 4, 1, 2, 3}) == only({{4, 6.0F}}));  // 2 * 3^(3 - 2)
    CHECK(penalised(options, {}, {2, 3, 4, 1, 2, 3}) == only({{4, 2.0F}}));
    CHECK(penalised(options, {}, {3, 4, 1, 2, 3}) == only({}));  // one token is allowed
    CHECK(penalised(options, {}, {1, 2, 5, 3, 1, 2, 6, 3, 1, 2}) == only({{5, 2.0F}, {6, 6.0F}, {3, 0.0F}}));
    CHECK(penalised(options, {}, {}) == only({}));
    CHECK(penalised(options, {}, {1}) == only({}));
}

TEST_CASE("dry: of several matches before the same token the longest counts, overlap included") {
    const DryOptions options{1.0F, 2.0F, 2, 0};
    CHECK(penalised(options, {}, {1, 2, 4, 3, 1, 2, 4, 9, 3, 1, 2}) == only({{4, 2.0F}}));
    CHECK(penalised(options, {}, {7, 7, 7, 7, 7}) == only({{7, 4.0F}}));  // four of the five, one earlier
}

TEST_CASE("dry: no match crosses a breaker, and a breaker is never penalised") {
    const DryOptions options{1.0F, 2.0F, 2, 0};
    CHECK(penalised(options, {1}, {0, 1, 2, 3, 4, 0, 1, 2, 3}) == only({{4, 1.0F}}));
    CHECK(penalised(options, {2}, {0, 1, 2, 3, 4, 0, 1, 2, 3}) == only({}));
    CHECK(penalised(options, {4}, {0, 1, 2, 3, 4, 0, 1, 2, 3}) == only({}));
    CHECK(penalised(options, {3}, {1, 2, 3, 4, 1, 2, 3}) == only({}));
}

TEST_CASE("dry: looks back over its window only") {
    const Ids history = {1, 2, 3, 4, 1, 2, 3};
    CHECK(penalised({1.0F, 2.0F, 2, 7}, {}, history) == only({{4, 2.0F}}));
    CHECK(penalised({1.0F, 2.0F, 2, 6}, {}, history) == only({{4, 1.0F}}));
    CHECK(penalised({1.0F, 2.0F, 2, 5}, {}, history) == only({}));
    CHECK(penalised({1.0F, 2.0F, 1, 5}, {}, history) == only({{4, 1.0F}}));
}

TEST_CASE("dry: off without a multiplier, finite however long the repetition") {
    CHECK(penalised({0.0F, 2.0F, 1, 0}, {}, {7, 7, 7, 7}) == only({}));
    const auto scores = penalised({0.8F, 1.75F, 2, 0}, {}, Ids(900, 7));
    CHECK(scores[7] == -1e30F);
    CHECK(penalised({0.8F, 3e38F, 1, 0}, {}, Ids(900, 7))[7] == -1e30F);
    CHECK(penalised({0.8F, 1.0F, 1, 0}, {}, Ids(900, 7))[7] == -0.8F);
}

TEST_CASE("dry: a longer history than its capacity, and tokens outside the vocabulary, do no harm") {
    DryPenalty dry({1.0F, 2.0F, 2, 0}, {}, kTokens, 6);
    std::vector<float> scores(kTokens, 0.0F);
    dry.apply(Ids{1, 2, 3, 4, 1, 2, 3}, scores);
    CHECK(scores == only({{4, 1.0F}}));
    CHECK(penalised({1.0F, 2.0F, 2, 0}, {}, {-1, 1000, 2000, -1, 1000}) == only({}));
}

TEST_CASE("dry: agrees with the loops of its description on random small alphabets") {
    sluice::Random random(31);
    std::size_t n_penalised = 0;
    for (int round = 0; round < 2000; ++round) {
        const std::uint64_t n_letters = 1 + random.next() % 4;
        Ids history(random.next() % 60);
        for (TokenId& id : history) id = static_cast<TokenId>(random.next() % n_letters);
        const DryOptions options{1.0F, 2.0F, 1 + random.next() % 4,
                                 random.next() % 3 == 0 ? random.next() % 40 : 0};
        Ids breakers;
        if (random.next() % 2 == 0) breakers.push_back(static_cast<TokenId>(random.next() % 4));
        const auto expected = described(options, breakers, history);
        REQUIRE(penalised(options, breakers, history) == expected);
        n_penalised += static_cast<std::size_t>(
            std::count_if(expected.begin(), expected.end(), [](float score) { return score < 0.0F; }));
    }
    CHECK(n_penalised > 1000);
}

TEST_CASE("token history: counts are those of a recount, after any appends, cuts and windows") {
    sluice::Random random(41);
    for (int round = 0; round < 200; ++round) {
        sluice::TokenHistory history(5, 100);
        Ids expected;
        std::size_t window = 0;
        for (int step = 0; step < 60; ++step) {
            const std::uint64_t kind = random.next() % 10;
            if (kind == 0) {
                window = random.next() % 8;
                history.set_window(window);
            } else if (kind <= 2) {
                const std::size_t n = random.next() % (expected.size() + 2);
                history.truncate(n);
                expected.resize(std::min(n, expected.size()));
            } else {
                expected.push_back(static_cast<TokenId>(random.next() % 7) - 1);  // -1 and 5 are not counted
                history.append(expected.back());
            }
            REQUIRE(std::equal(expected.begin(), expected.end(), history.ids().begin(), history.ids().end()));
            const std::size_t n_seen = window == 0 ? expected.size() : std::min(window, expected.size());
            std::size_t n_distinct = 0;
            for (TokenId id = 0; id < 5; ++id) {
                const auto n =
                    std::count(expected.end() - static_cast<std::ptrdiff_t>(n_seen), expected.end(), id);
                REQUIRE(history.count(id) == static_cast<std::uint32_t>(n));
                const auto listed = history.distinct();
                REQUIRE(std::count(listed.begin(), listed.end(), id) == (n > 0 ? 1 : 0));
                n_distinct += n > 0 ? 1 : 0;
            }
            REQUIRE(history.distinct().size() == n_distinct);
        }
    }
}
