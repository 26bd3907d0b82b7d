// Checkpoint folders: every layout of the same weights is the same model, and nothing leads out of the folder.
#include "model/checkpoint_files.h"
#include "model/config_readers.h"
#include "model/random_model.h"
#include "model/safetensors.h"

namespace sluice {
namespace {

using namespace test;

std::vector<const Matrix*> matrices_of(const Weights& weights) {
    std::vector<const Matrix*> all = {&weights.embedding, &weights.head};
    for (const Layer& layer : weights.layers) {
        if (const auto* attention = std::get_if<Attention>(&layer.mixer)) {
            all.insert(all.end(), {&attention->query, &attention->key, &attention->value, &attention->output});
        } else {
            const auto& convolution = std::get<ShortConvolution>(layer.mixer);
            all.insert(all.end(), {&convolution.input, &convolution.output});
        }
        if (const auto* dense = std::get_if<DenseFeedForward>(&layer.feed_forward)) {
            all.insert(all.end(), {&dense->gate, &dense->up, &dense->down});
        } else {
            const auto& experts = std::get<ExpertFeedForward>(layer.feed_forward);
            all.push_back(&experts.router);
            for (std::size_t e = 0; e < experts.gate.size(); ++e) {
                all.insert(all.end(), {&experts.gate[e], &experts.up[e], &experts.down[e]});
            }
        }
    }
    return all;
}

// Decodes everything: exact, since every block type decodes to floats that F32 holds.
bool same_weights(const Model& a, const Model& b) {
    const auto left = matrices_of(a.weights());
    const auto right = matrices_of(b.weights());
    bool is_same = left.size() == right.size() && a.weights().final_norm == b.weights().final_norm;
    for (std::size_t i = 0; is_same && i < left.size(); ++i) is_same = decoded(*left[i]) == decoded(*right[i]);
    for (std::size_t i = 0; is_same && i < a.weights().layers.size(); ++i) {
        const Layer& x = a.weights().layers[i];
        const Layer& y = b.weights().layers[i];
        is_same = x.mixer_norm == y.mixer_norm && x.feed_forward_norm == y.feed_forward_norm &&
                  x.mixer.index() == y.mixer.index();
        if (const auto* convolution = std::get_if<ShortConvolution>(&x.mixer)) {
            is_same = is_same && convolution->taps == std::get<ShortConvolution>(y.mixer).taps;
        }
        if (const auto* experts = std::get_if<ExpertFeedForward>(&x.feed_forward)) {
            is_same = is_same && experts->bias == std::get<ExpertFeedForward>(y.feed_forward).bias;
        }
    }
    return is_same;
}

class Tiny {
public:
    Tiny() : bytes_(*random_model_bytes("tiny", 3)) {
        auto opened = Model::open_source(Source::from_memory(bytes_), {}, budget_, Log());
        if (opened) model_ = *opened;
    }
    const Model& model() const { return *model_; }

private:
    MemoryBudget budget_;
    std::vector<std::byte> bytes_;
    std::shared_ptr<const Model> model_;
};

void check_folder_error(const TemporaryFolder& folder, std::int32_t status, const std::string& in_message) {
    const auto result = open_folder(folder);
    REQUIRE_FALSE(result);
    INFO(result.error().message);
    CHECK(result.error().status == status);
    CHECK(result.error().message.find(in_message) != std::string::npos);
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), with);
}

}  // namespace

TEST_CASE("safetensors: a header that breaks a rule of the format is refused") {
    const auto cases = malformed_safetensors();
    CHECK(cases.size() > 60);
    for (const MalformedCase& malformed : cases) {
        const auto source = Source::from_memory(std::as_bytes(std::span(malformed.bytes)));
        const auto result = read_safetensors(*source);
        const int status = result ? 0 : result.error().status;
        INFO(malformed.name << ": " << status << " " << (result ? "" : result.error().message));
        if (malformed.outcome == Outcome::kAnyError) {
            CHECK(status < 0);
        } else {
            CHECK(status == static_cast<int>(malformed.outcome));
        }
    }
}

TEST_CASE("safetensors: a file cut at any byte is refused") {
    const std::string whole = stored_file({{"a", "F32", {2, 3}, std::string(24, 'x')}});
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        CHECK_FALSE(read_safetensors(*Source::from_memory(std::as_bytes(std::span(cut)))));
    }
    CHECK(read_safetensors(*Source::from_memory(std::as_bytes(std::span(whole)))));
}

