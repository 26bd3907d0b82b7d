// The sorted list of tokens with a table over the first two bytes in front.
#include "text/token_index.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr std::size_t kHeads = std::size_t{256} * 256;

std::size_t byte_at(std::string_view text, std::size_t position) {
    return static_cast<unsigned char>(text[position]);
}

// Orders as the texts do; one byte alone counts as followed by zero, which sorts it no later.
std::size_t head(std::string_view text) {
    return byte_at(text, 0) * 256 + (text.size() > 1 ? byte_at(text, 1) : 0);
}

}  // namespace

TokenIndex::TokenIndex(const std::vector<std::string>& bytes, const std::vector<TokenId>& ids) {
    entries_.reserve(ids.size());
    for (const TokenId id : ids) {
        const std::string& token = bytes[static_cast<std::size_t>(id)];
        if (!token.empty()) entries_.push_back({token.data(), static_cast<std::uint32_t>(token.size()), id});
    }
    if (entries_.empty()) return;
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
        const int order = a.text().compare(b.text());
        return order != 0 ? order < 0 : a.id < b.id;
    });
    const auto same = [](const Entry& a, const Entry& b) { return a.text() == b.text(); };
    entries_.erase(std::unique(entries_.begin(), entries_.end(), same), entries_.end());

    starts_.assign(kHeads + 1, 0);
    for (const Entry& entry : entries_) {
        ++starts_[head(entry.text()) + 1];
        max_size_ = std::max<std::size_t>(max_size_, entry.size);
    }
    for (std::size_t i = 1; i <= kHeads; ++i) starts_[i] += starts_[i - 1];
}

TokenId TokenIndex::find(std::string_view token) const {
    if (token.empty() || token.size() > max_size_) return kNoToken;
    const std::size_t bucket = head(token);
    const auto first = entries_.begin() + starts_[bucket];
    const auto last = entries_.begin() + starts_[bucket + 1];
    const auto found = std::lower_bound(
        first, last, token, [](const Entry& entry, std::string_view text) { return entry.text() < text; });
    return found != last && found->text() == token ? found->id : kNoToken;
}

TokenIndex::Match TokenIndex::longest(std::string_view text, std::size_t position) const {
    if (entries_.empty()) return {};
    const std::size_t first_byte = byte_at(text, position);
    auto low = entries_.begin() + starts_[first_byte * 256];
    auto high = entries_.begin() + starts_[(first_byte + 1) * 256];
    Match match;
    // All of [low, high) begin with the first `depth` bytes at position.
    for (std::size_t depth = 1; low != high; ++depth) {
        if (low->size == depth) {
            match = {low->id, depth};
            ++low;
        }
        if (position + depth >= text.size()) break;
        const std::size_t wanted = byte_at(text, position + depth);
        const auto before = [depth](const Entry& entry, std::size_t byte) {
            return byte_at(entry.text(), depth) < byte;
        };
        const auto after = [depth](std::size_t byte, const Entry& entry) {
            return byte < byte_at(entry.text(), depth);
        };
        low = std::lower_bound(low, high, wanted, before);
        high = std::upper_bound(low, high, wanted, after);
    }
    return match;
}

}  // namespace sluice
