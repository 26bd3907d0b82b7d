// Attention of a chunk over the whole history. One task is some tokens and one key/value head: a block of keys
// and values is read once for all of them and for the query heads that share it.
#include <algorithm>
#include <cmath>

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

// The chunk's query heads from `head` of a token on. Rounded ones share memory with what products round: none
// runs meanwhile.
AttentionQueries queries_at(const Areas& areas, const Step& step, std::size_t token, std::size_t head) {
    const std::size_t at = token * areas.query_size + head * step.config.head_size;
    return {areas.query + at, step.work.quantised.data() + at,
            step.work.quantised_scales.data() + at / kQuantisedBlock,
            step.work.quantised_sums.data() + at / (kQuantisedBlock / 2)};
}

// Keys with blocks meet queries of integers. One that is not finite has a scale that is none, so that its
// result is not finite either.
void round_query(const Areas& areas, const Step& step, std::size_t token, std::size_t head) {
    const std::size_t head_size = step.config.head_size;
    const std::size_t at = token * areas.query_size + head * head_size;
    float* scales = step.work.quantised_scales.data() + at / kQuantisedBlock;
    const bool is_finite =
        step.kernels.quantise(areas.query + at, head_size, step.work.quantised.data() + at, scales,
                              step.work.quantised_sums.data() + at / (kQuantisedBlock / 2));
    if (!is_finite) std::fill_n(scales, head_size / kQuantisedBlock, std::nanf(""));
}

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
    const KvType key_type = step.cache.options().key_type;
    const bool turns_keys = is_turned(key_type);
    const bool rounds_queries = is_stored_in_blocks(tensor_type_of(key_type));
    const float* cosine = step.work.cosines.data() + token * head_size / 2;
    const float* sine = step.work.sines.data() + token * head_size / 2;
    const auto prepare = [&](float* head, const Floats& norm) {
        step.kernels.rms_norm(head, norm.data(), head_size, step.config.norm_epsilon, head);
        step.kernels.rotate(head, cosine, sine, head_size);
    };
    for (std::uint32_t head = 0; head < step.config.n_heads; ++head) {
        prepare(areas.query + token * areas.query_size + head * head_size, attention.query_norm);
        if (turns_keys)
            turn_head(areas.query + token * areas.query_size + head * head_size, step.config.head_size);
        if (rounds_queries) round_query(areas, step, token, head);
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

// Queries that are taken past a block of the history together, while it is in the cache.
constexpr std::size_t kTokensTogether = 16;

// The heads of `count` tokens from `first` on that share a key/value head, over all of their history.
void attend(std::uint32_t cache_layer, std::uint32_t kv_head, std::size_t first, std::size_t count,
            const Areas& areas, const Step& step, std::uint32_t worker) {
    const std::size_t head_size = step.config.head_size;
    const std::uint32_t group = step.config.n_heads / step.config.n_kv_heads;
    const float scale = 1.0F / std::sqrt(static_cast<float>(head_size));
    const std::size_t first_head = std::size_t{kv_head} * group * head_size;
    const std::uint64_t begin = step.cache.position() + first;  // the first token's position
    SoftmaxState states[kTokensTogether * kMaxHeadGroup];
    for (std::size_t token = first; token < first + count; ++token) {
        std::fill_n(areas.attended + token * areas.query_size + first_head, group * head_size, 0.0F);
    }

    AttentionBlock block;
    block.key_type = tensor_type_of(step.cache.options().key_type);
    block.value_type = tensor_type_of(step.cache.options().value_type);
    block.head_size = head_size;
    for (std::uint64_t position = 0; position < begin + count; position += kAttentionBlock) {
        block.keys = step.cache.key_tiles(cache_layer, kv_head, position);
        block.values = step.cache.value_rows(cache_layer, kv_head, position);
        for (std::size_t i = position < begin ? 0 : position - begin; i < count; ++i) {
            const std::uint64_t history = begin + i + 1 - position;
            block.count = static_cast<std::size_t>(std::min<std::uint64_t>(kAttentionBlock, history));
            step.kernels.attend(
                block, queries_at(areas, step, first + i, kv_head * group), group, scale, states + i * group,
                areas.attended + (first + i) * areas.query_size + first_head, step.work.scratch(worker).data());
        }
    }
    for (std::size_t i = 0; i < count; ++i) {
        for (std::uint32_t h = 0; h < group; ++h) {
            float* out = areas.attended + (first + i) * areas.query_size + first_head + h * head_size;
            const float sum = states[i * group + h].sum;
            for (std::size_t d = 0; d < head_size; ++d) out[d] /= sum;
            if (is_turned(step.cache.options().value_type)) turn_head(out, step.config.head_size);
        }
    }
}

}  // namespace

Done run_attention(const Attention& attention, std::uint32_t cache_layer, const Step& step) {
    const Areas areas = areas_of(step);
    const Product projections[] = {{&attention.query, areas.query, areas.query_size},
                                   {&attention.key, areas.key, areas.kv_size},
                                   {&attention.value, areas.value, areas.kv_size}};
    SLUICE_TRY(step.multiply(step.normed(), projections));

    SLUICE_TRY(step.for_each_token(16 * areas.query_size, [&](std::size_t token) {
        prepare_heads(attention, cache_layer, areas, token, step);
    }));

    const std::uint32_t n_kv_heads = step.config.n_kv_heads;
    const std::size_t n_tiles = (step.n_tokens + kTokensTogether - 1) / kTokensTogether;
    SLUICE_TRY(step.workers.for_each(
        n_tiles * n_kv_heads, 1, step.cancel, [&](std::size_t first, std::size_t last, std::uint32_t worker) {
            for (std::size_t task = first; task < last; ++task) {
                const std::size_t token = task / n_kv_heads * kTokensTogether;
                attend(cache_layer, static_cast<std::uint32_t>(task % n_kv_heads), token,
                       std::min(kTokensTogether, step.n_tokens - token), areas, step, worker);
            }
        }));

    const Vectors attended{areas.attended, step.n_tokens, areas.query_size, areas.query_size};
    const Product output{&attention.output, step.work.mixed.data(), step.config.hidden_size};
    return step.multiply(attended, {&output, 1});
}

}  // namespace sluice
