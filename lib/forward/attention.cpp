// Attention of every sequence over its whole history. One task is some tokens of a sequence and one key/value
// head, so that a block of keys and values is read once for all of them and for the query heads that share it;
// or, where tokens are few and their history is long, a part of that.
#include <algorithm>
#include <cmath>

#include "forward/attend_history.h"
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
    const Place& place = step.places[token];
    KvCache& cache = *step.sequences[place.sequence].cache;
    const KvType key_type = cache.options().key_type;
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
    for (std::uint32_t head = 0; head < step.config.n_kv_heads; ++head) {
        float* key = areas.key + token * areas.kv_size + head * head_size;
        prepare(key, attention.key_norm);
        cache.store_key(cache_layer, head, place.position, key);
        cache.store_value(cache_layer, head, place.position,
                          areas.value + token * areas.kv_size + head * head_size);
    }
}

// Some tokens of one sequence.
struct Together {
    const KvCache& cache;
    std::size_t first;  // of the pass
    std::size_t count;
    std::uint64_t begin;  // the first one's position
};

std::size_t n_together(const Sequence& sequence) {
    return (sequence.tokens.size() + kTokensTogether - 1) / kTokensTogether;
}

std::size_t n_together(const Step& step) {
    std::size_t sum = 0;
    for (const Sequence& sequence : step.sequences) sum += n_together(sequence);
    return sum;
}

// The index-th of the pass.
Together together_at(std::size_t index, const Step& step) {
    std::size_t first = 0;
    std::size_t at = 0;
    for (; index >= n_together(step.sequences[at]); ++at) {
        index -= n_together(step.sequences[at]);
        first += step.sequences[at].tokens.size();
    }
    const Sequence& sequence = step.sequences[at];
    const std::size_t begin = index * kTokensTogether;
    return {*sequence.cache, first + begin, std::min(kTokensTogether, sequence.tokens.size() - begin),
            sequence.cache->position() + begin};
}

// The tokens' heads that share a key/value head.
TokenHeads heads_of(const Together& tokens, std::uint32_t cache_layer, std::uint32_t kv_head,
                    const Areas& areas, const Step& step) {
    const std::size_t group = step.config.n_heads / step.config.n_kv_heads;
    const std::size_t first_head = kv_head * group;
    return {.kernels = step.kernels,
            .cache = tokens.cache,
            .cache_layer = cache_layer,
            .kv_head = kv_head,
            .begin = tokens.begin,
            .count = tokens.count,
            .group = group,
            .head_size = step.config.head_size,
            .queries = queries_at(areas, step, tokens.first, first_head),
            .query_stride = areas.query_size,
            .out = areas.attended + tokens.first * areas.query_size + first_head * step.config.head_size,
            .out_stride = areas.query_size};
}

// Each history is a task of its own: enough of them when there are many tokens, or many sequences.
Done attend_whole(std::uint32_t cache_layer, const Areas& areas, const Step& step) {
    const std::uint32_t n_kv_heads = step.config.n_kv_heads;
    return step.workers.for_each(n_together(step) * n_kv_heads, 1, step.cancel,
                                 [&](std::size_t first, std::size_t last, std::uint32_t worker) {
                                     for (std::size_t task = first; task < last; ++task) {
                                         const auto kv_head = static_cast<std::uint32_t>(task % n_kv_heads);
                                         const Together tokens = together_at(task / n_kv_heads, step);
                                         attend_history(heads_of(tokens, cache_layer, kv_head, areas, step),
                                                        step.work.scratch(worker).data());
                                     }
                                 });
}

// Memory for the parts of all histories, when workers share those of a few tokens: behind the areas, in rows
// that so few tokens do not need. Null where histories are not worth sharing, or there is no room.
float* room_for_parts(const Areas& areas, const Step& step) {
    if (n_together(step) > 1 || step.workers.size() == 1) return nullptr;
    const TokenHeads heads = heads_of(together_at(0, step), 0, 0, areas, step);
    const std::size_t n_taken = 2 * step.n_tokens * (areas.query_size + areas.kv_size);
    const std::size_t n_needed = step.config.n_kv_heads * heads.n_parts() * heads.part_size();
    if (heads.n_parts() == 1 || n_taken + n_needed > step.work.wide.size()) return nullptr;
    return step.work.wide.data() + n_taken;
}

// Each part of each history is a task; then the parts are joined.
Done attend_in_parts(std::uint32_t cache_layer, float* room, const Areas& areas, const Step& step) {
    const std::uint32_t n_kv_heads = step.config.n_kv_heads;
    const Together tokens = together_at(0, step);
    const auto heads_at = [&](std::size_t kv_head) {
        return heads_of(tokens, cache_layer, static_cast<std::uint32_t>(kv_head), areas, step);
    };
    const std::size_t n_parts = heads_at(0).n_parts();
    const auto parts_of = [&](const TokenHeads& heads) {
        return room + heads.kv_head * n_parts * heads.part_size();
    };
    SLUICE_TRY(step.workers.for_each(
        n_kv_heads * n_parts, 1, step.cancel, [&](std::size_t first, std::size_t last, std::uint32_t worker) {
            for (std::size_t task = first; task < last; ++task) {
                const TokenHeads heads = heads_at(task / n_parts);
                attend_part(heads, task % n_parts, parts_of(heads), step.work.scratch(worker).data());
            }
        }));
    return step.workers.for_each(n_kv_heads, 1, step.cancel,
                                 [&](std::size_t first, std::size_t last, std::uint32_t) {
                                     for (std::size_t kv_head = first; kv_head < last; ++kv_head) {
                                         const TokenHeads heads = heads_at(kv_head);
                                         join_parts(heads, parts_of(heads));
                                     }
                                 });
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

    float* room = room_for_parts(areas, step);
    SLUICE_TRY(room == nullptr ? attend_whole(cache_layer, areas, step)
                               : attend_in_parts(cache_layer, room, areas, step));

    const Vectors attended{areas.attended, step.n_tokens, areas.query_size, areas.query_size};
    const Product output{&attention.output, step.work.mixed.data(), step.config.hidden_size};
    return step.multiply(attended, {&output, 1});
}

}  // namespace sluice