TEST_CASE("checkpoint: every layout of the same weights is the same model") {
    const Tiny tiny;
    const Layout layouts[] = {{"model.", ExpertLayout::kSingle},
                              {"model.", ExpertLayout::kFused},
                              {"model.", ExpertLayout::kMlx},
                              {"lfm.", ExpertLayout::kFused},
                              {"language_model.model.", ExpertLayout::kMlx},
                              {"model.language_model.", ExpertLayout::kSingle},
                              {"", ExpertLayout::kSingle}};
    for (const Layout& layout : layouts) {
        INFO(layout.prefix << " " << static_cast<int>(layout.experts));
        const TemporaryFolder folder;
        folder.write("config.json", tiny_config());
        folder.write("model.safetensors", stored_file(CheckpointMaker(layout).make(tiny.model())));
        for (const Access access : {Access::kMap, Access::kRead}) {
            const auto opened = open_folder(folder, access);
            INFO((opened ? "" : opened.error().message));
            REQUIRE(opened);
            CHECK(same_weights(tiny.model(), **opened));
            CHECK((*opened)->format() == "safetensors");
            CHECK((*opened)->quantisation() == "F32");
            CHECK((*opened)->sizes().parameters == tiny.model().sizes().parameters);
            CHECK((*opened)->tokenizer() == nullptr);
        }
    }
}

TEST_CASE("checkpoint: shards are found through their index, and only in the folder") {
    const Tiny tiny;
    auto tensors = CheckpointMaker({}).make(tiny.model());
    const std::vector<StoredTensor> first(tensors.begin(), tensors.begin() + 10);
    const std::vector<StoredTensor> second(tensors.begin() + 10, tensors.end());
    const TemporaryFolder folder;
    folder.write("config.json", tiny_config());
    folder.write("a.safetensors", stored_file(first));
    folder.write("b.safetensors", stored_file(second));
    const auto index = [&](const std::string& file_of_first) {
        std::string map;
        for (std::size_t i = 0; i < tensors.size(); ++i) {
            map += (i == 0 ? "\"" : ",\"") + tensors[i].name + "\":\"" +
                   (i == 0   ? file_of_first
                    : i < 10 ? "a.safetensors"
                             : "b.safetensors") +
                   "\"";
        }
        folder.write("model.safetensors.index.json", "{\"weight_map\":{" + map + "}}");
    };
    index("a.safetensors");
    const auto opened = open_folder(folder);
    INFO((opened ? "" : opened.error().message));
    REQUIRE(opened);
    CHECK(same_weights(tiny.model(), **opened));
    for (const std::string name : {"../a.safetensors", "/etc/passwd", "..", "", "x/a.safetensors", ".hidden",
                                   "..\\\\a.safetensors", "a\\u0000b"}) {
        index(name);
        check_folder_error(folder, SLUICE_E_CORRUPT, "not the name of a file in the folder");
    }
    index("b.safetensors");
    check_folder_error(folder, SLUICE_E_CORRUPT, "is not in b.safetensors");
    index("c.safetensors");
    check_folder_error(folder, SLUICE_E_NOT_FOUND, "c.safetensors");
    index("a.safetensors");
    folder.write("b.safetensors", stored_file(tensors));
    check_folder_error(folder, SLUICE_E_CORRUPT, "twice");
}

TEST_CASE("checkpoint: what is missing is named") {
    const Tiny tiny;
    const TemporaryFolder folder;
    check_folder_error(folder, SLUICE_E_NOT_FOUND, "config.json");
    folder.write("config.json", tiny_config());
    check_folder_error(folder, SLUICE_E_NOT_FOUND, "model.safetensors");
    auto tensors = CheckpointMaker({}).make(tiny.model());
    for (const std::string name :
         {"model.embed_tokens.weight", "model.layers.2.feed_forward.experts.3.w2.weight",
          "model.layers.1.self_attn.k_layernorm.weight"}) {
        auto fewer = tensors;
        std::erase_if(fewer, [&](const StoredTensor& tensor) { return tensor.name == name; });
        folder.write("model.safetensors", stored_file(fewer));
        check_folder_error(folder, SLUICE_E_CORRUPT, name);
    }
    tensors.push_back({"model.layers.0.conv.in_proj.bias", "F32", {96}, std::string(384, '\0')});
    folder.write("model.safetensors", stored_file(tensors));
    check_folder_error(folder, SLUICE_E_UNSUPPORTED, "conv.in_proj.bias");
    tensors.back() = {"model.layers.0.conv.in_proj.extra", "I64", {2}, std::string(16, '\0')};
    folder.write("model.safetensors", stored_file(tensors));
    CHECK(open_folder(folder));
    tensors.front().dtype = "I32";
    folder.write("model.safetensors", stored_file(tensors));
    check_folder_error(folder, SLUICE_E_UNSUPPORTED, "is of type I32");
}

