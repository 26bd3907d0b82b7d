// The table of merges: sorted rows, binary search.
#include "text/merge_table.h"

#include <algorithm>
#include <tuple>

namespace sluice {

void MergeTable::finish(std::size_t n_tokens) {
    std::sort(merges_.begin(), merges_.end(), [](const Entry& a, const Entry& b) {
        return std::tie(a.left, a.right, a.merge.rank) < std::tie(b.left, b.right, b.merge.rank);
    });
    starts_.assign(n_tokens + 1, 0);
    for (const Entry& entry : merges_) ++starts_[static_cast<std::size_t>(entry.left) + 1];
    for (std::size_t i = 1; i <= n_tokens; ++i) starts_[i] += starts_[i - 1];
}

MergeTable::Merge MergeTable::find(TokenId left, TokenId right) const {
    const auto row = static_cast<std::size_t>(left);
    const auto first = merges_.begin() + starts_[row];
    const auto last = merges_.begin() + starts_[row + 1];
    const auto found = std::lower_bound(
        first, last, right, [](const Entry& entry, TokenId wanted) { return entry.right < wanted; });
    return found != last && found->right == right ? found->merge : Merge{};
}

}  // namespace sluice
