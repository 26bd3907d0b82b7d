// Joining automata over characters: the product, state by state as they are reached.
#include "text/grammar/character_automaton.h"

#include <algorithm>
#include <map>

#include "base/sentence.h"
#include "base/utf8.h"
#include "text/grammar/automaton.h"

namespace sluice::grammar {
namespace {

std::vector<std::uint32_t> sorted_cuts(std::vector<std::uint32_t> cuts) {
    cuts.push_back(0);
    std::sort(cuts.begin(), cuts.end());
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    while (cuts.back() > kMaxCodePoint) cuts.pop_back();
    return cuts;
}

Error too_large() {
    return make_error(SLUICE_E_LIMIT, "a pattern or a combination of bounds needs more than ",
                      kMaxCharacterStates, " states");
}

}  // namespace

std::size_t CharacterAutomaton::interval_of(std::uint32_t code) const {
    return static_cast<std::size_t>(std::upper_bound(cuts.begin(), cuts.end(), code) - cuts.begin()) - 1;
}

std::uint32_t CharacterAutomaton::step(std::uint32_t state, std::uint32_t code) const {
    return next[state * cuts.size() + interval_of(code)];
}

bool CharacterAutomaton::accepts(std::string_view text) const {
    std::uint32_t state = 0;
    for (std::size_t position = 0; position < text.size();) {
        const CodePoint point = code_point_at(text, position);
        if (!point.valid) return false;
        state = step(state, point.code);
        if (state == kNowhere) return false;
        position += point.size;
    }
    return accepting[state];
}

CharacterAutomaton CharacterAutomaton::from_edges(std::size_t n_states, std::span<const Edge> edges,
                                                  std::vector<bool> accepting) {
    CharacterAutomaton made;
    std::vector<std::uint32_t> cuts;
    for (const Edge& edge : edges) {
        for (const CharacterRange& range : edge.characters.ranges()) {
            cuts.push_back(range.first);
            cuts.push_back(range.last + 1);
        }
    }
    made.cuts = sorted_cuts(std::move(cuts));
    made.next.assign(n_states * made.cuts.size(), kNowhere);
    for (const Edge& edge : edges) {
        for (const CharacterRange& range : edge.characters.ranges()) {
            for (std::size_t i = made.interval_of(range.first); i < made.cuts.size(); ++i) {
                if (made.cuts[i] > range.last) break;
                made.next[edge.from * made.cuts.size() + i] = edge.to;
            }
        }
    }
    made.accepting = std::move(accepting);
    return made;
}

CharacterAutomaton CharacterAutomaton::of_texts(std::span<const std::string_view> texts) {
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> tree;
    std::vector<bool> accepting{false};
    for (const std::string_view text : texts) {
        std::uint32_t state = 0;
        for (std::size_t position = 0; position < text.size();) {
            const CodePoint point = code_point_at(text, position);
            const auto [place, is_new] =
                tree.try_emplace({state, point.code}, static_cast<std::uint32_t>(accepting.size()));
            if (is_new) accepting.push_back(false);
            state = place->second;
            position += point.size;
        }
        accepting[state] = true;
    }
    std::vector<Edge> edges;
    for (const auto& [from, to] : tree)
        edges.push_back({from.first, to, CharacterSet::of(from.second, from.second)});
    const std::size_t n_states = accepting.size();
    return from_edges(n_states, edges, std::move(accepting));
}

Result<CharacterAutomaton> CharacterAutomaton::of_length(std::uint64_t min, std::uint64_t max) {
    const std::uint64_t last = max == kUnbounded ? min : max;
    if (last >= kMaxCharacterStates) return too_large();
    CharacterAutomaton made;
    for (std::uint64_t n = 0; n <= last; ++n) {
        made.accepting.push_back(n >= min && n <= max);
        const bool stays = n == last && max == kUnbounded;
        made.next.push_back(stays       ? static_cast<std::uint32_t>(n)
                            : n == last ? kNowhere
                                        : static_cast<std::uint32_t>(n + 1));
    }
    return made;
}

CharacterAutomaton CharacterAutomaton::of_all() {
    CharacterAutomaton made;
    made.next = {0};
    made.accepting = {true};
    return made;
}

CharacterSet CharacterAutomaton::between(std::uint32_t from, std::uint32_t to) const {
    CharacterSet set;
    for (std::size_t i = 0; i < cuts.size(); ++i) {
        if (next[from * cuts.size() + i] != to) continue;
        set.add(cuts[i], i + 1 < cuts.size() ? cuts[i + 1] - 1 : kMaxCodePoint);
    }
    return set;
}

namespace {

// Where every part is needed, the whole has ended with the first of them.
Result<CharacterAutomaton> product(std::span<const CharacterAutomaton* const> parts, bool all_needed,
                                   const std::function<bool(const std::vector<bool>&)>& accept) {
    CharacterAutomaton made;
    std::vector<std::uint32_t> cuts;
    for (const CharacterAutomaton* part : parts) cuts.insert(cuts.end(), part->cuts.begin(), part->cuts.end());
    made.cuts = sorted_cuts(std::move(cuts));

    using Key = std::vector<std::uint32_t>;
    std::map<Key, std::uint32_t> known;
    std::vector<Key> states;
    std::vector<bool> accepts(parts.size());
    const auto number_of = [&](const Key& key) {
        const auto [place, is_new] = known.try_emplace(key, static_cast<std::uint32_t>(states.size()));
        if (is_new) {
            states.push_back(key);
            for (std::size_t p = 0; p < parts.size(); ++p)
                accepts[p] = key[p] != CharacterAutomaton::kNowhere && parts[p]->accepting[key[p]];
            made.accepting.push_back(accept(accepts));
        }
        return place->second;
    };
    number_of(Key(parts.size(), 0));
    const Key all_ended(parts.size(), CharacterAutomaton::kNowhere);
    const bool ended_counts = !all_needed && accept(std::vector<bool>(parts.size(), false));
    for (std::size_t s = 0; s < states.size(); ++s) {
        if (states.size() > kMaxCharacterStates || states.size() * made.cuts.size() > kMaxCharacterSteps)
            return too_large();
        for (const std::uint32_t code : made.cuts) {
            Key key = all_ended;
            for (std::size_t p = 0; p < parts.size(); ++p) {
                if (states[s][p] != CharacterAutomaton::kNowhere) key[p] = parts[p]->step(states[s][p], code);
            }
            const bool ends = all_needed
                                  ? std::find(key.begin(), key.end(), CharacterAutomaton::kNowhere) != key.end()
                                  : !ended_counts && key == all_ended;
            made.next.push_back(ends ? CharacterAutomaton::kNowhere : number_of(key));
        }
    }
    return made;
}

}  // namespace

Result<CharacterAutomaton> join(std::span<const CharacterAutomaton* const> parts,
                                const std::function<bool(const std::vector<bool>&)>& accept) {
    return product(parts, false, accept);
}

Result<CharacterAutomaton> intersection(std::span<const CharacterAutomaton> parts) {
    std::vector<const CharacterAutomaton*> pointers;
    for (const CharacterAutomaton& part : parts) pointers.push_back(&part);
    return product(pointers, true, [](const std::vector<bool>& accepts) {
        return std::all_of(accepts.begin(), accepts.end(), [](bool yes) { return yes; });
    });
}

}  // namespace sluice::grammar
