// The reference pass against Hugging Face transformers, on the files that SLUICE_ORACLE_DIR names.
#include <cmath>
#include <string>
#include <vector>

#include "forward/oracle.h"
#include "forward/reference/reference.h"

using namespace sluice_test;

namespace {

// Both sides compute in float32 with their own order of sums. Their distance was measured at 2e-6 of the
// root mean square; a mistake in any step shows as 1e-3 and more.
constexpr double kFloatDistance = 1e-5;

// The root mean square of the difference, as a share of that of the expected numbers.
double distance(const std::vector<float>& values, const std::vector<float>& expected) {
    REQUIRE(values.size() == expected.size());
    double difference = 0.0;
    double magnitude = 0.0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        difference += std::pow(static_cast<double>(values[i]) - static_cast<double>(expected[i]), 2);
        magnitude += std::pow(static_cast<double>(expected[i]), 2);
    }
    return magnitude > 0.0 ? std::sqrt(difference / magnitude) : std::sqrt(difference);
}

std::vector<float> run(const Model& model, const std::vector<TokenId>& ids, MemoryBudget& budget,
                       Trace* trace) {
    auto cache = KvCache::create(model.config(), {ids.size(), KvType::kF32, KvType::kF32}, budget);
    REQUIRE(cache);
    const auto pass = make_reference_pass(model.config(), model.weights(), ids.size(), nullptr);
    const CancelFlag cancel = false;
    std::vector<float> logits(ids.size() * model.config().vocabulary_size);
    REQUIRE(pass->run(ids, TokenRole::kPrompt, *cache, LogitRows::kAll, logits, trace, cancel));
    return logits;
}

void check_checkpoint(const std::string& folder) {
    MemoryBudget budget;
    const auto model = open_model(folder, budget);
    const Config& config = model->config();
    const Expected expected(folder + "/expected.safetensors");
    const auto cases = oracle_cases(folder);
    for (std::size_t i = 0; i < cases.size(); ++i) {
        if (!is_wanted(i)) continue;
        const std::string name = "case" + std::to_string(i) + ".";
        Trace trace;
        trace.hidden.resize(config.n_layers() + 1);
        trace.experts.resize(config.n_layers());
        trace.weights.resize(config.n_layers());
        for (std::uint32_t layer = 0; layer < config.n_layers(); ++layer) {
            if (!config.has_experts(layer)) continue;
            trace.experts[layer].resize(cases[i].ids.size() * config.n_experts_used);
            trace.weights[layer].resize(cases[i].ids.size() * config.n_experts_used);
        }
        const auto logits = run(*model, cases[i].ids, budget, &trace);
        INFO(folder << " " << name);
        CHECK(distance(logits, expected.numbers<float>(name + "logits")) < kFloatDistance);
        for (std::uint32_t layer = 0; layer <= config.n_layers(); ++layer) {
            const std::string tensor = name + "hidden." + std::to_string(layer);
            CHECK(distance(trace.hidden[layer], expected.numbers<float>(tensor)) < kFloatDistance);
        }
        for (std::uint32_t layer = 0; layer < config.n_layers(); ++layer) {
            if (!config.has_experts(layer)) continue;
            const std::string number = std::to_string(layer);
            CHECK(trace.experts[layer] == expected.numbers<std::int32_t>(name + "experts." + number));
            const auto weights = expected.numbers<float>(name + "weights." + number);
            CHECK(distance(trace.weights[layer], weights) < kFloatDistance);
        }
    }
}

void check_gguf(const std::string& folder, const std::string& type) {
    MemoryBudget budget;
    const auto model = open_model(folder + "/model-" + type + ".gguf", budget);
    const Expected expected(folder + "/expected_quantised.safetensors");
    const auto cases = oracle_cases(folder);
    for (const std::size_t i : {0u, 7u}) {
        if (!is_wanted(i)) continue;
        const auto logits = run(*model, cases[i].ids, budget, nullptr);
        INFO(folder << " " << type << " case " << i);
        const std::string name = type + ".case" + std::to_string(i);
        CHECK(distance(logits, expected.numbers<float>(name)) < kFloatDistance);
    }
}

}  // namespace

TEST_CASE("reference: agrees with transformers on every layer of a checkpoint of experts") {
    const std::string folder = oracle_folder();
    if (!folder.empty()) check_checkpoint(folder + "/moe");
}

TEST_CASE("reference: agrees with transformers on every layer of a dense checkpoint") {
    const std::string folder = oracle_folder();
    if (!folder.empty()) check_checkpoint(folder + "/dense");
}

TEST_CASE("reference: agrees with transformers on every quantised file") {
    const std::string folder = oracle_folder();
    if (folder.empty()) return;
    for (const QuantisedFile& file : kQuantisedFiles) check_gguf(folder + file.checkpoint, file.type);
}
