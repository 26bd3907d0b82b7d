// The table of tensors and the check that no two of them share bytes.
#include "model/tensor_table.h"

#include <algorithm>

#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice {

Done TensorTable::add(TensorEntry entry) {
    const auto [place, is_new] = by_name_.emplace(entry.name, entries_.size());
    if (!is_new) {
        return error_at(entry.header_offset, SLUICE_E_CORRUPT, "tensor ", printable(entry.name),
                        " is described twice");
    }
    entries_.push_back(std::move(entry));
    return Nothing{};
}

const TensorEntry* TensorTable::find(std::string_view name) const {
    const auto found = by_name_.find(std::string(name));
    return found == by_name_.end() ? nullptr : &entries_[found->second];
}

std::string shape_text(std::span<const std::uint64_t> dimensions) {
    if (dimensions.empty()) return "scalar";
    std::string text;
    for (const std::uint64_t dimension : dimensions) {
        if (!text.empty()) text += 'x';
        append_piece(text, dimension);
    }
    return text;
}

Done check_no_overlap(std::span<const TensorEntry> entries) {
    std::vector<const TensorEntry*> order;
    order.reserve(entries.size());
    for (const TensorEntry& entry : entries) {
        if (entry.size > 0) order.push_back(&entry);
    }
    std::sort(order.begin(), order.end(),
              [](const TensorEntry* a, const TensorEntry* b) { return a->offset < b->offset; });
    for (std::size_t i = 1; i < order.size(); ++i) {
        const TensorEntry& before = *order[i - 1];
        const TensorEntry& here = *order[i];
        if (here.offset - before.offset >= before.size) continue;
        return error_at(here.header_offset, SLUICE_E_CORRUPT, "tensor ", printable(here.name), " at ",
                        here.offset, " overlaps tensor ", printable(before.name), " of ", before.size,
                        " bytes at ", before.offset);
    }
    return Nothing{};
}

}  // namespace sluice
