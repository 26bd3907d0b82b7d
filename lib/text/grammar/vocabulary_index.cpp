// Sorting a vocabulary into slices.
#include "text/grammar/vocabulary_index.h"

#include <algorithm>

#include "base/utf8.h"

namespace sluice::grammar {
namespace {

// Lengths in characters that part the slices. Most tokens have up to 8; a bounded string allows the slices that
// fit what is left of it.
constexpr std::array<std::size_t, 3> kSliceLimits{4, 12, 40};

bool is_left_out(const Tokenizer& tokenizer, TokenId id) {
    const TokenKind kind = tokenizer.token_kind(id);
    if (kind == TokenKind::kUserDefined) return tokenizer.kind() == VocabularyKind::kByteLevelBpe;
    return kind == TokenKind::kControl || kind == TokenKind::kUnused || kind == TokenKind::kUnknown;
}

}  // namespace

std::size_t count_plain_characters(std::string_view text) {
    std::size_t n = 0;
    for (std::size_t position = 0; position < text.size(); ++n) {
        const CodePoint point = code_point_at(text, position);
        if (!point.valid || point.code < 0x20 || point.code == '"' || point.code == '\\') return 0;
        position += point.size;
    }
    return n;
}

VocabularyIndex::VocabularyIndex(const Tokenizer& tokenizer) : n_tokens_(tokenizer.size()) {
    stop_tokens_.assign(tokenizer.stop_tokens().begin(), tokenizer.stop_tokens().end());
    bytes_.resize(n_tokens_);
    std::vector<std::vector<TokenTrie::Entry>> entries(kSliceLimits.size() + 1);
    slices_.resize(entries.size());
    for (std::size_t i = 0; i < n_tokens_; ++i) {
        const auto id = static_cast<TokenId>(i);
        if (is_left_out(tokenizer, id)) continue;
        bytes_[i] = tokenizer.bytes(id);
        if (bytes_[i].empty()) continue;
        const std::size_t n = count_plain_characters(bytes_[i]);
        std::size_t which = kSliceLimits.size();
        for (std::size_t s = kSliceLimits.size(); s > 0; --s) {
            if (n > 0 && n <= kSliceLimits[s - 1]) which = s - 1;
        }
        entries[which].push_back({bytes_[i], id});
    }
    for (std::size_t s = 0; s < entries.size(); ++s) {
        Slice& slice = slices_[s];
        slice.max_characters = s < kSliceLimits.size() ? kSliceLimits[s] : 0;
        slice.words.assign(n_words(), 0);
        slice.n_tokens = entries[s].size();
        for (const TokenTrie::Entry& entry : entries[s]) {
            const auto i = static_cast<std::size_t>(entry.id);
            slice.words[i / 64] |= std::uint64_t{1} << (i % 64);
        }
        slice.trie = TokenTrie::build(std::move(entries[s]));
        max_depth_ = std::max(max_depth_, slice.trie.max_depth());
    }
}

std::string_view VocabularyIndex::bytes(TokenId id) const {
    const auto i = static_cast<std::size_t>(id);
    return id >= 0 && i < bytes_.size() ? std::string_view(bytes_[i]) : std::string_view();
}

std::size_t VocabularyIndex::memory() const {
    std::size_t sum = 0;
    for (const std::string& text : bytes_) sum += sizeof text + (text.size() > 15 ? text.capacity() : 0);
    for (const Slice& slice : slices_) sum += slice.words.capacity() * 8 + slice.trie.memory();
    return sum;
}

}  // namespace sluice::grammar
