// Which sampling options are refused and how, what is recommended, and what probabilities are reported.
#include <algorithm>
#include <cmath>
#include <limits>

#include "session/random.h"
#include "session/sampler.h"
#include "support/catch.h"

namespace {

using sluice::Config;
using sluice::log_probability;
using sluice::SamplingOptions;
using sluice::TokenProbability;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::string refusal(const SamplingOptions& options) {
    const auto done = verify_sampling(options, 100);
    if (done) return "";
    CHECK(done.error().status == SLUICE_E_INVALID_ARGUMENT);
    return done.error().message;
}

Config config_of(const char* name, std::uint32_t vocabulary_size, std::uint32_t n_experts,
                 std::size_t n_layers) {
    Config config;
    config.name = name;
    config.vocabulary_size = vocabulary_size;
    config.n_experts = n_experts;
    config.architecture = n_experts > 0 ? "lfm2moe" : "lfm2";
    config.rope_theta = 1e6F;
    config.is_attention.resize(n_layers);
    return config;
}

bool recommends(const Config& config, float temperature, int top_k, float min_p) {
    const SamplingOptions options = recommended_sampling(config);
    return options.temperature == temperature && options.top_k == top_k && options.min_p == min_p &&
           options.repetition_penalty == 1.05F && options.top_p == 1.0F && options.penalty_window == 0 &&
           !options.greedy && verify_sampling(options, 1).ok();
}

}  // namespace

TEST_CASE("sampling options: every field out of range is refused by name and number") {
    CHECK(refusal({}).empty());
    const auto with = [](auto set) {
        SamplingOptions options;
        set(options);
        return refusal(options);
    };
    CHECK(with([](auto& o) { o.temperature = -1.0F; }) ==
          "sampling option temperature is -1, it must be above 0 and at most 100");
    for (const float value : {0.0F, -1.0F, 100.5F, 1e30F, kNaN, kInfinity, -kInfinity}) {
        CHECK(with([=](auto& o) { o.temperature = value; }).find("temperature is ") != std::string::npos);
    }
    for (const float value : {0.0F, -0.5F, 1.01F, kNaN, kInfinity}) {
        CHECK(with([=](auto& o) { o.top_p = value; }).find("top_p is ") != std::string::npos);
        CHECK(with([=](auto& o) { o.typical_p = value; }).find("typical_p is ") != std::string::npos);
    }
    for (const float value : {-0.5F, 1.01F, kNaN, kInfinity}) {
        CHECK(with([=](auto& o) { o.min_p = value; }).find("min_p is ") != std::string::npos);
    }
    for (const float value : {0.0F, -1.0F, kNaN, kInfinity}) {
        CHECK(with([=](auto& o) { o.repetition_penalty = value; }).find("repetition_penalty is ") !=
              std::string::npos);
    }
    for (const float value : {kNaN, kInfinity, -kInfinity}) {
        CHECK(with([=](auto& o) { o.frequency_penalty = value; }).find("frequency_penalty is ") !=
              std::string::npos);
        CHECK(with([=](auto& o) { o.presence_penalty = value; }).find("presence_penalty is ") !=
              std::string::npos);
    }
    for (const float value : {-1.0F, kNaN, kInfinity}) {
        CHECK(with([=](auto& o) { o.dry_multiplier = value; }).find("dry_multiplier is ") != std::string::npos);
        CHECK(with([=](auto& o) { o.dry_base = value; }).find("dry_base is ") != std::string::npos);
    }
    CHECK(with([](auto& o) { o.top_k = -2147483647 - 1; }) ==
          "sampling option top_k is -2147483648, it must be at least 0");
    CHECK(with([](auto& o) { o.penalty_window = -1; }).find("penalty_window is -1") != std::string::npos);
    CHECK(with([](auto& o) { o.dry_window = -1; }).find("dry_window is -1") != std::string::npos);
    CHECK(with([](auto& o) { o.dry_allowed_length = 0; }).find("dry_allowed_length is 0") != std::string::npos);
    CHECK(with([](auto& o) { o.dry_base = 0.5F; }).find("dry_base is 0.5") != std::string::npos);
}

TEST_CASE("sampling options: biases and breakers must name tokens of the vocabulary") {
    SamplingOptions options;
    options.biases = {{99, -kInfinity}, {0, -3e38F}};
    options.dry_breakers = {0, 99};
    CHECK(refusal(options).empty());
    options.biases = {{5, 0.0F}, {100, 1.0F}};
    CHECK(refusal(options) == "sampling option logit_biases[1] names token 100, the vocabulary has 100");
    options.biases = {{-1, 1.0F}};
    CHECK(refusal(options) == "sampling option logit_biases[0] names token -1, the vocabulary has 100");
    options.biases = {{7, kNaN}};
    CHECK(refusal(options) ==
          "sampling option logit_biases[0] adds nan to token 7, it must be finite or minus infinity");
    options.biases = {{7, kInfinity}};
    CHECK(refusal(options).find("adds inf to token 7") != std::string::npos);
    options.biases = {};
    options.dry_breakers = {3, 2147483647};
    CHECK(refusal(options) == "sampling option dry_breakers[1] names token 2147483647, the vocabulary has 100");
}

