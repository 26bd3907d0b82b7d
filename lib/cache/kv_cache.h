// The KV cache: everything a conversation remembers. Keys and values of the attention layers, the last inputs
// of the short convolutions and the tokens themselves, at one common position: they can only move together.
//
// Keys and values lie in pages, which are taken as the cache fills and never move. Caches made from each other
// share them until one writes. Going back is a matter of the convolutions: attention looks at positions, and
// forgets by looking at fewer, but of a convolution's inputs only the last ones are kept. Where no mark keeps
// them, they are computed again from the tokens before: each convolution looks width - 1 inputs back, so after
// (width - 1) * (number of convolutions) tokens none has seen what came before those (docs/decisions/
// 0015-pages-marks-and-going-back.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "cache/kv_rows.h"
#include "cache/marks.h"
#include "cache/page.h"
#include "model/config.h"
#include "text/vocabulary.h"

namespace sluice {

constexpr std::uint64_t kPageTokens = 256;

// Where tokens come from. The matrix products of prompt tokens may have another order of sums than those of
// generated ones, where oneDNN computes them (docs/decisions/0013-onednn-for-prompts.md): a token's bits depend
// on its role, and never on its chunk.
enum class TokenRole : std::uint8_t {
    kPrompt,
    kGenerated,
};

struct KvCacheOptions {
    std::uint64_t capacity = 0;  // tokens
    KvType key_type = KvType::kF32;
    KvType value_type = KvType::kF32;
    std::uint64_t mark_bytes = std::uint64_t{16} << 20;  // most that marks take which are made by themselves
};

// Tokens in order, each with its role.
struct TokenLog {
    std::vector<TokenId> ids;
    std::vector<TokenRole> roles;

    // The first tokens from `at` on that have one role.
    std::size_t run_from(std::size_t at) const;
};

// One thread at a time, but different (layer, head, position) may be written and read by different ones.
class KvCache {
public:
    // Bytes of a full one, without marks.
    // Errors: INVALID_ARGUMENT (capacity 0), LIMIT (over the model's context size or over 2^63 bytes),
    // UNSUPPORTED (check_kv_type).
    static Result<std::uint64_t> planned_size(const Config& config, const KvCacheOptions& options);
    // Empty, without pages. Errors: those, and OUT_OF_MEMORY.
    static Result<KvCache> create(const Config& config, const KvCacheOptions& options, MemoryBudget& budget);

    std::uint64_t position() const { return position_; }  // tokens remembered
    std::uint64_t capacity() const { return options_.capacity; }
    std::uint64_t room() const { return options_.capacity - position_; }
    // Bytes taken now; a page or a mark that is shared counts for each cache.
    std::uint64_t size() const;
    const KvCacheOptions& options() const { return options_; }
    // The tokens remembered, position() of them.
    std::span<const TokenId> tokens() const { return log_.ids; }
    const TokenLog& log() const { return log_; }

    // Forgets everything; pages stay, marks do not.
    void reset();
    // Gives back what is not needed for what is remembered: pages behind it, and, if that is not enough for
    // `most_bytes`, the marks that were made by themselves.
    void trim(std::uint64_t most_bytes);
    // Another cache with the same past, marks too. Errors: OUT_OF_MEMORY.
    Result<KvCache> fork() const;

    // Takes the place of what is remembered, with the capacity that this cache has. Requires a cache of the
    // same model and types; it may be longer than the capacity, if a rewind follows.
    void adopt(KvCache other);

    // Takes the pages for n more tokens, each for this cache alone, so that nothing of them can fail later.
    // Requires n <= room(). Errors: OUT_OF_MEMORY; then everything is as it was.
    Done make_room(std::uint64_t n);

    // The place that roll_back returns to is where the last begin was called: keys, values and
    // convolution inputs are then as they were. Requires that no rewind came between.
    void begin();
    void roll_back();
    // These tokens have their keys, values and convolution inputs stored. Requires that there was room.
    void advance(std::span<const TokenId> ids, TokenRole role);

