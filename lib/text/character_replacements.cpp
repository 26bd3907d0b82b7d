#include "text/character_replacements.h"

#include <algorithm>

#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice {
namespace {

// Real tables have sequences of at most 18 bytes; a longer path through the trie is a circle.
constexpr std::size_t kMaxSequence = 256;

std::uint32_t little_endian(std::string_view bytes) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        value |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    }
    return value;
}

// A unit's fields (Darts-clone, darts.h, class DoubleArrayUnit): bit 8 says that a value hangs on the node, the
// low byte with bit 31 is the label that led here, the rest is the offset of the children, scaled by bit 9.
bool has_value(std::uint32_t unit) {
    return (unit >> 8 & 1) != 0;
}
std::uint32_t label_of(std::uint32_t unit) {
    return unit & 0x800000FFu;
}
std::uint32_t offset_of(std::uint32_t unit) {
    return unit >> 10 << ((unit & 1u << 9) >> 6);
}
std::uint32_t value_of(std::uint32_t unit) {
    return unit & 0x7FFFFFFFu;
}

}  // namespace

Result<CharacterReplacements> CharacterReplacements::read(std::string_view table) {
    CharacterReplacements result;
    if (table.empty()) return result;
    const std::uint32_t trie_size = table.size() < 4 ? 0 : little_endian(table);
    if (trie_size == 0 || trie_size % 4 != 0 || trie_size > table.size() - 4) {
        return make_error(SLUICE_E_CORRUPT, "a table of character replacements of ", table.size(),
                          " bytes claims a trie of ", trie_size);
    }
    result.units_.resize(trie_size / 4);
    for (std::size_t i = 0; i < result.units_.size(); ++i) {
        result.units_[i] = little_endian(table.substr(4 + 4 * i, 4));
    }
    result.replacements_ = table.substr(4 + trie_size);
    return result;
}

std::string_view CharacterReplacements::replacement_at(std::uint32_t offset) const {
    if (offset >= replacements_.size()) return {};
    const std::string_view rest = std::string_view(replacements_).substr(offset);
    return rest.substr(0, rest.find('\0'));
}

CharacterReplacements::Match CharacterReplacements::longest(std::string_view text) const {
    Match match;
    if (units_.empty()) return match;
    std::uint32_t node = offset_of(units_[0]);
    const std::size_t furthest = std::min(text.size(), kMaxSequence);
    for (std::size_t i = 0; i < furthest; ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        node ^= byte;
        if (node >= units_.size() || label_of(units_[node]) != byte) return match;
        const bool ends_here = has_value(units_[node]);
        node ^= offset_of(units_[node]);
        if (!ends_here || node >= units_.size()) continue;
        match = {i + 1, replacement_at(value_of(units_[node]))};
    }
    return match;
}

std::string CharacterReplacements::apply(std::string_view text) const {
    if (units_.empty()) return std::string(text);
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const Match match = longest(text.substr(at));
        if (match.size > 0) {
            out += match.replacement;
            at += match.size;
            continue;
        }
        const std::uint32_t size = code_point_at(text, at).size;
        out += text.substr(at, size);
        at += size;
    }
    return out;
}

}  // namespace sluice
