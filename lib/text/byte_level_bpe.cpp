// Byte-level BPE: a piece starts as one token per byte; the best-ranked pair, leftmost first, becomes one
// token until none is left. A heap of pairs over a linked list keeps it at n log n for a piece of n bytes.
#include "text/byte_level_bpe.h"

#include <algorithm>
#include <array>
#include <functional>

#include "base/sentence.h"
#include "base/utf8.h"
#include "text/byte_level.h"
#include "text/merge_table.h"
#include "text/pre_tokenizer.h"

namespace sluice {
namespace {

// The tokens of one piece while they are merged. Kept from piece to piece for its memory.
struct Workspace {
    static constexpr std::uint32_t kEnd = MergeTable::kNone;
    struct Symbol {
        TokenId id;
        std::uint32_t previous;
        std::uint32_t next;
        std::uint32_t rank;  // of merging with the next one; kNone also when this one is gone
    };
    std::vector<Symbol> symbols;
    std::vector<std::uint64_t> heap;  // rank above, position below: the smallest is merged first
};

class ByteLevelBpe final : public Tokenizer {
public:
    Done load(const Vocabulary& vocabulary);

protected:
    Done encode_plain(std::string_view text, std::vector<TokenId>& ids) const override;

private:
    Done load_merges(const Vocabulary& vocabulary);
    Done encode_piece(std::string_view piece, std::size_t offset, Workspace& work,
                      std::vector<TokenId>& ids) const;
    void rank_pair(std::uint32_t position, Workspace& work) const;
    void merge_all(Workspace& work) const;

    TokenIndex mergeable_;  // what may come out of merges
    std::array<TokenId, 256> byte_tokens_{};
    MergeTable merges_;
    bool ignore_merges_ = true;
};

Result<std::string> bytes_of(const VocabularyToken& token, std::size_t id) {
    if (token.kind == TokenKind::kByte) {
        const auto byte = byte_of_fallback(token.text);
        if (!byte) {
            return make_error(SLUICE_E_CORRUPT, "byte token ", id, " is spelled '", printable(token.text),
                              "', not like '<0x0A>'");
        }
        return std::string(1, static_cast<char>(*byte));
    }
    // Special tokens are spelled as in text.
    if (token.kind == TokenKind::kControl || token.kind == TokenKind::kUserDefined) return token.text;
    return bytes_of_letters(token.text).value_or(token.text);
}

Done ByteLevelBpe::load(const Vocabulary& vocabulary) {
    if (vocabulary.pre_tokenizer != "lfm2") {
        return make_error(SLUICE_E_UNSUPPORTED, "the pre-tokenizer '", printable(vocabulary.pre_tokenizer),
                          "' is not the LFM2 family's 'lfm2'");
    }
    std::vector<std::string> bytes;
    bytes.reserve(vocabulary.tokens.size());
    for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
        SLUICE_ASSIGN(spelled, bytes_of(vocabulary.tokens[id], id));
        bytes.push_back(std::move(spelled));
    }
    SLUICE_TRY(initialise(vocabulary, std::move(bytes)));

    std::vector<TokenId> mergeable;
    std::array<TokenId, 256> fallback;
    byte_tokens_.fill(kNoToken);
    fallback.fill(kNoToken);
    for (std::size_t i = 0; i < size(); ++i) {
        const auto id = static_cast<TokenId>(i);
        const TokenKind token_is = vocabulary.tokens[i].kind;
        if (token_is == TokenKind::kNormal) mergeable.push_back(id);
        const std::string& spelled = token_bytes()[i];
        if (spelled.size() != 1) continue;
        const auto byte = static_cast<unsigned char>(spelled[0]);
        if (token_is == TokenKind::kNormal && byte_tokens_[byte] == kNoToken) byte_tokens_[byte] = id;
        const bool falls_back =
            (token_is == TokenKind::kByte && vocabulary.byte_fallback) || token_is == TokenKind::kUserDefined;
        if (falls_back && fallback[byte] == kNoToken) fallback[byte] = id;
    }
    for (std::size_t byte = 0; byte < 256; ++byte) {
        if (byte_tokens_[byte] == kNoToken) byte_tokens_[byte] = fallback[byte];
    }
    mergeable_ = TokenIndex(token_bytes(), mergeable);
    ignore_merges_ = vocabulary.ignore_merges;
    return load_merges(vocabulary);
}

Done ByteLevelBpe::load_merges(const Vocabulary& vocabulary) {
    const auto find_token = [this](const std::string& bytes) {
        return bytes.size() == 1 ? byte_tokens_[static_cast<unsigned char>(bytes[0])] : mergeable_.find(bytes);
    };
    for (std::size_t rank = 0; rank < vocabulary.merges.size(); ++rank) {
        const auto& [left, right] = vocabulary.merges[rank];
        if (left.empty() || right.empty()) {
            return make_error(SLUICE_E_CORRUPT, "merge ", rank, " has an empty ",
                              left.empty() ? "left" : "right", " part");
        }
        const auto left_bytes = bytes_of_letters(left);
        const auto right_bytes = bytes_of_letters(right);
        if (!left_bytes || !right_bytes) continue;
        const TokenId left_id = find_token(*left_bytes);
        const TokenId right_id = find_token(*right_bytes);
        const TokenId result = mergeable_.find(*left_bytes + *right_bytes);
        if (left_id == kNoToken || right_id == kNoToken || result == kNoToken) continue;
        merges_.add(left_id, right_id, static_cast<std::uint32_t>(rank), result);
    }
    merges_.finish(size());
    return Nothing{};
}

Done ByteLevelBpe::encode_plain(std::string_view text, std::vector<TokenId>& ids) const {
    Workspace work;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = piece_end(text, begin);
        SLUICE_TRY(encode_piece(text.substr(begin, end - begin), begin, work, ids));
        begin = end;
    }
    return Nothing{};
}