    // A mark at position(), which a rewind to it finds. Errors: OUT_OF_MEMORY.
    Done mark(std::uint64_t serial);
    // False if there is none.
    bool unmark(std::uint64_t serial) { return marks_.remove(serial); }
    const Marks& marks() const { return marks_; }

    // Wants marks of its own at these positions, ascending and behind position(): advance makes them as it
    // passes, of what convolutions left in wanted_marks(). Where memory does not suffice it wants fewer.
    void want_marks(std::span<const std::uint64_t> positions);
    struct WantedMark {
        std::uint64_t position = 0;
        Mark mark;
    };
    std::span<const WantedMark> wanted_marks() const { return wanted_; }
    // The inputs that a convolution remembers at a mark, as in convolution_state.
    std::span<float> mark_state(const WantedMark& wanted, std::uint32_t layer) const {
        return wanted.mark.values().subspan(layer * state_size_, state_size_);
    }

    // Goes back to `position`, at most position(). What is returned has to be run before anything else, in its
    // roles, for the convolutions' inputs; the keys and values of these tokens stay what they are. Empty where
    // a mark tells the inputs. Marks behind `position` are gone. Errors: INVALID_ARGUMENT.
    Result<TokenLog> rewind(std::uint64_t position);

    // For state files. The pages that hold what is remembered, whole, and the convolutions' inputs of all
    // layers.
    std::size_t n_pages() const { return pages_.size(); }
    std::uint64_t page_size() const { return page_size_; }
    std::span<const std::byte> page(std::size_t i) const {
        return {pages_[i].data(), static_cast<std::size_t>(page_size_)};
    }
    std::span<const float> states() const { return states_; }
    // Equal for caches that share the page.
    const void* page_identity(std::size_t i) const { return pages_[i].identity(); }
    // Zeros behind the last token, on its page. Requires that nobody shares the cache's future. Errors:
    // OUT_OF_MEMORY.
    Done clear_rest_of_page();
    // Makes an empty cache remember these tokens; the pages and states they had are for the caller to fill.
    // Requires that they fit. Errors: OUT_OF_MEMORY.
    Done become(const TokenLog& log);
    std::span<std::byte> page_to_fill(std::size_t i) {
        return {pages_[i].data(), static_cast<std::size_t>(page_size_)};
    }
    std::span<float> states_to_fill() { return states_; }

    // Stores head_size floats for a position that there is room for. `layer` counts attention layers only.
    void store_key(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t position, const float* key);
    void store_value(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t position, const float* value);

    // The stored elements, of the types of options(), as kernels read them: tiles of kKeyTile positions
    // (kernels/attention_tiles.h), up to the end of the page that `first` is in. Requires `first` to be a
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

    KvCache() = default;
    static Result<Plan> plan(const Config& config, const KvCacheOptions& options);
    Done take_states();
    std::byte* keys_at(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t first) const;
    std::byte* values_at(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t first) const;
    Result<Mark> make_mark(std::uint64_t position, std::uint64_t serial) const;

    KvCacheOptions options_;
    MemoryBudget* budget_ = nullptr;
    std::uint32_t n_kv_heads_ = 0;
    std::uint32_t head_size_ = 0;
    std::uint64_t n_heads_in_all_ = 0;  // of all attention layers
    std::uint64_t page_size_ = 0;       // bytes: all keys, then all values
    std::uint64_t key_tile_size_ = 0;   // bytes
    std::uint64_t value_tile_size_ = 0;
    std::size_t state_size_ = 0;       // floats of one convolution layer
    std::size_t states_size_ = 0;      // of all
    std::uint64_t n_tokens_back_ = 0;  // that the convolutions' inputs depend on
    std::vector<Page> pages_;
    Block states_block_;
    std::span<float> states_;
    std::span<float> saved_states_;
    TokenLog log_;
    Marks marks_;
    std::vector<WantedMark> wanted_;
    std::uint64_t position_ = 0;
    std::uint64_t saved_position_ = 0;
    std::uint64_t n_kept_ = 0;  // positions whose keys and values stay, also where their tokens are run again
};

}  // namespace sluice
