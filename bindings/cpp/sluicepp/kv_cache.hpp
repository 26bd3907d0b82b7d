// The memory of a conversation.
#pragma once

#include <sluice/sluice.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base.hpp"
#include "model.hpp"

namespace sluicepp {

// Everything a conversation remembers. One thread at a time: that of the session which holds it.
class KvCache : public detail::Owner<sluice_kv_cache, sluice_kv_cache_destroy> {
public:
    // Throws as sluice_kv_cache_create.
    explicit KvCache(const Model& model,
                     const sluice_kv_cache_options& options = sized<sluice_kv_cache_options>())
        : Owner(made<sluice_kv_cache>(sluice_kv_cache_create, model.get(), &options)) {}

    sluice_kv_cache_info describe() const {
        return filled<sluice_kv_cache_info>(sluice_kv_cache_describe, get());
    }

    // Takes the memory of the next n_tokens tokens now. Throws as sluice_kv_cache_reserve.
    void reserve(std::uint64_t n_tokens) { check(sluice_kv_cache_reserve, get(), n_tokens); }

    // Gives back what is not needed; the bytes that are left. See sluice_kv_cache_trim.
    std::uint64_t trim(std::uint64_t most_bytes = 0) {
        std::uint64_t size = 0;
        check(sluice_kv_cache_trim, get(), most_bytes, &size);
        return size;
    }

    // The tokens remembered, oldest first.
    std::vector<TokenId> tokens() const {
        return collected<std::vector<TokenId>>(static_cast<std::size_t>(position()), sluice_kv_cache_tokens,
                                               get());
    }

    // Another cache with the same past; memory is shared until one of them writes.
    KvCache fork() const { return KvCache(made<sluice_kv_cache>(sluice_kv_cache_fork, get())); }

    // A place to go back to. Throws as sluice_kv_cache_mark, _unmark and _rewind.
    std::uint64_t mark() {
        std::uint64_t mark = 0;
        check(sluice_kv_cache_mark, get(), &mark);
        return mark;
    }
    void unmark(std::uint64_t mark) { check(sluice_kv_cache_unmark, get(), mark); }
    void rewind(std::uint64_t mark) { check(sluice_kv_cache_rewind, get(), mark); }

    // To a file and back. Throws as sluice_kv_cache_save and _load.
    void save(std::string_view path) const { check(sluice_kv_cache_save, get(), path.data(), path.size()); }
    void load(std::string_view path) { check(sluice_kv_cache_load, get(), path.data(), path.size()); }

    // Tokens remembered.
    std::uint64_t position() const noexcept { return sluice_kv_cache_position(get()); }

    // Forgets everything. A cache that a session holds is reset by Session::reset; here it is refused.
    void reset() { check(sluice_kv_cache_reset, get()); }

private:
    explicit KvCache(sluice_kv_cache* cache) : Owner(cache) {}
};

}  // namespace sluicepp
