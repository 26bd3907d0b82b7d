// A bound is an automaton that compares digit by digit: while the integer part is read, whether the digits so
// far are below, the same or above; how many digits the number has decides when it ends.
#include "text/grammar/number_automaton.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/sentence.h"
#include "text/grammar/regex.h"

namespace sluice::grammar {
namespace {

using Edge = CharacterAutomaton::Edge;

constexpr std::size_t kMaxFraction = 16;
// Decimals of so many digits are told apart by double precision (IEEE 754 binary64).
constexpr std::size_t kExactDigits = 15;

CharacterSet digits(int first, int last) {
    return first > last ? CharacterSet()
                        : CharacterSet::of('0' + static_cast<std::uint32_t>(first),
                                           '0' + static_cast<std::uint32_t>(last));
}

int value_of(char digit) {
    return digit - '0';
}

struct Accepts {
    bool less = false;
    bool equal = false;
    bool greater = false;
};

class Comparison {
public:
    CharacterAutomaton take() {
        const std::size_t n_states = accepting_.size();
        return CharacterAutomaton::from_edges(n_states, edges_, std::move(accepting_));
    }
    std::uint32_t add_state(bool accepts) {
        accepting_.push_back(accepts);
        return static_cast<std::uint32_t>(accepting_.size() - 1);
    }
    void add_edge(std::uint32_t from, CharacterSet set, std::uint32_t to) {
        if (!set.empty()) edges_.push_back({from, to, std::move(set)});
    }
    // Takes the rest of any number.
    std::uint32_t add_rest(bool accepts) {
        const std::uint32_t state = add_state(accepts);
        CharacterSet set = digits(0, 9);
        set.add('.', '.');
        add_edge(state, std::move(set), state);
        return state;
    }
    // From `start`, which takes its first digit, numbers without a sign compared with the bound.
    void compare(std::uint32_t start, const Decimal& bound, Accepts accepts) {
        const std::uint32_t less = add_rest(accepts.less);
        const std::uint32_t greater = add_rest(accepts.greater);
        const std::uint32_t fraction = add_fraction(bound.fraction, accepts, less, greater);
        const std::size_t n = bound.integer.size();
        // same[k], below[k], above[k]: k digits were read.
        std::uint32_t same = start;
        std::uint32_t below = start;
        std::uint32_t above = start;
        const CharacterSet point = CharacterSet::of('.', '.');
        for (std::size_t k = 0; k < n; ++k) {
            const bool is_last = k + 1 == n;
            const int digit = value_of(bound.integer[k]);
            const bool equal_end = bound.fraction.empty() ? accepts.equal : accepts.less;
            const std::uint32_t next_same = add_state(is_last ? equal_end : accepts.less);
            const std::uint32_t next_below = add_state(accepts.less);
            const std::uint32_t next_above = add_state(is_last ? accepts.greater : accepts.less);
            add_edge(same, digits(digit, digit), next_same);
            add_edge(same, digits(0, digit - 1), next_below);
            add_edge(same, digits(digit + 1, 9), next_above);
            if (k > 0) {
                add_edge(below, digits(0, 9), next_below);
                add_edge(above, digits(0, 9), next_above);
                for (const std::uint32_t state : {same, below, above}) add_edge(state, point, less);
            }
            same = next_same;
            below = next_below;
            above = next_above;
        }
        for (const std::uint32_t state : {same, below, above}) add_edge(state, digits(0, 9), greater);
        add_edge(same, point, fraction);
        add_edge(below, point, less);
        add_edge(above, point, greater);
    }

private:
    std::uint32_t add_fraction(const std::string& bound, Accepts accepts, std::uint32_t less,
                               std::uint32_t greater) {
        std::uint32_t state = add_state(bound.empty() ? accepts.equal : accepts.less);
        const std::uint32_t first = state;
        for (std::size_t k = 0; k < bound.size(); ++k) {
            const int digit = value_of(bound[k]);
            const std::uint32_t next = add_state(k + 1 == bound.size() ? accepts.equal : accepts.less);
            add_edge(state, digits(digit, digit), next);
            add_edge(state, digits(0, digit - 1), less);
            add_edge(state, digits(digit + 1, 9), greater);
            state = next;
        }
        add_edge(state, digits(0, 0), state);
        add_edge(state, digits(1, 9), greater);
        return first;
    }

