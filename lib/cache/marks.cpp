#include "cache/marks.h"

#include <algorithm>
#include <iterator>

namespace sluice {
namespace {

bool is_before(const Mark& mark, std::uint64_t position) {
    return mark.position < position;
}

}  // namespace

Result<Mark> Marks::make(MemoryBudget& budget, std::uint64_t n_floats, std::uint64_t position,
                         std::uint64_t serial) {
    SLUICE_ASSIGN(block, Block::allocate(budget, n_floats * sizeof(float), "a mark of the KV cache"));
    return Mark{position, serial, std::make_shared<Block>(std::move(block))};
}

void Marks::add(Mark mark, std::uint64_t most_bytes) {
    const bool is_automatic = mark.serial == 0;
    if (is_automatic && has(mark.position)) return;
    const std::uint64_t position = mark.position;
    marks_.insert(std::lower_bound(marks_.begin(), marks_.end(), position, is_before), std::move(mark));
    if (is_automatic) thin_out(most_bytes, position);
}

const Mark* Marks::find(std::uint64_t serial) const {
    const auto found = std::find_if(marks_.begin(), marks_.end(),
                                    [&](const Mark& mark) { return mark.serial == serial && serial != 0; });
    return found == marks_.end() ? nullptr : &*found;
}

const Mark* Marks::at_or_before(std::uint64_t position) const {
    const auto after = std::lower_bound(marks_.begin(), marks_.end(), position + 1, is_before);
    return after == marks_.begin() ? nullptr : &*std::prev(after);
}

bool Marks::has(std::uint64_t position) const {
    const Mark* mark = at_or_before(position);
    return mark != nullptr && mark->position == position;
}

bool Marks::remove(std::uint64_t serial) {
    return std::erase_if(marks_, [&](const Mark& mark) { return mark.serial == serial && serial != 0; }) > 0;
}

void Marks::drop_after(std::uint64_t position) {
    std::erase_if(marks_, [&](const Mark& mark) { return mark.position > position; });
}

void Marks::drop_automatic() {
    std::erase_if(marks_, [](const Mark& mark) { return mark.serial == 0; });
}

std::uint64_t Marks::size() const {
    std::uint64_t sum = 0;
    for (const Mark& mark : marks_) sum += mark.state->size();
    return sum;
}

std::uint64_t Marks::automatic_size() const {
    std::uint64_t sum = 0;
    for (const Mark& mark : marks_) sum += mark.serial == 0 ? mark.state->size() : 0;
    return sum;
}

void Marks::thin_out(std::uint64_t most_bytes, std::uint64_t added) {
    while (automatic_size() > most_bytes) {
        std::size_t closest = marks_.size();
        std::uint64_t least_gap = 0;
        for (std::size_t i = 0; i < marks_.size(); ++i) {
            if (marks_[i].serial != 0 || marks_[i].position == added) continue;
            const std::uint64_t before = i == 0 ? 0 : marks_[i - 1].position;
            const std::uint64_t after = i + 1 == marks_.size() ? marks_[i].position : marks_[i + 1].position;
            if (closest == marks_.size() || after - before < least_gap) {
                closest = i;
                least_gap = after - before;
            }
        }
        if (closest == marks_.size()) return;
        marks_.erase(marks_.begin() + static_cast<std::ptrdiff_t>(closest));
    }
}

}  // namespace sluice
