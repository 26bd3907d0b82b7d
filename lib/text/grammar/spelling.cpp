// Ranges of characters as paths of bytes. A range of numbers that are written with the same count of digits is
// split at the digits where the first and the last number differ; this serves UTF-8 and hexadecimal escapes.
#include "text/grammar/spelling.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace sluice::grammar {
namespace {

constexpr std::uint32_t kFirstHighSurrogate = 0xD800;
constexpr std::uint32_t kFirstLowSurrogate = 0xDC00;
constexpr std::uint32_t kPairBase = 0x10000;

struct Utf8Bytes {
    static constexpr std::uint32_t kNumber = 0;
    static constexpr std::uint8_t kLowest = 0x80;
    static constexpr std::uint8_t kHighest = 0xBF;
    static void add(AutomatonBuilder& builder, StateId from, std::uint8_t first, std::uint8_t last,
                    StateId to) {
        builder.add_bytes(from, first, last, to);
    }
};

struct HexDigits {
    static constexpr std::uint32_t kNumber = 1;
    static constexpr std::uint8_t kLowest = 0;
    static constexpr std::uint8_t kHighest = 15;
    static void add(AutomatonBuilder& builder, StateId from, std::uint8_t first, std::uint8_t last,
                    StateId to) {
        const auto part = [&](int low, int high, int letter) {
            const int begin = std::max<int>(first, low);
            const int end = std::min<int>(last, high);
            if (begin > end) return;
            builder.add_bytes(from, static_cast<std::uint8_t>(letter + begin - low),
                              static_cast<std::uint8_t>(letter + end - low), to);
        };
        part(0, 9, '0');
        part(10, 15, 'a');
        part(10, 15, 'A');
    }
};

struct ShortEscape {
    char letter;
    std::uint32_t code;
};
constexpr std::array<ShortEscape, 5> kControlEscapes{{{'b', 8}, {'t', 9}, {'n', 10}, {'f', 12}, {'r', 13}}};

}  // namespace

// The state from which any n digits lead to `to`.
template <class Alphabet>
StateId Speller::any(const Alphabet& alphabet, std::size_t n, StateId to) {
    if (n == 0) return to;
    const auto key = std::make_pair(static_cast<std::uint32_t>(Alphabet::kNumber * 8 + n), to);
    const auto known = rests_.find(key);
    if (known != rests_.end()) return known->second;
    const StateId rest = any(alphabet, n - 1, to);
    const StateId state = builder_.add_state();
    Alphabet::add(builder_, state, Alphabet::kLowest, Alphabet::kHighest, rest);
    rests_.emplace(key, state);
    return state;
}

// Numbers of n digits from first to last. At most four digits, so it nests no deeper.
template <class Alphabet>
void Speller::add_between(const Alphabet& alphabet, StateId from, const std::uint8_t* first,
                          const std::uint8_t* last, std::size_t n, StateId to) {
    if (n == 1) {
        Alphabet::add(builder_, from, *first, *last, to);
        return;
    }
    if (*first == *last) {
        const StateId next = builder_.add_state();
        Alphabet::add(builder_, from, *first, *first, next);
        add_between(alphabet, next, first + 1, last + 1, n - 1, to);
        return;
    }
    int low = *first;
    int high = *last;
    const std::array<std::uint8_t, 4> lowest{Alphabet::kLowest, Alphabet::kLowest, Alphabet::kLowest,
                                             Alphabet::kLowest};
    const std::array<std::uint8_t, 4> highest{Alphabet::kHighest, Alphabet::kHighest, Alphabet::kHighest,
                                              Alphabet::kHighest};
    if (!std::equal(first + 1, first + n, lowest.begin())) {
        const StateId next = builder_.add_state();
        Alphabet::add(builder_, from, *first, *first, next);
        add_between(alphabet, next, first + 1, highest.data(), n - 1, to);
        ++low;
    }
    if (!std::equal(last + 1, last + n, highest.begin())) {
        const StateId next = builder_.add_state();
        Alphabet::add(builder_, from, *last, *last, next);
        add_between(alphabet, next, lowest.data(), last + 1, n - 1, to);
        --high;
    }
    if (low <= high) {
        Alphabet::add(builder_, from, static_cast<std::uint8_t>(low), static_cast<std::uint8_t>(high),
                      any(alphabet, n - 1, to));
    }
}

void Speller::add_utf8(StateId from, std::uint32_t first, std::uint32_t last, StateId to) {
    constexpr std::array<std::uint32_t, 4> kLastOfSize{0x7F, 0x7FF, 0xFFFF, kMaxCodePoint};
    for (const std::uint32_t end : kLastOfSize) {
        if (first > end) continue;
        if (first > last) return;
        std::string low;
        std::string high;
        append_utf8(low, first);
        append_utf8(high, std::min(last, end));
        add_between(Utf8Bytes{}, from, reinterpret_cast<const std::uint8_t*>(low.data()),
                    reinterpret_cast<const std::uint8_t*>(high.data()), low.size(), to);
        first = end + 1;
    }
}

