// Places that a cache can go back to at once: copies of what the short convolutions remember there.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/memory.h"
#include "base/result.h"

namespace sluice {

struct Mark {
    std::uint64_t position = 0;
    std::uint64_t serial = 0;  // the caller's name for it; 0: made by itself, and given up when there are many
    std::shared_ptr<Block> state;

    std::span<float> values() const {
        return {reinterpret_cast<float*>(state->data()),
                static_cast<std::size_t>(state->size() / sizeof(float))};
    }
};

// Sorted by position. Copies share the states, which do not change once they are filled.
class Marks {
public:
    // A mark with room for `n_floats`. Errors: OUT_OF_MEMORY.
    static Result<Mark> make(MemoryBudget& budget, std::uint64_t n_floats, std::uint64_t position,
                             std::uint64_t serial);

    // Keeps a filled mark. Those made by themselves are thinned out to `most_bytes`: the one whose neighbours
    // are closest goes first, but never the one that was added. A second one at a position is not kept.
    void add(Mark mark, std::uint64_t most_bytes);

    const Mark* find(std::uint64_t serial) const;            // null: none has this serial
    const Mark* at_or_before(std::uint64_t position) const;  // null: none
    bool has(std::uint64_t position) const;

    // Gives up the one with this serial. False if there is none.
    bool remove(std::uint64_t serial);
    void drop_after(std::uint64_t position);
    void drop_automatic();
    void clear() { marks_.clear(); }

    std::uint64_t size() const;  // bytes
    std::span<const Mark> all() const { return marks_; }

private:
    std::uint64_t automatic_size() const;
    void thin_out(std::uint64_t most_bytes, std::uint64_t added);

    std::vector<Mark> marks_;
};

}  // namespace sluice
