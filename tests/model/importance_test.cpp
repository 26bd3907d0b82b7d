// Importance matrices: what is read is what was written, and what is broken is refused.
#include <cmath>
#include <limits>

#include "model/checkpoint_files.h"
#include "model/gguf_writer.h"
#include "model/quantise/importance.h"
#include "model/quantise/quantise_model.h"
#include "model/random_model.h"

namespace sluice {
namespace {

using namespace test;
using quantise::Importance;

Importance example() {
    Importance importance;
    importance.inputs()["blk.0.ffn_down.weight"] = {4, {1, 2, 3, 4}, {7}};
    importance.inputs()["blk.1.ffn_up_exps.weight"] = {2, {5, 6, 0, 0, 1e-9F, 8}, {1, 0, 3}};
    return importance;
}

Result<Importance> read(const std::string& path) {
    auto source = Source::open_path(path, Access::kRead);
    if (!source) return std::move(source).error();
    return Importance::read(**source);
}

struct Tensor {
    std::string name;
    std::vector<std::uint64_t> dimensions;
    std::vector<float> values;
};

std::string refusal(const std::string& type, const std::vector<Tensor>& tensors) {
    const TemporaryFolder folder;
    GgufWriter writer;
    if (!type.empty()) writer.metadata().set("general.type", MetadataValue::string(type));
    for (const Tensor& tensor : tensors) {
        REQUIRE(writer.announce(tensor.name, TensorType::kF32, tensor.dimensions));
    }
    auto sink = ByteSink::to_file(folder.file("a.gguf"));
    REQUIRE(sink);
    REQUIRE(writer.begin(std::move(*sink)));
    for (const Tensor& tensor : tensors) REQUIRE(writer.write(std::as_bytes(std::span(tensor.values))));
    REQUIRE(writer.finish());
    const auto importance = read(folder.file("a.gguf"));
    return importance ? "none" : importance.error().message;
}

bool says(const std::string& message, const std::string& part) {
    UNSCOPED_INFO(message);
    return message.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("importance: what is written is read again") {
    const TemporaryFolder folder;
    const Importance before = example();
    REQUIRE(before.write(folder.file("a.gguf"), 512, 3));
    const auto after = read(folder.file("a.gguf"));
    REQUIRE(after);
    REQUIRE(after->inputs().size() == 2);
    for (const auto& [name, inputs] : before.inputs()) {
        const auto& found = after->inputs().at(name);
        CHECK(found.columns == inputs.columns);
        CHECK(found.sums == inputs.sums);
        CHECK(found.counts == inputs.counts);
    }
}

TEST_CASE("importance: weights have the mean 1, and none is nothing") {
    const Importance importance = example();
    const auto down = importance.weights("blk.0.ffn_down.weight", 0, 1, 4);
    REQUIRE(down);
    CHECK(*down == std::vector<float>{0.4F, 0.8F, 1.2F, 1.6F});
    const auto rare = importance.weights("blk.1.ffn_up_exps.weight", 2, 3, 2);
    REQUIRE(rare);
    CHECK((*rare)[0] == 1e-3F);
    CHECK((*rare)[1] == 2.0F);
    CHECK(importance.weights("blk.1.ffn_up_exps.weight", 1, 3, 2)->empty());  // never woken
    CHECK(importance.weights("blk.9.ffn_up.weight", 0, 1, 2)->empty());
    for (const auto& [n_matrices, columns] : {std::pair{2u, 2u}, std::pair{3u, 4u}}) {
        const auto other = importance.weights("blk.1.ffn_up_exps.weight", 0, n_matrices, columns);
        REQUIRE_FALSE(other);
        CHECK(other.error().status == SLUICE_E_CORRUPT);
    }
}

TEST_CASE("importance: a file that is none or contradicts itself is refused") {
    const std::vector<Tensor> good = {{"a.in_sum2", {2, 1}, {1, 2}}, {"a.counts", {1, 1}, {1}}};
    CHECK(refusal("imatrix", good) == "none");
    CHECK(says(refusal("model", good), "general.type is model"));
    CHECK(says(refusal("", good), "general.type is missing"));
    CHECK(says(refusal("imatrix", {good[0]}), "a.counts is missing"));
    CHECK(says(refusal("imatrix", {good[0], {"a.counts", {1, 3}, {1, 1, 1}}}), "does not belong to 3 counts"));
    CHECK(says(refusal("imatrix", {{"a.in_sum2", {2, 1}, {1, -2}}, good[1]}), "has -2 as element 1"));
    CHECK(
        says(refusal("imatrix", {{"a.in_sum2", {2, 1}, {std::nanf(""), 2}}, good[1]}), "has nan as element 0"));
}

TEST_CASE("importance: quantising moves the error away from important columns") {
    const TemporaryFolder folder;
    const std::string in = folder.file("moe.gguf");
    REQUIRE(write_random_model(in, "moe", 5));
    MemoryBudget budget;
    const auto original = Model::open_path(in, {}, budget, Log());
    REQUIRE(original);
    Importance importance;
    // Column c of layer 0 and of every expert of layer 2 matters a hundred times where c divides by 8.
    const auto with_peaks = [](std::uint64_t columns, std::uint64_t n_matrices) {
        Importance::Inputs inputs{columns, {}, std::vector<float>(n_matrices, 1.0F)};
        for (std::uint64_t i = 0; i < columns * n_matrices; ++i)
            inputs.sums.push_back(i % 8 == 0 ? 100.0F : 1.0F);
        return inputs;
    };
    importance.inputs()["blk.0.ffn_down.weight"] = with_peaks(512, 1);
    importance.inputs()["blk.2.ffn_down_exps.weight"] = with_peaks(256, 8);
    const auto error_of = [&](const Importance* used, bool of_experts) {
        auto files = read_model_path(in, Access::kRead);
        REQUIRE(files);
        Workers workers(2, Log());
        quantise::QuantiseOptions options;
        options.type = "Q4_K_M";
        options.importance = used;
        REQUIRE(quantise::quantise_model(std::move(*files), folder.file("out.gguf"), options, workers, budget,
                                         Log()));
        const auto model = Model::open_path(folder.file("out.gguf"), {}, budget, Log());
        REQUIRE(model);
        const auto matrix_of = [&](const Model& its) {
            if (!of_experts)
                return decoded(std::get<DenseFeedForward>(its.weights().layers[0].feed_forward).down);
            return decoded(std::get<ExpertFeedForward>(its.weights().layers[2].feed_forward).down[7]);
        };
        const auto x = matrix_of(**original);
        const auto y = matrix_of(**model);
        double error = 0;
        for (std::size_t i = 0; i < x.size(); i += 8) error += std::pow(double{x[i]} - y[i], 2);
        return error;
    };
    for (const bool of_experts : {false, true}) {
        const double before = error_of(nullptr, of_experts);
        const double after = error_of(&importance, of_experts);
        INFO(after / before);
        CHECK(after < 0.5 * before);
    }
    importance.inputs()["blk.0.ffn_up.weight"] = with_peaks(512, 1);  // has 256 columns
    auto files = read_model_path(in, Access::kRead);
    REQUIRE(files);
    Workers workers(1, Log());
    quantise::QuantiseOptions options;
    options.type = "Q4_K_M";
    options.importance = &importance;
    const auto done =
        quantise::quantise_model(std::move(*files), folder.file("none.gguf"), options, workers, budget, Log());
    REQUIRE_FALSE(done);
    CHECK(
        says(done.error().message, "the importance of blk.0.ffn_up.weight is of 1 matrices with 512 columns"));
    CHECK_FALSE(std::filesystem::exists(folder.file("none.gguf")));
}

}  // namespace sluice
