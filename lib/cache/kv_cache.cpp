// One block of memory, laid out once; nothing moves or grows.
#include "cache/kv_cache.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "base/sentence.h"
#include "kernels/half.h"

namespace sluice {

struct KvCache::Plan {
    std::uint64_t keys = 0;    // bytes
    std::uint64_t values = 0;  // bytes
    std::uint64_t states = 0;  // floats of all convolution layers
    std::uint64_t state = 0;   // floats of one of them
    std::uint64_t total = 0;   // bytes
};

namespace {

// Areas begin at cache lines.
constexpr std::uint64_t kAlignment = 64;

std::uint64_t element_size(KvType type) {
    return type == KvType::kF16 ? 2 : 4;
}

// In whole key tiles.
std::uint64_t padded(std::uint64_t capacity) {
    return (capacity + kKeyTile - 1) / kKeyTile * kKeyTile;
}

void store_element(KvType type, std::byte* elements, std::size_t i, float value) {
    if (type == KvType::kF32) {
        std::memcpy(elements + i * sizeof value, &value, sizeof value);
        return;
    }
    const std::uint16_t half = float_to_half(value);
    std::memcpy(elements + i * sizeof half, &half, sizeof half);
}

float load_element(KvType type, const std::byte* elements, std::size_t i) {
    if (type == KvType::kF32) {
        float value = 0.0F;
        std::memcpy(&value, elements + i * sizeof value, sizeof value);
        return value;
    }
    std::uint16_t half = 0;
    std::memcpy(&half, elements + i * sizeof half, sizeof half);
    return half_to_float(half);
}

}  // namespace

Result<KvCache::Plan> KvCache::plan(const Config& config, const KvCacheOptions& options) {
    if (options.capacity == 0)
        return make_error(SLUICE_E_INVALID_ARGUMENT, "a KV cache needs a capacity above 0");
    if (options.capacity > config.context_size) {
        return make_error(SLUICE_E_LIMIT, "a KV cache of ", options.capacity,
                          " tokens is more than the model's context of ", config.context_size);
    }
    // No overflow: capacity is at most 2^24 here, and the configuration's counts were verified.
    const std::uint64_t rows =
        config.n_attention_layers() * std::uint64_t{config.n_kv_heads} * padded(options.capacity);
    const auto keys = checked_product({rows, config.head_size, element_size(options.key_type)});
    const auto values = checked_product({rows, config.head_size, element_size(options.value_type)});
    const std::uint64_t n_convolutions = config.n_layers() - config.n_attention_layers();
    const auto state = checked_product({config.convolution_width - 1, config.hidden_size});
    const auto states = state ? checked_mul(*state, n_convolutions) : std::nullopt;
    if (!keys || !values || !states) {
        return make_error(SLUICE_E_LIMIT, "a KV cache of ", options.capacity,
                          " tokens has no size that fits 64 bits");
    }
    const auto key_area = checked_align(*keys, kAlignment);
    const auto value_area = checked_align(*values, kAlignment);
    const auto state_bytes = checked_mul(*states, 2 * sizeof(float));
    const auto sum = key_area && value_area ? checked_add(*key_area, *value_area) : std::nullopt;
    const auto total = sum && state_bytes ? checked_add(*sum, *state_bytes) : std::nullopt;
    if (!total || !checked_cast<std::int64_t>(*total)) {
        return make_error(SLUICE_E_LIMIT, "a KV cache of ", options.capacity, " tokens is too large");
    }
    return Plan{*key_area, *value_area, *states, *state, *total};
}

Result<std::uint64_t> KvCache::planned_size(const Config& config, const KvCacheOptions& options) {
    SLUICE_ASSIGN(planned, plan(config, options));
    return planned.total;
}

Result<KvCache> KvCache::create(const Config& config, const KvCacheOptions& options, MemoryBudget& budget) {
    SLUICE_ASSIGN(planned, plan(config, options));
    SLUICE_ASSIGN(block, Block::allocate(budget, planned.total, "the KV cache"));
    KvCache cache;
    cache.options_ = options;
    cache.padded_capacity_ = padded(options.capacity);
    cache.n_kv_heads_ = config.n_kv_heads;
    cache.head_size_ = config.head_size;
    cache.state_size_ = static_cast<std::size_t>(planned.state);
    cache.block_ = std::move(block);
    std::byte* at = cache.block_.data();
    cache.keys_ = {options.key_type, at};
    cache.values_ = {options.value_type, at + planned.keys};
    auto* states = reinterpret_cast<float*>(at + planned.keys + planned.values);
    cache.states_ = {states, static_cast<std::size_t>(planned.states)};
    cache.saved_states_ = {states + planned.states, static_cast<std::size_t>(planned.states)};
    return cache;
}

void KvCache::reset() {
    position_ = 0;
    std::fill(states_.begin(), states_.end(), 0.0F);
}

void KvCache::begin() {
    saved_position_ = position_;
    std::copy(states_.begin(), states_.end(), saved_states_.begin());
}

void KvCache::roll_back() {
    position_ = saved_position_;
    std::copy(saved_states_.begin(), saved_states_.end(), states_.begin());
}

std::byte* KvCache::head(const Rows& rows, std::uint32_t layer, std::uint32_t kv_head,
                         std::uint64_t first) const {
    const std::uint64_t index = (std::uint64_t{layer} * n_kv_heads_ + kv_head) * padded_capacity_ + first;
    return rows.data + index * head_size_ * element_size(rows.type);
}

const std::byte* KvCache::key_tiles(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t first) const {
    return head(keys_, layer, kv_head, first);
}

const std::byte* KvCache::value_rows(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t first) const {
    return head(values_, layer, kv_head, first);
}

void KvCache::store_key(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t position, const float* key) {
    std::byte* tile = head(keys_, layer, kv_head, position / kKeyTile * kKeyTile);
    for (std::size_t i = 0; i < head_size_; ++i) {
        store_element(keys_.type, tile, i * kKeyTile + position % kKeyTile, key[i]);
    }
}

void KvCache::store_value(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t position,
                          const float* value) {
    std::byte* row = head(values_, layer, kv_head, position);
    for (std::size_t i = 0; i < head_size_; ++i) store_element(values_.type, row, i, value[i]);
}

void KvCache::read_keys(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t first, std::size_t count,
                        float* out) const {
    for (std::uint64_t position = first; position < first + count; ++position) {
        const std::byte* tile = key_tiles(layer, kv_head, position / kKeyTile * kKeyTile);
        for (std::size_t i = 0; i < head_size_; ++i) {
            *out++ = load_element(keys_.type, tile, i * kKeyTile + position % kKeyTile);
        }
    }
}

void KvCache::read_values(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t first, std::size_t count,
                          float* out) const {
    const std::byte* rows = value_rows(layer, kv_head, first);
    for (std::size_t i = 0; i < count * head_size_; ++i) out[i] = load_element(values_.type, rows, i);
}

std::span<float> KvCache::convolution_state(std::uint32_t layer) {
    return states_.subspan(layer * state_size_, state_size_);
}

}  // namespace sluice
