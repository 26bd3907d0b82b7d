// Writes checkpoints with the weights of an open model, in each layout that is in circulation.
#pragma once

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "kernels/half.h"
#include "kernels/select.h"
#include "model/model.h"
#include "support/catch.h"
#include "support/malformed_safetensors.h"

namespace sluice::test {

// A folder that goes with its owner.
class TemporaryFolder {
public:
    TemporaryFolder() {
        static int n_made = 0;
        path_ = std::filesystem::temp_directory_path() /
                ("sluice-model-test-" + std::to_string(::getpid()) + "-" + std::to_string(n_made++));
        std::filesystem::create_directories(path_);
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    std::string path() const { return path_.string(); }
    std::string file(const std::string& name) const { return (path_ / name).string(); }
    void write(const std::string& name, const std::string& text) const {
        std::ofstream(file(name), std::ios::binary) << text;
    }

private:
    std::filesystem::path path_;
};

struct StoredTensor {
    std::string name;
    std::string dtype;
    std::vector<std::uint64_t> shape;
    std::string bytes;
};

inline std::string stored_file(const std::vector<StoredTensor>& tensors) {
    std::string header = "{";
    std::string data;
    for (const StoredTensor& tensor : tensors) {
        std::string shape;
        for (const std::uint64_t n : tensor.shape) shape += (shape.empty() ? "" : ",") + std::to_string(n);
        const std::string end = std::to_string(data.size() + tensor.bytes.size());
        header += (header.size() > 1 ? ",\"" : "\"") + tensor.name + "\":{\"dtype\":\"" + tensor.dtype +
                  "\",\"shape\":[" + shape + "],\"data_offsets\":[" + std::to_string(data.size()) + "," + end +
                  "]}";
        data += tensor.bytes;
    }
    std::string file = safetensors_file(header + "}", 0);
    return file + data;
}

inline std::vector<float> decoded(const Matrix& matrix) {
    const auto kernels = select_kernels("scalar");
    std::vector<float> values(matrix.rows * matrix.columns);
    for (std::size_t r = 0; r < matrix.rows; ++r) {
        (*kernels)->decode(matrix.type, matrix.data + r * matrix.row_bytes(), matrix.columns,
                           values.data() + r * matrix.columns);
    }
    return values;
}

enum class ExpertLayout { kSingle, kFused, kMlx };

struct Layout {
    std::string prefix = "model.";
    ExpertLayout experts = ExpertLayout::kSingle;
    bool is_half = false;  // F16 instead of F32
};

class CheckpointMaker {
public:
    explicit CheckpointMaker(const Layout& layout) : layout_(layout) {}

    std::vector<StoredTensor> make(const Model& model) {
        const Weights& weights = model.weights();
        matrix("embed_tokens.weight", weights.embedding);
        floats("embedding_norm.weight", weights.final_norm, {weights.final_norm.size()});
        for (std::size_t i = 0; i < weights.layers.size(); ++i) layer(i, weights.layers[i]);
        return tensors_;
    }

private:
    void layer(std::size_t i, const Layer& layer) {
        const std::string p = "layers." + std::to_string(i) + ".";
        floats(p + "operator_norm.weight", layer.mixer_norm, {layer.mixer_norm.size()});
        floats(p + "ffn_norm.weight", layer.feed_forward_norm, {layer.feed_forward_norm.size()});
        const bool is_mlx = layout_.experts == ExpertLayout::kMlx;
        if (const auto* attention = std::get_if<Attention>(&layer.mixer)) {
            matrix(p + "self_attn.q_proj.weight", attention->query);
            matrix(p + "self_attn.k_proj.weight", attention->key);
            matrix(p + "self_attn.v_proj.weight", attention->value);
            matrix(p + "self_attn.out_proj.weight", attention->output);
            floats(p + "self_attn.q_layernorm.weight", attention->query_norm, {attention->query_norm.size()});
            floats(p + "self_attn.k_layernorm.weight", attention->key_norm, {attention->key_norm.size()});
        } else {
            const auto& convolution = std::get<ShortConvolution>(layer.mixer);
            const std::uint64_t hidden = convolution.output.rows;
            matrix(p + "conv.in_proj.weight", convolution.input);
            matrix(p + "conv.out_proj.weight", convolution.output);
            floats(
                p + "conv.conv.weight", convolution.taps,
                is_mlx ? std::vector<std::uint64_t>{hidden, 3, 1} : std::vector<std::uint64_t>{hidden, 1, 3});
        }
        if (const auto* dense = std::get_if<DenseFeedForward>(&layer.feed_forward)) {
            matrix(p + (is_mlx ? "feed_forward.gate_proj.weight" : "feed_forward.w1.weight"), dense->gate);
            matrix(p + (is_mlx ? "feed_forward.up_proj.weight" : "feed_forward.w3.weight"), dense->up);
            matrix(p + (is_mlx ? "feed_forward.down_proj.weight" : "feed_forward.w2.weight"), dense->down);
            return;
        }
        const auto& experts = std::get<ExpertFeedForward>(layer.feed_forward);
        matrix(p + "feed_forward.gate.weight", experts.router);
        floats(p + "feed_forward.expert_bias", experts.bias, {experts.bias.size()});
        if (layout_.experts == ExpertLayout::kSingle) return single(p + "feed_forward.experts.", experts);
        if (is_mlx) {
            stack(p + "feed_forward.switch_mlp.gate_proj.weight", {&experts.gate});
            stack(p + "feed_forward.switch_mlp.up_proj.weight", {&experts.up});
            return stack(p + "feed_forward.switch_mlp.down_proj.weight", {&experts.down});
        }
        stack(p + "feed_forward.experts.gate_up_proj", {&experts.gate, &experts.up});
        stack(p + "feed_forward.experts.down_proj", {&experts.down});
    }

