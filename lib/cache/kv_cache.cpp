#include "cache/kv_cache.h"

#include <algorithm>

#include "base/checked.h"
#include "base/sentence.h"
#include "kernels/kernels.h"

namespace sluice {

static_assert(kPageTokens % kAttentionBlock == 0, "attention looks at a block of one page at a time");

struct KvCache::Plan {
    std::uint64_t page = 0;    // bytes
    std::uint64_t state = 0;   // floats of one convolution layer
    std::uint64_t states = 0;  // of all
    std::uint64_t total = 0;   // bytes, when full
};

namespace {

std::uint64_t pages_of(std::uint64_t n_tokens) {
    return (n_tokens + kPageTokens - 1) / kPageTokens;
}

}  // namespace

std::size_t TokenLog::run_from(std::size_t at) const {
    std::size_t end = at;
    while (end < ids.size() && roles[end] == roles[at]) ++end;
    return end - at;
}

Result<KvCache::Plan> KvCache::plan(const Config& config, const KvCacheOptions& options) {
    if (options.capacity == 0)
        return make_error(SLUICE_E_INVALID_ARGUMENT, "a KV cache needs a capacity above 0");
    if (options.capacity > config.context_size) {
        return make_error(SLUICE_E_LIMIT, "a KV cache of ", options.capacity,
                          " tokens is more than the model's context of ", config.context_size);
    }
    const std::uint64_t n_heads = config.n_attention_layers() * std::uint64_t{config.n_kv_heads};
    SLUICE_TRY(check_kv_type(options.key_type, config.head_size));
    SLUICE_TRY(check_kv_type(options.value_type, config.head_size));
    const std::uint64_t pair =
        kv_tile_size(options.key_type, config.head_size) + kv_tile_size(options.value_type, config.head_size);
    const auto page = checked_product({n_heads, kPageTokens / kKeyTile, pair});
    const auto pages = page ? checked_mul(*page, pages_of(options.capacity)) : std::nullopt;
    const std::uint64_t n_convolutions = config.n_layers() - config.n_attention_layers();
    const auto state = checked_product({config.convolution_width - 1, config.hidden_size});
    const auto states = state ? checked_mul(*state, n_convolutions) : std::nullopt;
    const auto state_bytes = states ? checked_mul(*states, 2 * sizeof(float)) : std::nullopt;
    const auto total = pages && state_bytes ? checked_add(*pages, *state_bytes) : std::nullopt;
    if (!total || !checked_cast<std::int64_t>(*total)) {
        return make_error(SLUICE_E_LIMIT, "a KV cache of ", options.capacity, " tokens is too large");
    }
    return Plan{*page, *state, *states, *total};
}

Result<std::uint64_t> KvCache::planned_size(const Config& config, const KvCacheOptions& options) {
    SLUICE_ASSIGN(planned, plan(config, options));
    return planned.total;
}

Result<KvCache> KvCache::create(const Config& config, const KvCacheOptions& options, MemoryBudget& budget) {
    SLUICE_ASSIGN(planned, plan(config, options));
    KvCache cache;
    cache.options_ = options;
    cache.budget_ = &budget;
    cache.n_kv_heads_ = config.n_kv_heads;
    cache.head_size_ = config.head_size;
    cache.n_heads_in_all_ = config.n_attention_layers() * std::uint64_t{config.n_kv_heads};
    cache.page_size_ = planned.page;
    cache.key_tile_size_ = kv_tile_size(options.key_type, config.head_size);
    cache.value_tile_size_ = kv_tile_size(options.value_type, config.head_size);
    cache.state_size_ = static_cast<std::size_t>(planned.state);
    cache.states_size_ = static_cast<std::size_t>(planned.states);
    cache.n_tokens_back_ =
        std::uint64_t{config.convolution_width - 1} * (config.n_layers() - config.n_attention_layers());
    SLUICE_TRY(cache.take_states());
    return cache;
}

Done KvCache::take_states() {
    SLUICE_ASSIGN(block, Block::allocate(*budget_, 2 * states_size_ * sizeof(float), "the KV cache"));
    states_block_ = std::move(block);
    auto* states = reinterpret_cast<float*>(states_block_.data());
    states_ = {states, states_size_};
    saved_states_ = {states + states_size_, states_size_};
    return Nothing{};
}

std::uint64_t KvCache::size() const {
    return pages_.size() * page_size_ + states_block_.size() + marks_.size();
}

void KvCache::reset() {
    position_ = 0;
    n_kept_ = 0;
    log_.ids.clear();
    log_.roles.clear();
    marks_.clear();
    wanted_.clear();
    std::fill(states_.begin(), states_.end(), 0.0F);
}

void KvCache::trim(std::uint64_t most_bytes) {
    pages_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(pages_.size(), pages_of(position_))));
    if (size() > most_bytes) marks_.drop_automatic();
}

