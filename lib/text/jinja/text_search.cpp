// Knuth, Morris and Pratt, "Fast pattern matching in strings" (1977), for all but short texts.
#include "text/jinja/text_search.h"

#include <cstdint>

namespace sluice::jinja {
namespace {

// Below this the search of the standard library, which may look at every byte that often, is faster.
constexpr std::size_t kShort = 8;

}  // namespace

std::size_t find_text(std::string_view text, std::string_view wanted, std::size_t from) {
    if (wanted.size() <= kShort) return text.find(wanted, from);
    if (from > text.size() || text.size() - from < wanted.size()) return std::string_view::npos;
    // border[i]: how long a beginning of `wanted` ends at i, not counting itself.
    std::vector<std::uint32_t> border(wanted.size(), 0);
    std::uint32_t matched = 0;
    for (std::size_t i = 1; i < wanted.size(); ++i) {
        while (matched > 0 && wanted[i] != wanted[matched]) matched = border[matched - 1];
        if (wanted[i] == wanted[matched]) ++matched;
        border[i] = matched;
    }
    matched = 0;
    for (std::size_t i = from; i < text.size(); ++i) {
        while (matched > 0 && text[i] != wanted[matched]) matched = border[matched - 1];
        if (text[i] == wanted[matched]) ++matched;
        if (matched == wanted.size()) return i + 1 - matched;
    }
    return std::string_view::npos;
}

std::size_t find_last_text(std::string_view text, std::string_view wanted) {
    if (wanted.size() <= kShort) return text.rfind(wanted);
    const std::string backwards(text.rbegin(), text.rend());
    const std::string wanted_backwards(wanted.rbegin(), wanted.rend());
    const std::size_t at = find_text(backwards, wanted_backwards);
    return at == std::string_view::npos ? at : text.size() - at - wanted.size();
}

}  // namespace sluice::jinja