Done ByteLevelBpe::encode_piece(std::string_view piece, std::size_t offset, Workspace& work,
                                std::vector<TokenId>& ids) const {
    if (ignore_merges_ || piece.size() == 1) {
        const TokenId whole = mergeable_.find(piece);
        if (whole != kNoToken) {
            ids.push_back(whole);
            return Nothing{};
        }
    }
    auto& symbols = work.symbols;
    symbols.clear();
    for (std::size_t i = 0; i < piece.size(); ++i) {
        const auto byte = static_cast<unsigned char>(piece[i]);
        const TokenId id = byte_tokens_[byte];
        if (id == kNoToken) {
            return Error{SLUICE_E_NOT_FOUND,
                         sentence("the vocabulary has no token for byte ", static_cast<int>(byte)),
                         static_cast<std::int64_t>(offset + i)};
        }
        const auto position = static_cast<std::uint32_t>(i);
        symbols.push_back({id, position - 1, position + 1, MergeTable::kNone});
    }
    symbols.front().previous = Workspace::kEnd;
    symbols.back().next = Workspace::kEnd;
    merge_all(work);
    for (std::uint32_t at = 0; at != Workspace::kEnd; at = symbols[at].next) ids.push_back(symbols[at].id);
    return Nothing{};
}

void ByteLevelBpe::rank_pair(std::uint32_t position, Workspace& work) const {
    Workspace::Symbol& symbol = work.symbols[position];
    symbol.rank = symbol.next == Workspace::kEnd ? MergeTable::kNone
                                                 : merges_.find(symbol.id, work.symbols[symbol.next].id).rank;
    if (symbol.rank != MergeTable::kNone) {
        work.heap.push_back(static_cast<std::uint64_t>(symbol.rank) << 32 | position);
    }
}

void ByteLevelBpe::merge_all(Workspace& work) const {
    auto& symbols = work.symbols;
    auto& heap = work.heap;
    const std::greater<> smallest_first;
    heap.clear();
    for (std::uint32_t i = 0; i < symbols.size(); ++i) rank_pair(i, work);
    std::make_heap(heap.begin(), heap.end(), smallest_first);
    const auto push_pair = [&](std::uint32_t position) {
        const std::size_t size_before = heap.size();
        rank_pair(position, work);
        if (heap.size() > size_before) std::push_heap(heap.begin(), heap.end(), smallest_first);
    };
    while (!heap.empty()) {
        const std::uint64_t top = heap.front();
        std::pop_heap(heap.begin(), heap.end(), smallest_first);
        heap.pop_back();
        const auto position = static_cast<std::uint32_t>(top);
        Workspace::Symbol& left = symbols[position];
        // A rank names one pair of tokens, so an entry of another rank is of a pair that is gone.
        if (left.rank != static_cast<std::uint32_t>(top >> 32)) continue;
        Workspace::Symbol& right = symbols[left.next];
        left.id = merges_.find(left.id, right.id).result;
        left.next = right.next;
        right.rank = MergeTable::kNone;
        if (left.next != Workspace::kEnd) symbols[left.next].previous = position;
        push_pair(position);
        if (left.previous != Workspace::kEnd) push_pair(left.previous);
    }
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> make_byte_level_bpe(const Vocabulary& vocabulary) {
    auto tokenizer = std::make_shared<ByteLevelBpe>();
    SLUICE_TRY(tokenizer->load(vocabulary));
    return std::shared_ptr<const Tokenizer>(std::move(tokenizer));
}

}  // namespace sluice