Result<KvCache> KvCache::fork() const {
    KvCache copy;
    copy.options_ = options_;
    copy.budget_ = budget_;
    copy.n_kv_heads_ = n_kv_heads_;
    copy.head_size_ = head_size_;
    copy.n_heads_in_all_ = n_heads_in_all_;
    copy.page_size_ = page_size_;
    copy.key_tile_size_ = key_tile_size_;
    copy.value_tile_size_ = value_tile_size_;
    copy.state_size_ = state_size_;
    copy.states_size_ = states_size_;
    copy.n_tokens_back_ = n_tokens_back_;
    copy.position_ = position_;
    copy.n_kept_ = n_kept_;
    SLUICE_TRY(copy.take_states());
    std::copy(states_.begin(), states_.end(), copy.states_.begin());
    copy.log_ = log_;
    copy.marks_ = marks_;
    copy.pages_.assign(pages_.begin(), pages_.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(
                                                            pages_.size(), pages_of(position_))));
    return copy;
}

void KvCache::adopt(KvCache other) {
    const KvCacheOptions options = options_;
    *this = std::move(other);
    options_ = options;
}

Done KvCache::make_room(std::uint64_t n) {
    const auto n_wanted = static_cast<std::size_t>(pages_of(position_ + n));
    const auto first_written = static_cast<std::size_t>(std::max(position_, n_kept_) / kPageTokens);
    std::vector<Page> fresh;  // from first_written on; an empty one stands for a page that stays
    for (std::size_t i = first_written; i < n_wanted; ++i) {
        if (i < pages_.size() && !pages_[i].is_shared()) continue;
        SLUICE_ASSIGN(page,
                      i < pages_.size() ? pages_[i].copy(*budget_) : Page::allocate(*budget_, page_size_));
        fresh.resize(n_wanted - first_written);
        fresh[i - first_written] = std::move(page);
    }
    log_.ids.reserve(n_wanted * kPageTokens);
    log_.roles.reserve(n_wanted * kPageTokens);
    if (fresh.empty()) return Nothing{};
    pages_.resize(std::max(pages_.size(), n_wanted));
    for (std::size_t i = 0; i < fresh.size(); ++i) {
        if (fresh[i].identity() != nullptr) pages_[first_written + i] = std::move(fresh[i]);
    }
    return Nothing{};
}

void KvCache::begin() {
    saved_position_ = position_;
    std::copy(states_.begin(), states_.end(), saved_states_.begin());
}

void KvCache::roll_back() {
    position_ = saved_position_;
    log_.ids.resize(static_cast<std::size_t>(position_));
    log_.roles.resize(static_cast<std::size_t>(position_));
    marks_.drop_after(position_);
    wanted_.clear();
    std::copy(saved_states_.begin(), saved_states_.end(), states_.begin());
}

void KvCache::advance(std::span<const TokenId> ids, TokenRole role) {
    position_ += ids.size();
    log_.ids.insert(log_.ids.end(), ids.begin(), ids.end());
    log_.roles.insert(log_.roles.end(), ids.size(), role);
    const auto passed = std::find_if(wanted_.begin(), wanted_.end(),
                                     [&](const WantedMark& wanted) { return wanted.position > position_; });
    for (auto at = wanted_.begin(); at != passed; ++at) marks_.add(std::move(at->mark), options_.mark_bytes);
    wanted_.erase(wanted_.begin(), passed);
}

Result<Mark> KvCache::make_mark(std::uint64_t position, std::uint64_t serial) const {
    return Marks::make(*budget_, states_size_, position, serial);
}

Done KvCache::mark(std::uint64_t serial) {
    SLUICE_ASSIGN(made, make_mark(position_, serial));
    std::copy(states_.begin(), states_.end(), made.values().begin());
    marks_.add(std::move(made), options_.mark_bytes);
    return Nothing{};
}

void KvCache::want_marks(std::span<const std::uint64_t> positions) {
    wanted_.clear();
    const std::uint64_t most = options_.mark_bytes / std::max<std::uint64_t>(1, states_size_ * sizeof(float));
    const std::size_t count = static_cast<std::size_t>(std::min<std::uint64_t>(most, positions.size()));
    for (const std::uint64_t position : positions.last(count)) {
        if (marks_.has(position)) continue;
        auto made = make_mark(position, 0);
        if (!made) return;
        wanted_.push_back({position, std::move(*made)});
    }
}