    std::vector<Edge> edges_;
    std::vector<bool> accepting_;
};

bool is_zero(const Decimal& number) {
    return number.integer == "0" && number.fraction.empty();
}

// Numbers at or above the bound; turned around, those at or below it: minus x is then at or above minus the
// bound.
CharacterAutomaton at_least(const NumberBound& bound, bool turned) {
    Comparison made;
    const std::uint32_t start = made.add_state(false);
    const std::uint32_t negative = made.add_state(false);
    made.add_edge(start, CharacterSet::of('-', '-'), negative);
    // On the near side numbers are good if they are large enough, on the far side if small enough.
    const std::uint32_t near_side = turned ? negative : start;
    const std::uint32_t far_side = turned ? start : negative;
    const bool equal = bound.is_inclusive;
    if (!is_zero(bound.value) && bound.value.is_negative != turned) {
        made.add_edge(near_side, digits(0, 9), made.add_rest(true));
        made.compare(far_side, bound.value, {true, equal, false});
    } else {
        made.compare(near_side, bound.value, {false, equal, true});
        // Zero lies on both sides.
        if (is_zero(bound.value)) made.compare(far_side, bound.value, {false, equal, false});
    }
    return made.take();
}

CharacterAutomaton multiples_of(std::uint64_t divisor) {
    // State 0 is the start, 1 follows the sign, 2 + r follows digits with the remainder r.
    std::vector<Edge> edges{{0, 1, CharacterSet::of('-', '-')}};
    std::vector<bool> accepting(divisor + 2, false);
    accepting[2] = true;
    const auto after = [&](std::uint64_t remainder, int digit) {
        return static_cast<std::uint32_t>(2 + (remainder * 10 + static_cast<std::uint64_t>(digit)) % divisor);
    };
    for (int digit = 0; digit <= 9; ++digit) {
        for (const std::uint32_t from : {0U, 1U})
            edges.push_back({from, after(0, digit), digits(digit, digit)});
        for (std::uint64_t r = 0; r < divisor; ++r)
            edges.push_back({static_cast<std::uint32_t>(2 + r), after(r, digit), digits(digit, digit)});
    }
    return CharacterAutomaton::from_edges(accepting.size(), edges, accepting);
}

// How many digits may stand behind the point.
std::size_t fraction_size(const NumberRule& rule) {
    if (rule.is_integer) return 0;
    std::size_t size = kMaxFraction;
    for (const auto& bound : {rule.lower, rule.upper}) {
        if (!bound || bound->is_inclusive) continue;
        const std::size_t n = bound->value.integer.size();
        const std::size_t exact = n < kExactDigits ? kExactDigits - n : 0;
        size = std::min(size, std::max(exact, bound->value.fraction.size()));
    }
    return size;
}

}  // namespace

Decimal decimal_of(const Json& number) {
    std::string text;
    if (const auto whole = number.integer()) {
        append_piece(text, *whole);
    } else if (const auto natural = number.natural()) {
        append_piece(text, *natural);
    } else {
        std::array<char, 512>
            room;  // the longest double has 309 digits before the point, or 17 after 307 zeros
        const auto end =
            std::to_chars(room.data(), room.data() + room.size(), *number.number(), std::chars_format::fixed);
        text.assign(room.data(), end.ptr);
    }
    Decimal decimal;
    decimal.is_negative = text.starts_with('-');
    if (decimal.is_negative) text.erase(0, 1);
    const std::size_t point = text.find('.');
    decimal.integer = text.substr(0, point);
    if (point != std::string::npos) decimal.fraction = text.substr(point + 1);
    while (decimal.fraction.ends_with('0')) decimal.fraction.pop_back();
    return decimal;
}

Result<CharacterAutomaton> number_automaton(const NumberRule& rule) {
    std::string shape = "-?(?:0|[1-9][0-9]{0,17})";
    const std::size_t fraction = fraction_size(rule);
    if (fraction > 0) {
        shape += "(?:\\.[0-9]{1,";
        append_piece(shape, fraction);
        shape += "})?";
    }
    const bool is_bounded = rule.lower || rule.upper;
    if (!rule.is_integer && !is_bounded) shape += "(?:[eE][+-]?(?:[0-9]{1,2}|1[0-9]{2}|2[0-8][0-9]))?";
    SLUICE_ASSIGN(number, compile_regex(shape, RegexMatch::kWhole));
    std::vector<CharacterAutomaton> parts;
    parts.push_back(std::move(number));
    if (rule.lower) parts.push_back(at_least(*rule.lower, false));
    if (rule.upper) parts.push_back(at_least(*rule.upper, true));
    if (rule.divisor > 1) parts.push_back(multiples_of(rule.divisor));
    if (parts.size() == 1) return std::move(parts[0]);
    return intersection(parts);
}

}  // namespace sluice::grammar
