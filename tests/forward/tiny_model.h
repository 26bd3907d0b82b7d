// A model of a few hundred weights, in memory: every kind of layer, nothing read from a file.
#pragma once

#include <cstddef>
#include <deque>
#include <random>
#include <utility>
#include <vector>

#include "model/config.h"
#include "model/model.h"

// Keeps what the weights borrow: not to be copied.
class TinyModel {
public:
    // A convolution with a dense feed-forward, then attention and a convolution with experts.
    explicit TinyModel(unsigned seed = 1) : random_(seed) {
        config.architecture = "lfm2moe";
        config.hidden_size = 32;
        config.vocabulary_size = 40;
        config.context_size = 128;
        config.n_heads = 4;
        config.n_kv_heads = 2;
        config.head_size = 8;
        config.convolution_width = 3;
        config.feed_forward_size = 48;
        config.expert_feed_forward_size = 24;
        config.n_experts = 6;
        config.n_experts_used = 2;
        config.n_dense_layers = 1;
        config.norm_epsilon = 1e-5F;
        config.rope_theta = 1e4F;
        config.is_attention = {false, true, false};
        weights.embedding = weights.head = matrix(config.vocabulary_size, config.hidden_size);
        weights.final_norm = floats(config.hidden_size);
        for (std::uint32_t layer = 0; layer < config.n_layers(); ++layer) weights.layers.push_back(make(layer));
    }
    TinyModel(const TinyModel&) = delete;
    TinyModel& operator=(const TinyModel&) = delete;

    // The numbers behind a matrix of this model.
    std::vector<float>& numbers_of(const sluice::Matrix& matrix) {
        for (auto& numbers : storage_) {
            if (reinterpret_cast<const std::byte*>(numbers.data()) == matrix.data) return numbers;
        }
        return storage_.front();
    }

    sluice::Config config;
    sluice::Weights weights;

private:
    sluice::Floats floats(std::size_t count) {
        std::normal_distribution<float> normal(0.0F, 0.3F);
        sluice::Floats values(count);
        for (float& value : values) value = normal(random_);
        return values;
    }

    sluice::Matrix matrix(std::size_t rows, std::size_t columns) {
        const auto& numbers = storage_.emplace_back(floats(rows * columns));
        return {sluice::TensorType::kF32, rows, columns, reinterpret_cast<const std::byte*>(numbers.data())};
    }

    sluice::Layer make(std::uint32_t layer) {
        const std::size_t hidden = config.hidden_size;
        const std::size_t heads_size = config.n_heads * config.head_size;
        const std::size_t kv_size = config.n_kv_heads * config.head_size;
        sluice::Layer made;
        made.mixer_norm = floats(hidden);
        made.feed_forward_norm = floats(hidden);
        if (config.is_attention[layer]) {
            made.mixer = sluice::Attention{matrix(heads_size, hidden), matrix(kv_size, hidden),
                                           matrix(kv_size, hidden),    matrix(hidden, heads_size),
                                           floats(config.head_size),   floats(config.head_size)};
        } else {
            made.mixer = sluice::ShortConvolution{matrix(3 * hidden, hidden),
                                                  matrix(hidden, hidden),
                                                  floats(hidden * config.convolution_width),
                                                  {}};
        }
        if (!config.has_experts(layer)) {
            const std::size_t size = config.feed_forward_size;
            made.feed_forward =
                sluice::DenseFeedForward{matrix(size, hidden), matrix(size, hidden), matrix(hidden, size)};
            return made;
        }
        sluice::ExpertFeedForward experts{
            matrix(config.n_experts, hidden), floats(config.n_experts), {}, {}, {}};
        for (std::uint32_t expert = 0; expert < config.n_experts; ++expert) {
            experts.gate.push_back(matrix(config.expert_feed_forward_size, hidden));
            experts.up.push_back(matrix(config.expert_feed_forward_size, hidden));
            experts.down.push_back(matrix(hidden, config.expert_feed_forward_size));
        }
        made.feed_forward = std::move(experts);
        return made;
    }

    std::mt19937 random_;
    std::deque<std::vector<float>> storage_;
};
