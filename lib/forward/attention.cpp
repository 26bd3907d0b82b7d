// Attention of a chunk over the whole history. One task is one (token, key/value head): the keys and values
// of a block are read once for all query heads that share them.
#include <algorithm>
#include <cmath>
#include <limits>

#include "forward/layers.h"

namespace sluice {
namespace {

// Where the four areas of a chunk lie in work.wide; each has one row for each token.
struct Areas {
    float* query;
    float* key;
    float* value;
    float* attended;
    std::size_t query_size;
    std::size_t kv_size;
};

Areas areas_of(const Step& step) {
    const std::size_t query_size = std::size_t{step.config.n_heads} * step.config.head_size;
    const std::size_t kv_size = std::size_t{step.config.n_kv_heads} * step.config.head_size;
    float* query = step.work.wide.data();
    float* key = query + step.n_tokens * query_size;
    float* value = key + step.n_tokens * kv_size;
    return {query, key, value, value + step.n_tokens * kv_size, query_size, kv_size};
}

// Head norms come before the rotation: they were trained on unrotated heads.
void prepare_heads(const Attention& attention, std::uint32_t cache_layer, const Areas& areas, std::size_t token,
                   const Step& step) {
    const std::size_t head_size = step.config.head_size;
    const float* cosine = step.work.cosines.data() + token * head_size / 2;
    const float* sine = step.work.sines.data() + token * head_size / 2;
    const auto prepare = [&](float* head, const Floats& norm) {
        step.kernels.rms_norm(head, norm.data(), head_size, step.config.norm_epsilon, head);
        step.kernels.rotate(head, cosine, sine, head_size);
    };
    for (std::uint32_t head = 0; head < step.config.n_heads; ++head) {
        prepare(areas.query + token * areas.query_size + head * head_size, attention.query_norm);
    }
    const std::uint64_t position = step.cache.position() + token;
    for (std::uint32_t head = 0; head < step.config.n_kv_heads; ++head) {
        float* key = areas.key + token * areas.kv_size + head * head_size;
        prepare(key, attention.key_norm);
        step.cache.store_key(cache_layer, head, position, key);
        step.cache.store_value(cache_layer, head, position,
                               areas.value + token * areas.kv_size + head * head_size);
    }
}

// Softmax over a history that is seen block by block (Milakov and Gimelshein 2018): the sum so far is
// rescaled whenever a larger score appears.
struct RunningSoftmax {
    float largest = -std::numeric_limits<float>::infinity();
    float sum = 0.0F;
};

// One query head over one block of keys and values; scores is room for `count` floats.
void attend_block(const Step& step, const float* query, const float* keys, const float* values,
                  std::size_t count, float scale, float* scores, RunningSoftmax& running, float* out) {
    const std::size_t head_size = step.config.head_size;
    float largest = running.largest;
    for (std::size_t i = 0; i < count; ++i) {
        scores[i] = step.kernels.dot(query, keys + i * head_size, head_size) * scale;
        largest = std::max(largest, scores[i]);
    }
    const float correction = std::exp(running.largest - largest);
    for (std::size_t i = 0; i < head_size; ++i) out[i] *= correction;
    running.sum *= correction;
    running.largest = largest;
    for (std::size_t i = 0; i < count; ++i) {
        const float weight = std::exp(scores[i] - largest);
        running.sum += weight;
        step.kernels.add_scaled(out, weight, values + i * head_size, head_size);
    }
}

void attend(std::uint32_t cache_layer, std::uint32_t kv_head, std::size_t token, const Areas& areas,
            const Step& step, std::uint32_t worker) {
    const std::size_t head_size = step.config.head_size;
    const std::uint32_t group = step.config.n_heads / step.config.n_kv_heads;
    const float scale = 1.0F / std::sqrt(static_cast<float>(head_size));
    const std::uint64_t history = step.cache.position() + token + 1;
    float* key_scratch = step.work.scratch(worker).data();
    float* value_scratch = key_scratch + kAttentionBlock * head_size;
    float* scores = value_scratch + kAttentionBlock * head_size;
    const std::size_t first_head = token * areas.query_size + std::size_t{kv_head} * group * head_size;
    RunningSoftmax running[kMaxHeadGroup];
    std::fill_n(areas.attended + first_head, group * head_size, 0.0F);

    for (std::uint64_t first = 0; first < history; first += kAttentionBlock) {
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(kAttentionBlock, history - first));
        const float* keys = step.cache.keys(cache_layer, kv_head, first, count, key_scratch);
        const float* values = step.cache.values(cache_layer, kv_head, first, count, value_scratch);
        for (std::uint32_t i = 0; i < group; ++i) {
            const std::size_t head = first_head + i * head_size;
            attend_block(step, areas.query + head, keys, values, count, scale, scores, running[i],
                         areas.attended + head);
        }
    }
    for (std::uint32_t i = 0; i < group; ++i) {
        float* out = areas.attended + first_head + i * head_size;
        for (std::size_t j = 0; j < head_size; ++j) out[j] /= running[i].sum;
    }
}

}  // namespace

Done run_attention(const Attention& attention, std::uint32_t cache_layer, const Step& step) {
    const Areas areas = areas_of(step);
    const Product projections[] = {{&attention.query, step.normed(), areas.query, areas.query_size},
                                   {&attention.key, step.normed(), areas.key, areas.kv_size},
                                   {&attention.value, step.normed(), areas.value, areas.kv_size}};
    SLUICE_TRY(step.multiply(projections));

    SLUICE_TRY(step.workers.for_each(step.n_tokens, 4, step.cancel,
                                     [&](std::size_t first, std::size_t last, std::uint32_t) {
                                         for (std::size_t token = first; token < last; ++token) {
                                             prepare_heads(attention, cache_layer, areas, token, step);
                                         }
                                     }));

    const std::uint32_t n_kv_heads = step.config.n_kv_heads;
    SLUICE_TRY(step.workers.for_each(step.n_tokens * n_kv_heads, 1, step.cancel,
                                     [&](std::size_t first, std::size_t last, std::uint32_t worker) {
                                         for (std::size_t task = first; task < last; ++task) {
                                             attend(cache_layer, static_cast<std::uint32_t>(task % n_kv_heads),
                                                    task / n_kv_heads, areas, step, worker);
                                         }
                                     }));

    const Vectors attended{areas.attended, step.n_tokens, areas.query_size, areas.query_size};
    const Product output{&attention.output, attended, step.work.mixed.data(), step.config.hidden_size};
    return step.multiply({&output, 1});
}

}  // namespace sluice