    void single(const std::string& p, const ExpertFeedForward& experts) {
        for (std::size_t e = 0; e < experts.gate.size(); ++e) {
            matrix(p + std::to_string(e) + ".w1.weight", experts.gate[e]);
            matrix(p + std::to_string(e) + ".w2.weight", experts.down[e]);
            matrix(p + std::to_string(e) + ".w3.weight", experts.up[e]);
        }
    }

    void stack(const std::string& name, const std::vector<const std::vector<Matrix>*>& parts) {
        std::vector<float> values;
        for (std::size_t e = 0; e < parts[0]->size(); ++e) {
            for (const auto* part : parts) {
                const std::vector<float> one = decoded((*part)[e]);
                values.insert(values.end(), one.begin(), one.end());
            }
        }
        const Matrix& first = parts[0]->front();
        floats(name, values, {parts[0]->size(), first.rows * parts.size(), first.columns});
    }

    void matrix(const std::string& name, const Matrix& matrix) {
        floats(name, decoded(matrix), {matrix.rows, matrix.columns});
    }

    void floats(const std::string& name, const std::vector<float>& values, std::vector<std::uint64_t> shape) {
        StoredTensor tensor{layout_.prefix + name, layout_.is_half ? "F16" : "F32", std::move(shape), ""};
        for (const float value : values) {
            if (layout_.is_half) {
                const std::uint16_t half = float_to_half(value);
                tensor.bytes.append(reinterpret_cast<const char*>(&half), sizeof half);
            } else {
                tensor.bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
            }
        }
        tensors_.push_back(std::move(tensor));
    }

    Layout layout_;
    std::vector<StoredTensor> tensors_;
};

// config.json of the "tiny" random model, in the new spelling.
inline std::string tiny_config(const std::string& extra = "") {
    return R"({"model_type":"lfm2_moe","hidden_size":32,"num_hidden_layers":3,"vocab_size":288,
"layer_types":["conv","full_attention","conv"],"num_attention_heads":2,"num_key_value_heads":1,
"intermediate_size":32,"moe_intermediate_size":32,"num_experts":4,"num_experts_per_tok":2,"num_dense_layers":1,
"max_position_embeddings":128,"norm_eps":1e-5,"conv_L_cache":3,"tie_word_embeddings":true)" +
           extra + "," + R"("rope_parameters":{"rope_type":"default","rope_theta":1000000.0}})";
}

inline Result<std::shared_ptr<const Model>> open_folder(const TemporaryFolder& folder,
                                                        Access access = Access::kMap) {
    static MemoryBudget budget;
    ModelOptions options;
    options.access = access;
    return Model::open_path(folder.path(), options, budget, Log());
}

}  // namespace sluice::test
