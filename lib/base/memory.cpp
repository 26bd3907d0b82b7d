// Aligned blocks from the system's allocator; a refusal is an Error, never an exception.
#include "base/memory.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/checked.h"
#include "base/sentence.h"

namespace sluice {
namespace {

// A cache line, and the width of the widest vector register.
constexpr std::uint64_t kAlignment = 64;

}  // namespace

Done MemoryBudget::charge(std::uint64_t size, std::string_view what) {
    std::uint64_t used = used_.load(std::memory_order_relaxed);
    do {
        const auto sum = checked_add(used, size);
        if (!sum || (limit_ != 0 && *sum > limit_)) {
            return make_error(SLUICE_E_OUT_OF_MEMORY, what, " needs ", size, " bytes, and ", used,
                              " of the budget of ", limit_, " are taken");
        }
        if (used_.compare_exchange_weak(used, *sum, std::memory_order_relaxed)) return Nothing{};
    } while (true);
}

Charge::Charge(Charge&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Charge& Charge::operator=(Charge&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(size_, other.size_);
    return *this;
}

Charge::~Charge() {
    if (budget_ != nullptr) budget_->give_back(size_);
}

Result<Charge> Charge::take(MemoryBudget& budget, std::uint64_t size, std::string_view what) {
    SLUICE_TRY(budget.charge(size, what));
    Charge charge;
    charge.budget_ = &budget;
    charge.size_ = size;
    return charge;
}

Block::Block(Block&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      allocation_(std::exchange(other.allocation_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      budget_(std::exchange(other.budget_, nullptr)) {}

Block& Block::operator=(Block&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(allocation_, other.allocation_);
    std::swap(size_, other.size_);
    std::swap(budget_, other.budget_);
    return *this;
}

Block::~Block() {
    std::free(allocation_);
    if (budget_ != nullptr) budget_->give_back(size_);
}

Result<Block> Block::allocate(MemoryBudget& budget, std::uint64_t size, std::string_view what) {
    Block block;
    if (size == 0) return block;
    const auto raised = checked_add(size, kAlignment);
    const auto bytes = raised ? checked_cast<std::size_t>(*raised) : std::nullopt;
    if (!bytes)
        return make_error(SLUICE_E_OUT_OF_MEMORY, what, " needs ", size, " bytes, more than there can be");
    SLUICE_TRY(budget.charge(size, what));
    // Set at once, so that the destructor gives the charge back when the system refuses.
    block.budget_ = &budget;
    block.size_ = size;
    // calloc and not an aligned allocation with memset: pages that are never used are then never touched.
    block.allocation_ = std::calloc(*bytes, 1);
    if (block.allocation_ == nullptr) {
        return make_error(SLUICE_E_OUT_OF_MEMORY, what, " needs ", size, " bytes, which the system refuses");
    }
    const auto address = reinterpret_cast<std::uintptr_t>(block.allocation_);
    block.data_ = static_cast<std::byte*>(block.allocation_) + (kAlignment - address % kAlignment) % kAlignment;
    return block;
}

std::byte* Carver::take_bytes(std::size_t size) {
    const std::uint64_t at = used_;
    used_ += (static_cast<std::uint64_t>(size) + kAlignment - 1) & ~(kAlignment - 1);
    return block_ == nullptr ? nullptr : block_->data() + at;
}

}  // namespace sluice
