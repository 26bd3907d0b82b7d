// What caches in blocks cost: logits with them against those with a cache of floats, on the oracle's float
// checkpoints.
#include <algorithm>
#include <cmath>
#include <sstream>

#include "forward/oracle.h"
#include "forward/reference/reference.h"
#include "forward/rig.h"
#include "model/random_model.h"

using namespace sluice_test;

namespace {

struct Distance {
    double divergence = 0.0;  // Kullback and Leibler (1951), mean over the tokens, in nats
    double same_best = 0.0;   // share of tokens
};

Distance distance(const std::vector<float>& logits, const std::vector<float>& exact, std::size_t row_size) {
    REQUIRE(logits.size() == exact.size());
    const std::size_t n_rows = logits.size() / row_size;
    const auto log_sum = [&](const float* row, float largest) {
        double sum = 0.0;
        for (std::size_t i = 0; i < row_size; ++i) sum += std::exp(static_cast<double>(row[i] - largest));
        return static_cast<double>(largest) + std::log(sum);
    };
    Distance mean;
    for (std::size_t row = 0; row < n_rows; ++row) {
        const float* p = exact.data() + row * row_size;
        const float* q = logits.data() + row * row_size;
        const float* best_p = std::max_element(p, p + row_size);
        const float* best_q = std::max_element(q, q + row_size);
        const double p_sum = log_sum(p, *best_p);
        const double q_sum = log_sum(q, *best_q);
        for (std::size_t i = 0; i < row_size; ++i) {
            const double log_p = static_cast<double>(p[i]) - p_sum;
            mean.divergence += std::exp(log_p) * (log_p - (static_cast<double>(q[i]) - q_sum));
        }
        mean.same_best += best_p - p == best_q - q;
    }
    mean.divergence /= static_cast<double>(n_rows);
    mean.same_best /= static_cast<double>(n_rows);
    return mean;
}

std::vector<float> logits_with(KvType type, const std::string& checkpoint, const std::vector<TokenId>& ids) {
    Rig rig(checkpoint, {.kv_type = type});
    KvCache cache = rig.cache(ids.size());
    return rig.run(ids, cache, LogitRows::kAll);
}

}  // namespace

TEST_CASE("forward: caches in blocks keep the words of the oracle's checkpoints") {
    // Several times what was measured (docs/decisions/0014-quantised-caches.md): a router's tie may fall
    // otherwise.
    struct Bound {
        KvType type;
        double divergence, same_best;
    };
    constexpr Bound kBounds[] = {{KvType::kQ8_0, 5e-4, 0.98}, {KvType::kQ4_0, 5e-3, 0.94}};
    const std::string oracle = oracle_folder();
    if (oracle.empty()) return;
    std::ostringstream report;
    for (const std::string checkpoint : {"/moe", "/dense"}) {
        auto ids = oracle_cases(oracle + checkpoint)[7].ids;
        if (kIsSlowBuild) ids.resize(std::min<std::size_t>(ids.size(), 50));
        const double one_token = 1.0 / static_cast<double>(ids.size());
        const auto exact = logits_with(KvType::kF32, oracle + checkpoint, ids);
        for (const Bound& bound : kBounds) {
            const auto logits = logits_with(bound.type, oracle + checkpoint, ids);
            const Distance far = distance(logits, exact, logits.size() / ids.size());
            report << "\n"
                   << checkpoint << (bound.type == KvType::kQ8_0 ? " q8_0" : " q4_0") << ", " << ids.size()
                   << " tokens: divergence " << far.divergence << ", same best token " << far.same_best;
            CHECK(far.divergence > 0.0);  // or it is no other cache
            CHECK(far.divergence <= bound.divergence);
            CHECK(far.same_best >= bound.same_best - one_token);
        }
    }
    WARN("distance from a cache of floats:" << report.str());
}

TEST_CASE("forward: the reference agrees with the tables about caches in blocks") {
    const auto bytes = random_model_bytes("moe", 7);
    REQUIRE(bytes);
    std::vector<TokenId> ids;
    for (TokenId id = 0; id < 40; ++id) ids.push_back(20 + id * 7 % 200);
    for (const KvType type : {KvType::kQ8_0, KvType::kQ4_0}) {
        std::vector<std::vector<float>> logits;
        for (const char* kernels : {"scalar", ""}) {
            Rig rig(Source::from_memory(*bytes), {.kernels = kernels, .kv_type = type});
            KvCache cache = rig.cache(ids.size());
            logits.push_back(rig.run(ids, cache, LogitRows::kAll));
        }
        Rig rig(Source::from_memory(*bytes), {.kv_type = type});
        rig.pass = make_reference_pass(rig.model->config(), rig.model->weights(), ids.size(), nullptr);
        KvCache cache = rig.cache(ids.size());
        const auto expected = rig.run(ids, cache, LogitRows::kAll);
        const std::size_t row_size = expected.size() / ids.size();
        // The reference rounds no query; the tables differ in last bits, of which some decide how an element is
        // rounded.
        for (const auto& table : logits) {
            const Distance far = distance(table, expected, row_size);
            INFO("type " << static_cast<int>(type) << ": divergence " << far.divergence);
            CHECK(far.divergence < 1e-3);
        }
    }
}
