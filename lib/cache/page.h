// A page of keys and values: shared by caches with the same past, and copied before one of them writes to it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/memory.h"
#include "base/result.h"

namespace sluice {

// One holder's share of a page; a copy is another share of the same memory, which ends with the last one.
// Copies may live on different threads; one of them is used by one thread at a time.
class Page {
public:
    Page() = default;
    Page(const Page& other) : storage_(other.storage_) {
        if (storage_ != nullptr) storage_->n_holders.fetch_add(1, std::memory_order_relaxed);
    }
    Page(Page&& other) noexcept : storage_(std::exchange(other.storage_, nullptr)) {}
    Page& operator=(Page other) noexcept {
        std::swap(storage_, other.storage_);
        return *this;
    }
    ~Page();

    // Zeroed memory. Errors: OUT_OF_MEMORY.
    static Result<Page> allocate(MemoryBudget& budget, std::uint64_t size);
    // The same bytes in memory of its own. Errors: OUT_OF_MEMORY.
    Result<Page> copy(MemoryBudget& budget) const;

    // Nobody else may begin to hold it meanwhile: a page that is not shared is known to its holder alone.
    bool is_shared() const { return storage_->n_holders.load(std::memory_order_acquire) > 1; }
    std::byte* data() const { return storage_->block.data(); }
    std::uint64_t size() const { return storage_->block.size(); }
    // Equal for the shares of one page.
    const void* identity() const { return storage_; }

private:
    struct Storage {
        std::atomic<std::uint32_t> n_holders = 1;
        Block block;
    };
    Storage* storage_ = nullptr;
};

}  // namespace sluice
