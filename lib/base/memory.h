// Memory that is planned before work: aligned blocks, charged to the engine's byte budget.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"

namespace sluice {

// Counts what the objects of an engine take. Any thread.
class MemoryBudget {
public:
    explicit MemoryBudget(std::uint64_t limit = 0) : limit_(limit) {}  // 0: none

    // Errors: OUT_OF_MEMORY, naming what asked and both numbers; then nothing is charged.
    Done charge(std::uint64_t size, std::string_view what);
    void give_back(std::uint64_t size) { used_.fetch_sub(size, std::memory_order_relaxed); }

    std::uint64_t limit() const { return limit_; }
    std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }

private:
    const std::uint64_t limit_;
    std::atomic<std::uint64_t> used_ = 0;
};

// A charge for memory that something else allocates. Given back when it ends. Moves, never copies.
class Charge {
public:
    Charge() = default;
    Charge(Charge&& other) noexcept;
    Charge& operator=(Charge&& other) noexcept;
    ~Charge();

    // Errors: OUT_OF_MEMORY.
    static Result<Charge> take(MemoryBudget& budget, std::uint64_t size, std::string_view what);

private:
    MemoryBudget* budget_ = nullptr;  // outlives the charge
    std::uint64_t size_ = 0;
};

// One block of memory, aligned to 64 bytes, zeroed, charged while it lives. Moves, never copies.
class Block {
public:
    Block() = default;
    Block(Block&& other) noexcept;
    Block& operator=(Block&& other) noexcept;
    ~Block();

    // Errors: OUT_OF_MEMORY. size 0 gives an empty block.
    static Result<Block> allocate(MemoryBudget& budget, std::uint64_t size, std::string_view what);

    std::byte* data() { return data_; }
    const std::byte* data() const { return data_; }
    std::uint64_t size() const { return size_; }

private:
    std::byte* data_ = nullptr;
    void* allocation_ = nullptr;  // what data_ lies in
    std::uint64_t size_ = 0;
    MemoryBudget* budget_ = nullptr;  // outlives the block: the engine owns it
};

// Hands out consecutive aligned spans of a block. With a null block it only counts, so the same code
// plans the size and takes the memory.
class Carver {
public:
    explicit Carver(Block* block = nullptr) : block_(block) {}

    // Requires, when there is a block, that the same calls were made before on a counting Carver.
    template <class T>
    std::span<T> take(std::size_t count) {
        std::byte* at = take_bytes(count * sizeof(T));
        return {reinterpret_cast<T*>(at), at == nullptr ? 0 : count};
    }
    std::uint64_t used() const { return used_; }

private:
    std::byte* take_bytes(std::size_t size);
    Block* block_;
    std::uint64_t used_ = 0;
};

}  // namespace sluice
