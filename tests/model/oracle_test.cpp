// The oracle's checkpoints, written by transformers and llama.cpp: every file of one model agrees.
#include <cstdlib>

#include "model/checkpoint_files.h"

namespace sluice {
namespace {

using namespace test;

// Empty, with a warning, where there is no oracle.
std::string oracle() {
    const char* folder = std::getenv("SLUICE_ORACLE_DIR");
    if (folder == nullptr) WARN("SLUICE_ORACLE_DIR is not set: skipped");
    return folder == nullptr ? "" : folder;
}

std::shared_ptr<const Model> open(const std::string& path, Access access = Access::kMap) {
    static MemoryBudget budget;
    ModelOptions options;
    options.access = access;
    options.scan = true;
    auto opened = Model::open_path(path, options, budget, Log());
    INFO(path << ": " << (opened ? "" : opened.error().message));
    REQUIRE(opened);
    return *opened;
}

void check_same(const Config& a, const Config& b) {
    CHECK(a.architecture == b.architecture);
    CHECK(a.hidden_size == b.hidden_size);
    CHECK(a.vocabulary_size == b.vocabulary_size);
    CHECK(a.context_size == b.context_size);
    CHECK(a.n_heads == b.n_heads);
    CHECK(a.n_kv_heads == b.n_kv_heads);
    CHECK(a.head_size == b.head_size);
    CHECK(a.convolution_width == b.convolution_width);
    CHECK(a.feed_forward_size == b.feed_forward_size);
    CHECK(a.expert_feed_forward_size == b.expert_feed_forward_size);
    CHECK(a.n_experts == b.n_experts);
    CHECK(a.n_experts_used == b.n_experts_used);
    CHECK(a.n_dense_layers == b.n_dense_layers);
    CHECK(a.norm_epsilon == b.norm_epsilon);
    CHECK(a.rope_theta == b.rope_theta);
    CHECK(a.is_attention == b.is_attention);
}

}  // namespace

TEST_CASE("oracle: every file of a model opens with one configuration") {
    const std::string folder = oracle();
    if (folder.empty()) return;
    for (const std::string kind : {"moe", "dense"}) {
        const auto checkpoint = open(folder + "/" + kind);
        std::vector<std::string> types = {"BF16", "Q8_0", "Q4_K_M", "Q4_0"};
        if (kind == "moe") types.insert(types.end(), {"Q5_K_M", "Q6_K"});
        for (const std::string& type : types) {
            INFO(kind << " " << type);
            const auto model = open(folder + "/" + kind + "/model-" + type + ".gguf");
            check_same(checkpoint->config(), model->config());
            CHECK(model->format() == "GGUF v3");
            CHECK(model->quantisation() == type.substr(0, 4));
            CHECK(model->sizes().parameters == checkpoint->sizes().parameters);
            CHECK(model->sizes().parameters_used == checkpoint->sizes().parameters_used);
            CHECK(*model->metadata("tokenizer.chat_template") ==
                  *checkpoint->metadata("tokenizer.chat_template"));
            REQUIRE(model->tokenizer() != nullptr);
            REQUIRE(checkpoint->tokenizer() != nullptr);
            CHECK(model->tokenizer()->bos() == 1);
            CHECK(model->tokenizer()->eos() == 7);
            CHECK(model->tokenizer()->is_stop(2));
            CHECK(checkpoint->tokenizer()->is_stop(7));
        }
    }
}

TEST_CASE("oracle: the mixture's configuration is the one it was made with") {
    const std::string folder = oracle();
    if (folder.empty()) return;
    const auto model = open(folder + "/moe");
    const Config& config = model->config();
    CHECK(config.architecture == "lfm2moe");
    CHECK(config.is_attention == std::vector<bool>{false, false, true, false, true});
    CHECK(config.n_experts == 8);
    CHECK(config.n_experts_used == 3);
    CHECK(config.n_dense_layers == 2);
    CHECK(config.head_size == 64);
    CHECK(config.rope_theta == 5e6F);
    const auto dense = open(folder + "/dense");
    CHECK(dense->config().feed_forward_size == 768);
    CHECK(dense->config().n_experts == 0);
    CHECK(dense->sizes().parameters == dense->sizes().parameters_used);
}

TEST_CASE("oracle: the BF16 GGUF holds the very weights of the checkpoint") {
    const std::string folder = oracle();
    if (folder.empty()) return;
    for (const std::string kind : {"moe", "dense"}) {
        const auto a = open(folder + "/" + kind);
        const auto b = open(folder + "/" + kind + "/model-BF16.gguf", Access::kRead);
        CHECK(decoded(a->weights().embedding) == decoded(b->weights().embedding));
        CHECK(a->weights().final_norm == b->weights().final_norm);
        for (std::size_t i = 0; i < a->weights().layers.size(); ++i) {
            const Layer& x = a->weights().layers[i];
            const Layer& y = b->weights().layers[i];
            CHECK(x.mixer_norm == y.mixer_norm);
            if (const auto* convolution = std::get_if<ShortConvolution>(&x.mixer)) {
                CHECK(convolution->taps == std::get<ShortConvolution>(y.mixer).taps);
            }
            const auto* experts = std::get_if<ExpertFeedForward>(&x.feed_forward);
            if (experts == nullptr) continue;
            const auto& others = std::get<ExpertFeedForward>(y.feed_forward);
            CHECK(experts->bias == others.bias);
            for (std::size_t e = 0; e < experts->gate.size(); ++e) {
                CHECK(decoded(experts->gate[e]) == decoded(others.gate[e]));
                CHECK(decoded(experts->up[e]) == decoded(others.up[e]));
                CHECK(decoded(experts->down[e]) == decoded(others.down[e]));
            }
        }
    }
}

TEST_CASE("oracle: a tokenizer opens alone from each of its files") {
    const std::string folder = oracle();
    if (folder.empty()) return;
    const std::string moe = folder + "/moe";
    const auto from_model = open_tokenizer_path(moe + "/model-Q4_0.gguf");
    REQUIRE(from_model);
    for (const std::string& path : {moe, moe + "/tokenizer.json"}) {
        const auto tokenizer = open_tokenizer_path(path);
        INFO((tokenizer ? "" : tokenizer.error().message));
        REQUIRE(tokenizer);
        std::vector<TokenId> a, b;
        REQUIRE((*from_model)->encode("Sluice gates, 42 of them.", {}, a));
        REQUIRE((*tokenizer)->encode("Sluice gates, 42 of them.", {}, b));
        CHECK(a == b);
    }
    const auto none = open_tokenizer_path(folder + "/chat");
    REQUIRE_FALSE(none);
    CHECK(none.error().status == SLUICE_E_NOT_FOUND);
}

}  // namespace sluice