TEST_CASE("recommended sampling: each published checkpoint gets its makers' values") {
    CHECK(recommends(config_of("LFM2.5-8B-A1B", 128000, 32, 24), 0.2F, 80, 0.0F));
    CHECK(recommends(config_of("0123456789abcdef", 128000, 32, 24), 0.2F, 80, 0.0F));
    CHECK(recommends(config_of("", 128000, 0, 30), 0.2F, 80, 0.0F));
    CHECK(recommends(config_of("", 65536, 32, 24), 0.3F, 0, 0.15F));
    CHECK(recommends(config_of("", 65536, 64, 40), 0.3F, 0, 0.15F));
    for (const char* name : {"", "LFM2-1.2B", "LFM2 350M", "lfm2-2.6B", "my finetune v2.5"}) {
        CHECK(recommends(config_of(name, 65536, 0, 16), 0.3F, 0, 0.15F));
    }
    for (const char* name : {"LFM2.5-1.2B-Instruct", "lfm2.5 350m", "Lfm 2.5 1.2B", "LFM2.5-1.2B-JP-202606"}) {
        CHECK(recommends(config_of(name, 65536, 0, 16), 0.1F, 50, 0.0F));
    }
    CHECK(recommends(config_of("LFM2.5-1.2B-THINKING", 65536, 0, 16), 0.05F, 50, 0.0F));
    CHECK(recommends(config_of("LFM2.5-1.2B-JP", 65536, 0, 16), 0.3F, 0, 0.15F));
    CHECK(recommends(config_of("LFM2.5-1.2B-Base", 65536, 0, 16), 0.3F, 0, 0.15F));
    CHECK(recommends(config_of("", 65536, 0, 14), 0.1F, 50, 0.0F));
    // A vocabulary that was cut down still has the rotary base of its generation.
    Config trimmed = config_of("", 40000, 32, 24);
    trimmed.rope_theta = 5e6F;
    CHECK(recommends(trimmed, 0.2F, 80, 0.0F));
    CHECK(recommends(config_of(std::string(100000, 'x').c_str(), 65536, 0, 16), 0.3F, 0, 0.15F));
}

TEST_CASE("log probability: the logarithm of the softmax") {
    const std::vector<float> logits = {std::log(1.0F), std::log(3.0F), -kInfinity, std::log(4.0F)};
    CHECK(std::abs(log_probability(logits, 0) - std::log(1.0F / 8)) < 1e-6F);
    CHECK(std::abs(log_probability(logits, 1) - std::log(3.0F / 8)) < 1e-6F);
    CHECK(log_probability(logits, 2) == -kInfinity);
    CHECK(log_probability(logits, 4) == -kInfinity);
    CHECK(log_probability(logits, -1) == -kInfinity);
    CHECK(log_probability({}, 0) == -kInfinity);
    const std::vector<float> extreme = {3e38F, -3e38F, -kInfinity};
    CHECK(log_probability(extreme, 0) == 0.0F);
    CHECK(log_probability(extreme, 1) == std::numeric_limits<float>::lowest());  // -6e38 is no float
    CHECK(log_probability(std::vector<float>(3, -kInfinity), 1) == -kInfinity);
}

TEST_CASE("log probability: many small terms are not lost") {
    // 2^20 equal logits: each has -20 ln 2. A sum in float would be off in the fourth digit.
    const std::vector<float> logits((1U << 20) + 3, 17.25F);
    const double expected = -std::log(static_cast<double>(logits.size()));
    CHECK(std::abs(log_probability(logits, 5) - expected) < 1e-6);
}

TEST_CASE("top log probabilities: best first, the lower id of two, none twice") {
    const std::vector<float> logits = {1.0F, 5.0F, 5.0F, -kInfinity, 7.0F, 5.0F};
    std::vector<TokenProbability> top(6);
    top_log_probabilities(logits, top);
    const sluice::TokenId expected[] = {4, 1, 2, 5, 0, 3};
    for (std::size_t i = 0; i < 6; ++i) {
        CHECK(top[i].id == expected[i]);
        CHECK(top[i].log_probability == log_probability(logits, top[i].id));
    }
    top_log_probabilities(logits, std::span<TokenProbability>());
}

TEST_CASE("top log probabilities: agree with a full sort, whatever the order and the ties") {
    sluice::Random random(4);
    for (int round = 0; round < 200; ++round) {
        std::vector<float> logits(1 + random.next() % 300);
        for (float& logit : logits) logit = static_cast<float>(random.next() % 40) - 20.0F;
        if (round % 3 == 1) std::sort(logits.begin(), logits.end());
        std::vector<TokenProbability> all(logits.size());
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = {static_cast<sluice::TokenId>(i), logits[i]};
        std::stable_sort(all.begin(), all.end(), [](const TokenProbability& a, const TokenProbability& b) {
            return a.log_probability > b.log_probability;
        });
        std::vector<TokenProbability> top(std::min<std::size_t>(logits.size(), random.next() % 65));
        top_log_probabilities(logits, top);
        for (std::size_t i = 0; i < top.size(); ++i) REQUIRE(top[i].id == all[i].id);
    }
}
