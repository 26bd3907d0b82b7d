// The forward pass with unrounded activations against Hugging Face transformers, number by number.
#include <algorithm>
#include <cmath>

#include "forward/oracle.h"
#include "forward/rig.h"

using namespace sluice_test;

namespace {

constexpr float kLogitDistance = 1e-4F;   // an independent float32 engine reaches 2.4e-5
constexpr float kWeightDistance = 1e-5F;  // of mixing weights

float largest_difference(const std::vector<float>& values, const std::vector<float>& expected) {
    REQUIRE(values.size() == expected.size());
    float largest = 0.0F;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const float difference = std::fabs(values[i] - expected[i]);
        if (!(difference <= largest)) largest = difference;  // a NaN stays
    }
    return largest;
}

Trace empty_trace(const Config& config, std::size_t n_tokens) {
    Trace trace;
    trace.hidden.resize(config.n_layers() + 1);
    trace.experts.resize(config.n_layers());
    trace.weights.resize(config.n_layers());
    for (std::uint32_t layer = 0; layer < config.n_layers(); ++layer) {
        if (!config.has_experts(layer)) continue;
        trace.experts[layer].resize(n_tokens * config.n_experts_used);
        trace.weights[layer].resize(n_tokens * config.n_experts_used);
    }
    return trace;
}

void check_experts(const Trace& trace, const Config& config, const Expected& expected,
                   const std::string& name) {
    for (std::uint32_t layer = 0; layer < config.n_layers(); ++layer) {
        if (!config.has_experts(layer)) continue;
        const std::string number = std::to_string(layer);
        CHECK(trace.experts[layer] == expected.numbers<std::int32_t>(name + "experts." + number));
        CHECK(largest_difference(trace.weights[layer], expected.numbers<float>(name + "weights." + number)) <=
              kWeightDistance);
    }
}

// Logits, experts and greedy tokens of every case, from one file of a checkpoint's float weights.
void check_float(const std::string& folder, const std::string& file) {
    Rig rig(folder + file, {});
    const Config& config = rig.model->config();
    const Expected expected(folder + "/expected.safetensors");
    const auto cases = oracle_cases(folder);
    float furthest = 0.0F;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        if (!is_wanted(i)) continue;
        const std::string name = "case" + std::to_string(i) + ".";
        INFO(folder << file << " " << name);
        Trace trace = empty_trace(config, cases[i].ids.size());
        KvCache cache = rig.cache(cases[i].ids.size() + cases[i].greedy.size());
        const auto logits = rig.run(cases[i].ids, cache, LogitRows::kAll, &trace);
        const float difference = largest_difference(logits, expected.numbers<float>(name + "logits"));
        CHECK(difference <= kLogitDistance);
        furthest = std::max(furthest, difference);
        check_experts(trace, config, expected, name);

        std::vector<TokenId> greedy;
        std::vector<float> row(logits.end() - config.vocabulary_size, logits.end());
        while (greedy.size() < cases[i].greedy.size()) {
            greedy.push_back(static_cast<TokenId>(std::max_element(row.begin(), row.end()) - row.begin()));
            row = rig.run({&greedy.back(), 1}, cache, LogitRows::kLast);
        }
        CHECK(greedy == cases[i].greedy);
    }
    WARN("furthest logit from transformers, " << file << ": " << furthest);
}

void check_quantised(const std::string& folder, const std::string& type, const char* kernels) {
    Rig rig(folder + "/model-" + type + ".gguf", {.kernels = kernels});
    const Expected expected(folder + "/expected_quantised.safetensors");
    const auto cases = oracle_cases(folder);
    for (const std::size_t i : {0u, 7u}) {
        if (!is_wanted(i)) continue;
        INFO(folder << " " << type << " case " << i << " with kernels " << rig.kernels->name);
        KvCache cache = rig.cache(cases[i].ids.size());
        const auto logits = rig.run(cases[i].ids, cache, LogitRows::kAll);
        const std::string name = type + ".case" + std::to_string(i);
        CHECK(largest_difference(logits, expected.numbers<float>(name)) <= kLogitDistance);
    }
}

}  // namespace

TEST_CASE("forward: every logit, expert and greedy token of the experts' checkpoint is transformers'") {
    const std::string oracle = oracle_folder();
    if (oracle.empty()) return;
    for (const char* file : {"", "/model-BF16.gguf"}) check_float(oracle + "/moe", file);
}

TEST_CASE("forward: every logit and greedy token of the dense checkpoint is transformers'") {
    const std::string oracle = oracle_folder();
    if (oracle.empty()) return;
    for (const char* file : {"", "/model-BF16.gguf"}) check_float(oracle + "/dense", file);
}

TEST_CASE("forward: every logit of every quantised file is what its decoded weights give") {
    const std::string oracle = oracle_folder();
    if (oracle.empty()) return;
    for (const QuantisedFile& file : kQuantisedFiles) {
        for (const char* kernels : {"", "scalar"})
            check_quantised(oracle + file.checkpoint, file.type, kernels);
    }
}
