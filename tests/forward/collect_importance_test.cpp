// Sums of squares against what a traced pass says the inputs were.
#include <cmath>

#include "forward/collect_importance.h"
#include "forward/forward.h"
#include "kernels/select.h"
#include "model/random_model.h"
#include "support/catch.h"

namespace sluice {
namespace {

struct Opened {
    MemoryBudget budget;
    Workers workers{2, Log()};
    std::vector<std::byte> bytes;
    std::shared_ptr<const Model> model;

    explicit Opened(const char* kind) : bytes(*random_model_bytes(kind, 3)) {
        auto opened = Model::open_source(Source::from_memory(bytes), {}, budget, Log());
        REQUIRE(opened);
        model = *opened;
    }

    Result<quantise::Importance> collect(std::span<const TokenId> ids, const ImportanceOptions& options = {}) {
        return collect_importance(*model, ids, options, **select_kernels("scalar"), workers, budget);
    }
};

std::vector<TokenId> some_ids(std::size_t count, std::uint32_t n_tokens) {
    std::vector<TokenId> ids(count);
    for (std::size_t i = 0; i < count; ++i) ids[i] = static_cast<TokenId>((i * 37 + 20) % n_tokens);
    return ids;
}

}  // namespace

TEST_CASE("importance: sums of the first mixer are those of its normed embeddings") {
    Opened its("tiny");
    const auto ids = some_ids(9, 288);
    const auto importance = its.collect(ids);
    REQUIRE(importance);
    // The tokenizer puts BOS in front.
    std::vector<TokenId> read = {its.model->tokenizer()->bos()};
    read.insert(read.end(), ids.begin(), ids.end());
    const Kernels& kernels = **select_kernels("scalar");
    const Matrix& embedding = its.model->weights().embedding;
    std::vector<double> expected(32);
    for (const TokenId id : read) {
        float row[32];
        kernels.decode(embedding.type, embedding.data + static_cast<std::size_t>(id) * embedding.row_bytes(),
                       32, row);
        kernels.rms_norm(row, its.model->weights().layers[0].mixer_norm.data(), 32,
                         its.model->config().norm_epsilon, row);
        for (std::size_t i = 0; i < 32; ++i) expected[i] += double{row[i]} * row[i];
    }
    const auto& inputs = importance->inputs().at("blk.0.shortconv.in_proj.weight");
    REQUIRE(inputs.sums.size() == 32);
    CHECK(inputs.counts == std::vector<float>{10.0F});
    for (std::size_t i = 0; i < 32; ++i) CHECK(std::fabs(inputs.sums[i] - expected[i]) <= 1e-5 * expected[i]);
}

TEST_CASE("importance: experts count the tokens that woke them, and every matrix is there") {
    Opened its("tiny");  // 3 layers: convolution and dense, attention and experts, convolution and experts
    const auto importance = its.collect(some_ids(50, 288));
    REQUIRE(importance);
    std::vector<std::string> names;
    for (const auto& [name, inputs] : importance->inputs()) names.push_back(name);
    CHECK(names.size() == 5 + 7 + 5);
    for (const char* name :
         {"blk.1.ffn_gate_exps.weight", "blk.2.ffn_up_exps.weight", "blk.2.ffn_down_exps.weight"}) {
        const auto& counts = importance->inputs().at(name).counts;
        REQUIRE(counts.size() == 4);
        CHECK(counts[0] + counts[1] + counts[2] + counts[3] == 51 * 2);
    }
    CHECK(importance->inputs().at("blk.1.ffn_gate_exps.weight").sums ==
          importance->inputs().at("blk.1.ffn_up_exps.weight").sums);
}

TEST_CASE("importance: windows are read one after the other, and progress can end it") {
    Opened its("dense");
    const auto ids = some_ids(40, 512);
    ImportanceOptions options;
    options.window = 16;
    std::vector<std::uint64_t> told;
    options.progress = [&](std::uint64_t done, std::uint64_t total) {
        CHECK(total == 40);
        told.push_back(done);
        return 0;
    };
    const auto windows = its.collect(ids, options);
    REQUIRE(windows);
    CHECK(told == std::vector<std::uint64_t>{16, 32, 40});
    CHECK(windows->inputs().at("blk.0.ffn_up.weight").counts == std::vector<float>{43.0F});
    options.progress = [](std::uint64_t, std::uint64_t) { return 1; };
    const auto cancelled = its.collect(ids, options);
    REQUIRE_FALSE(cancelled);
    CHECK(cancelled.error().status == SLUICE_E_CANCELLED);
}

TEST_CASE("importance: no ids, strange ids and windows are refused") {
    Opened its("tiny");
    CHECK_FALSE(its.collect({}));
    for (const TokenId id : {-1, 288}) {
        const TokenId ids[] = {20, id};
        const auto refused = its.collect(ids);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().status == SLUICE_E_INVALID_ARGUMENT);
    }
    ImportanceOptions options;
    for (const std::uint32_t window : {0u, 4097u}) {
        options.window = window;
        CHECK_FALSE(its.collect(some_ids(4, 288), options));
    }
    options.window = 128;  // and BOS: one more than the context
    CHECK_FALSE(its.collect(some_ids(200, 288), options));
    options.window = 127;
    CHECK(its.collect(some_ids(200, 288), options));
}

}  // namespace sluice