void Speller::add_hex(StateId from, std::uint32_t first, std::uint32_t last, StateId to) {
    std::array<std::uint8_t, 4> low;
    std::array<std::uint8_t, 4> high;
    for (std::size_t i = 0; i < 4; ++i) {
        low[i] = static_cast<std::uint8_t>(first >> (12 - 4 * i) & 15);
        high[i] = static_cast<std::uint8_t>(last >> (12 - 4 * i) & 15);
    }
    add_between(HexDigits{}, builder_.add_text(from, "\\u"), low.data(), high.data(), 4, to);
}

void Speller::add_pairs(StateId from, std::uint32_t first, std::uint32_t last, StateId to) {
    constexpr std::uint32_t kLows = 0x400;
    while (first <= last) {
        const std::uint32_t high = (first - kPairBase) / kLows;
        const std::uint32_t low = (first - kPairBase) % kLows;
        const std::uint32_t end = std::min(last, kPairBase + high * kLows + kLows - 1);
        const StateId middle = builder_.add_state();
        // Whole blocks of low surrogates go together.
        std::uint32_t last_high = high;
        if (low == 0 && (last + 1 - first) / kLows > 0) last_high = high + (last + 1 - first) / kLows - 1;
        add_hex(from, kFirstHighSurrogate + high, kFirstHighSurrogate + last_high, middle);
        if (low == 0 && last_high * kLows + kPairBase + kLows - 1 <= last) {
            add_hex(middle, kFirstLowSurrogate, kFirstLowSurrogate + kLows - 1, to);
            first = kPairBase + last_high * kLows + kLows;
        } else {
            add_hex(middle, kFirstLowSurrogate + low, kFirstLowSurrogate + (end - kPairBase) % kLows, to);
            first = end + 1;
        }
    }
}

void Speller::add_escapes(StateId from, std::uint32_t first, std::uint32_t last, StateId to) {
    const auto add_letter = [&](char letter) {
        const char text[] = {'\\', letter};
        builder_.add_text(from, std::string_view(text, 2), to);
    };
    const auto has = [&](std::uint32_t code) { return first <= code && code <= last; };
    const bool is_json = spelling_ == Spelling::kJson;
    for (const ShortEscape& escape : kControlEscapes) {
        if (has(escape.code)) add_letter(escape.letter);
    }
    if (has('\\')) add_letter('\\');
    if (has('"') && spelling_ != Spelling::kPythonSingle) add_letter('"');
    if (has('\'') && spelling_ == Spelling::kPythonSingle) add_letter('\'');
    if (has('/') && is_json) add_letter('/');
    if (first <= 0x1F) add_hex(from, first, std::min<std::uint32_t>(last, 0x1F), to);
    if (!is_json) return;
    const bool has_all_ascii = first == 0 && last >= 0x7F;
    const std::uint32_t first_in_hex = std::max<std::uint32_t>(first, has_all_ascii ? 0x20 : 0x7F);
    if (first_in_hex <= std::min<std::uint32_t>(last, 0xFFFF))
        add_hex(from, first_in_hex, std::min<std::uint32_t>(last, 0xFFFF), to);
    if (last >= kPairBase) add_pairs(from, std::max(first, kPairBase), last, to);
}

void Speller::add(StateId from, const CharacterSet& set, StateId to) {
    if (builder_.is_full()) return;
    if (spelling_ == Spelling::kPlain) {
        for (const CharacterRange& range : set.ranges()) add_utf8(from, range.first, range.last, to);
        return;
    }
    CharacterSet needs_escape = CharacterSet::of(0, 0x1F);
    needs_escape.add('\\', '\\');
    const std::uint32_t quote = spelling_ == Spelling::kPythonSingle ? '\'' : '"';
    needs_escape.add(quote, quote);
    CharacterSet others = set.complement();
    others.add(needs_escape);
    const CharacterSet direct = others.complement();
    for (const CharacterRange& range : direct.ranges()) add_utf8(from, range.first, range.last, to);
    for (const CharacterRange& range : set.ranges()) add_escapes(from, range.first, range.last, to);
}

void Speller::add(StateId from, const CharacterAutomaton& automaton, StateId to) {
    std::vector<StateId> states;
    for (std::size_t s = 0; s < automaton.n_states() && !builder_.is_full(); ++s) {
        states.push_back(builder_.add_state());
        if (automaton.accepting[s]) builder_.add_free(states.back(), to);
    }
    if (builder_.is_full()) return;
    builder_.add_free(from, states[0]);
    std::vector<std::uint32_t> targets;
    for (std::uint32_t s = 0; s < automaton.n_states() && !builder_.is_full(); ++s) {
        const auto* row = automaton.next.data() + s * automaton.cuts.size();
        targets.assign(row, row + automaton.cuts.size());
        std::sort(targets.begin(), targets.end());
        targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
        for (const std::uint32_t target : targets) {
            if (target != CharacterAutomaton::kNowhere)
                add(states[s], automaton.between(s, target), states[target]);
        }
    }
}

void Speller::add(StateId from, std::string_view text, StateId to) {
    for (std::size_t position = 0; position < text.size() && !builder_.is_full();) {
        const CodePoint point = code_point_at(text, position);
        const StateId next = builder_.add_state();
        if (point.valid) {
            add(from, CharacterSet::of(point.code, point.code), next);
        } else {
            builder_.add_text(from, text.substr(position, point.size), next);
        }
        position += point.size;
        from = next;
    }
    builder_.add_free(from, to);
}

}  // namespace sluice::grammar
