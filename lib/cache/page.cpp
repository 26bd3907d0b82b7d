#include "cache/page.h"

#include <cstring>
#include <memory>

namespace sluice {

Page::~Page() {
    // What this holder read or wrote must have happened before another one writes, or frees.
    if (storage_ != nullptr && storage_->n_holders.fetch_sub(1, std::memory_order_acq_rel) == 1)
        delete storage_;
}

Result<Page> Page::allocate(MemoryBudget& budget, std::uint64_t size) {
    auto storage = std::make_unique<Storage>();
    SLUICE_ASSIGN(block, Block::allocate(budget, size, "a page of the KV cache"));
    storage->block = std::move(block);
    Page page;
    page.storage_ = storage.release();
    return page;
}

Result<Page> Page::copy(MemoryBudget& budget) const {
    SLUICE_ASSIGN(page, allocate(budget, size()));
    std::memcpy(page.data(), data(), static_cast<std::size_t>(size()));
    return page;
}

}  // namespace sluice
