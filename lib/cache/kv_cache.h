// The KV cache: everything a conversation remembers. Keys and values of the attention layers, and the
// last inputs of the short convolutions, at one common position: they can only move together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/memory.h"
#include "base/result.h"
#include "model/config.h"

namespace sluice {

enum class KvType : std::int32_t {  // numbered as SLUICE_KV_...
    kF32 = 1,
    kF16 = 2,
};

constexpr std::uint64_t kKeyTile = 16;

struct KvCacheOptions {
    std::uint64_t capacity = 0;  // tokens
    KvType key_type = KvType::kF32;
    KvType value_type = KvType::kF32;
};

// One thread at a time, but different (layer, head, position) may be written and read by different ones.
class KvCache {
public:
    // Errors: INVALID_ARGUMENT (capacity 0), LIMIT (over the model's context size or over 2^63 bytes).
    static Result<std::uint64_t> planned_size(const Config& config, const KvCacheOptions& options);
    // Errors: those, and OUT_OF_MEMORY.
    static Result<KvCache> create(const Config& config, const KvCacheOptions& options, MemoryBudget& budget);

    std::uint64_t position() const { return position_; }  // tokens remembered
    std::uint64_t capacity() const { return options_.capacity; }
    std::uint64_t room() const { return options_.capacity - position_; }
    std::uint64_t size() const { return block_.size(); }  // bytes
    const KvCacheOptions& options() const { return options_; }

    void reset();

    // The place that roll_back returns to is where the last begin was called: keys, values and
    // convolution inputs are then as they were.
    void begin();
    void roll_back();
    // n more tokens have their keys, values and convolution inputs stored. Requires n <= room().
    void advance(std::uint64_t n) { position_ += n; }

    // Stores head_size floats for a position below capacity. `layer` counts attention layers only.
    void store_key(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t position, const float* key);
    void store_value(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t position, const float* value);

    // The stored elements, of the types of options(), as kernels read them: keys in tiles of kKeyTile
    // positions, [tile][head_size][kKeyTile], values as [position][head_size]. Requires `first` to be a
    // multiple of kKeyTile.
    const std::byte* key_tiles(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t first) const;
    const std::byte* value_rows(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t first) const;

    // `count` consecutive rows of head_size floats, from any position on.
    void read_keys(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t first, std::size_t count,
                   float* out) const;
    void read_values(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t first, std::size_t count,
                     float* out) const;

    // The last width - 1 inputs of a convolution, oldest first, hidden_size floats each; zeros before the
    // beginning. `layer` counts convolution layers only.
    std::span<float> convolution_state(std::uint32_t layer);

private:
    struct Plan;
    struct Rows {  // keys or values of all layers: [layer][kv head], then as told above
        KvType type = KvType::kF32;
        std::byte* data = nullptr;
    };

    static Result<Plan> plan(const Config& config, const KvCacheOptions& options);
    std::byte* head(const Rows& rows, std::uint32_t layer, std::uint32_t kv_head, std::uint64_t first) const;

    KvCacheOptions options_;
    std::uint64_t padded_capacity_ = 0;  // whole key tiles
    std::uint32_t n_kv_heads_ = 0;
    std::uint32_t head_size_ = 0;
    std::size_t state_size_ = 0;  // floats of one convolution layer
    Block block_;
    Rows keys_;
    Rows values_;
    std::span<float> states_;
    std::span<float> saved_states_;
    std::uint64_t position_ = 0;
    std::uint64_t saved_position_ = 0;
};

}  // namespace sluice