Result<TokenLog> KvCache::rewind(std::uint64_t position) {
    if (position > position_) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "position ", position, " is behind the ", position_,
                          " tokens remembered");
    }
    TokenLog again;
    if (position == position_) return again;
    const Mark* mark = marks_.at_or_before(position);
    std::uint64_t first = position > n_tokens_back_ ? position - n_tokens_back_ : 0;
    const bool from_mark = mark != nullptr && mark->position >= first;
    if (from_mark) first = mark->position;
    const auto begin = static_cast<std::ptrdiff_t>(first);
    const auto end = static_cast<std::ptrdiff_t>(position);
    again.ids.assign(log_.ids.begin() + begin, log_.ids.begin() + end);
    again.roles.assign(log_.roles.begin() + begin, log_.roles.begin() + end);
    if (from_mark) {
        const std::span<const float> values = mark->values();
        std::copy(values.begin(), values.end(), states_.begin());
    } else {
        std::fill(states_.begin(), states_.end(), 0.0F);
    }
    position_ = first;
    n_kept_ = position;
    log_.ids.resize(static_cast<std::size_t>(first));
    log_.roles.resize(static_cast<std::size_t>(first));
    marks_.drop_after(position);
    wanted_.clear();
    return again;
}

Done KvCache::clear_rest_of_page() {
    if (position_ % kPageTokens == 0) return Nothing{};
    Page& last = pages_[position_ / kPageTokens];
    if (last.is_shared()) {
        SLUICE_ASSIGN(copy, last.copy(*budget_));
        last = std::move(copy);
    }
    const std::vector<float> zeros(head_size_, 0.0F);
    const auto n_layers = static_cast<std::uint32_t>(n_heads_in_all_ / n_kv_heads_);
    for (std::uint64_t position = position_; position % kPageTokens != 0; ++position) {
        for (std::uint32_t layer = 0; layer < n_layers; ++layer) {
            for (std::uint32_t head = 0; head < n_kv_heads_; ++head) {
                store_key(layer, head, position, zeros.data());
                store_value(layer, head, position, zeros.data());
            }
        }
    }
    return Nothing{};
}

Done KvCache::become(const TokenLog& log) {
    SLUICE_TRY(make_room(log.ids.size()));
    position_ = log.ids.size();
    log_.ids.assign(log.ids.begin(), log.ids.end());  // into the room that was made
    log_.roles.assign(log.roles.begin(), log.roles.end());
    return Nothing{};
}

std::byte* KvCache::keys_at(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t first) const {
    const std::uint64_t head = std::uint64_t{layer} * n_kv_heads_ + kv_head;
    const std::uint64_t tile = (head * kPageTokens + first % kPageTokens) / kKeyTile;
    return pages_[first / kPageTokens].data() + tile * key_tile_size_;
}

std::byte* KvCache::values_at(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t first) const {
    const std::uint64_t head = std::uint64_t{layer} * n_kv_heads_ + kv_head;
    const std::uint64_t tile = (head * kPageTokens + first % kPageTokens) / kKeyTile;
    const std::uint64_t all_keys = n_heads_in_all_ * (kPageTokens / kKeyTile) * key_tile_size_;
    return pages_[first / kPageTokens].data() + all_keys + tile * value_tile_size_;
}

const std::byte* KvCache::key_tiles(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t first) const {
    return keys_at(layer, kv_head, first);
}

const std::byte* KvCache::value_rows(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t first) const {
    return values_at(layer, kv_head, first);
}

void KvCache::store_key(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t position, const float* key) {
    if (position < n_kept_) return;
    std::byte* tile = keys_at(layer, kv_head, position / kKeyTile * kKeyTile);
    sluice::store_key(options_.key_type, head_size_, tile, position % kKeyTile, key);
}

void KvCache::store_value(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t position,
                          const float* value) {
    if (position < n_kept_) return;
    std::byte* tile = values_at(layer, kv_head, position / kKeyTile * kKeyTile);
    sluice::store_value(options_.value_type, head_size_, tile, position % kKeyTile, value);
}

void KvCache::read_keys(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t first, std::size_t count,
                        float* out) const {
    for (std::uint64_t position = first; position < first + count; ++position, out += head_size_) {
        const std::byte* tile = key_tiles(layer, kv_head, position / kKeyTile * kKeyTile);
        read_key(options_.key_type, head_size_, tile, position % kKeyTile, out);
    }
}

void KvCache::read_values(std::uint32_t layer, std::uint32_t kv_head, std::uint64_t first, std::size_t count,
                          float* out) const {
    for (std::uint64_t position = first; position < first + count; ++position, out += head_size_) {
        const std::byte* tile = value_rows(layer, kv_head, position / kKeyTile * kKeyTile);
        read_value(options_.value_type, head_size_, tile, position % kKeyTile, out);
    }
}

std::span<float> KvCache::convolution_state(std::uint32_t layer) {
    return states_.subspan(layer * state_size_, state_size_);
}

}  // namespace sluice