TEST_CASE("config.json: the old spelling means the same as the new one") {
    const auto read = [](const std::string& text) {
        const auto json = Json::parse(text, "config.json");
        REQUIRE(json);
        return config_from_json(*json, std::nullopt);
    };
    const std::string text = tiny_config();
    const auto config = read(text);
    REQUIRE(config);
    CHECK(config->rope_theta == 1e6F);
    CHECK(config->is_attention == std::vector<bool>{false, true, false});
    const std::string nested = R"("rope_parameters":{"rope_type":"default","rope_theta":1000000.0})";
    for (const std::string theta : {R"("rope_theta":5000000.0)", R"("theta":5e6)"}) {
        const auto flat = read(replaced(text, nested, theta));
        REQUIRE(flat);
        CHECK(flat->rope_theta == 5e6F);
    }
    const auto both = read(tiny_config(R"(,"rope_theta":5.0)"));
    REQUIRE(both);
    CHECK(both->rope_theta == 1e6F);
    const std::string types = R"("layer_types":["conv","full_attention","conv"])";
    const auto indices = read(replaced(text, types, R"("full_attn_idxs":[1])"));
    REQUIRE(indices);
    CHECK(indices->is_attention == config->is_attention);
    const auto refused = [&](const std::string& changed, std::int32_t status) {
        const auto result = read(changed);
        INFO(changed);
        REQUIRE_FALSE(result);
        INFO(result.error().message);
        CHECK(result.error().status == status);
    };
    refused(replaced(text, types, R"("full_attn_idxs":[3])"), SLUICE_E_CORRUPT);
    refused(tiny_config(R"(,"full_attn_idxs":[0])"), SLUICE_E_CORRUPT);
    refused(replaced(text, types, R"("layer_types":["conv","full_attention"])"), SLUICE_E_CORRUPT);
    refused(replaced(text, types, R"("layer_types":["conv","sliding_attention","conv"])"),
            SLUICE_E_UNSUPPORTED);
    refused(replaced(text, "lfm2_moe", "llama"), SLUICE_E_UNSUPPORTED);
    refused(replaced(text, "\"default\"", "\"yarn\""), SLUICE_E_UNSUPPORTED);
    refused(tiny_config(R"(,"sliding_window":128)"), SLUICE_E_UNSUPPORTED);
    refused(replaced(text, nested, "\"x\":1"), SLUICE_E_CORRUPT);
    for (const std::string key :
         {"hidden_size", "num_hidden_layers", "vocab_size", "num_attention_heads", "num_key_value_heads",
          "intermediate_size", "moe_intermediate_size", "num_experts_per_tok", "num_dense_layers",
          "max_position_embeddings", "norm_eps", "conv_L_cache", "model_type", "layer_types"}) {
        refused(replaced(text, "\"" + key + "\"", "\"unknown\""), SLUICE_E_CORRUPT);
    }
}

TEST_CASE("config.json: the matrix decides how the feed-forward size is meant") {
    const std::string text = R"({"model_type":"lfm2","hidden_size":256,"num_hidden_layers":2,"vocab_size":288,
"full_attn_idxs":[1],"num_heads":4,"num_key_value_heads":1,"block_ff_dim":12288,"intermediate_size":8192,
"block_auto_adjust_ff_dim":true,"block_ffn_dim_multiplier":1.0,"block_multiple_of":256,
"max_position_embeddings":128,"block_norm_eps":1e-5,"conv_L_cache":3,"theta":1e6})";
    const auto json = Json::parse(text, "config.json");
    REQUIRE(json);
    for (const std::uint64_t rows : {8192u, 12288u, 5632u}) {
        const auto config = config_from_json(*json, rows);
        REQUIRE(config);
        CHECK(config->feed_forward_size == rows);
    }
    const auto without_matrix = config_from_json(*json, std::nullopt);
    REQUIRE(without_matrix);
    CHECK(without_matrix->feed_forward_size == 8192);
    const auto contradiction = config_from_json(*json, 8191);
    REQUIRE_FALSE(contradiction);
    CHECK(contradiction.error().status == SLUICE_E_CORRUPT);
}

}  // namespace sluice
