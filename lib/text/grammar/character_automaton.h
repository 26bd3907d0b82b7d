// Deterministic automata over characters: what patterns, formats, bounds of numbers and names of properties
// become first, so that several that must hold at once can be joined. Spelling them as bytes comes later.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/grammar/character_set.h"

namespace sluice::grammar {

// The budget of one: a pattern whose deterministic form is larger is refused (LIMIT).
constexpr std::size_t kMaxCharacterStates = 20'000;
constexpr std::size_t kMaxCharacterSteps = 2'000'000;  // states times intervals

class CharacterAutomaton {
public:
    static constexpr std::uint32_t kNowhere = 0xFFFFFFFF;

    // Code points from cuts[i] up to cuts[i + 1] are told apart by no edge. cuts[0] is 0; the last interval
    // ends at kMaxCodePoint. State 0 is the start.
    std::vector<std::uint32_t> cuts{0};
    std::vector<std::uint32_t> next;  // state * cuts.size() + interval -> state or kNowhere
    std::vector<bool> accepting;

    std::size_t n_states() const { return accepting.size(); }
    std::size_t interval_of(std::uint32_t code) const;
    std::uint32_t step(std::uint32_t state, std::uint32_t code) const;
    // Requires UTF-8; text that is not is refused.
    bool accepts(std::string_view text) const;

    // For building by hand: a state with no edges, and edges; cuts are made as needed by from_edges.
    struct Edge {
        std::uint32_t from = 0;
        std::uint32_t to = 0;
        CharacterSet characters;
    };
    // Requires that no two edges of one state share a character.
    static CharacterAutomaton from_edges(std::size_t n_states, std::span<const Edge> edges,
                                         std::vector<bool> accepting);

    // Accepts exactly these texts.
    static CharacterAutomaton of_texts(std::span<const std::string_view> texts);
    // Accepts texts of min to max characters; max kUnbounded (automaton.h): any number above.
    static Result<CharacterAutomaton> of_length(std::uint64_t min, std::uint64_t max);
    static CharacterAutomaton of_all();

    // The characters that lead from one state to another.
    CharacterSet between(std::uint32_t from, std::uint32_t to) const;
};

// Runs all at once: a text is accepted where accept says so of those that accept it. A part that has ended is
// kept as one that accepts nothing more, so that accept may also ask for texts that a part refuses.
// Errors: LIMIT.
Result<CharacterAutomaton> join(std::span<const CharacterAutomaton* const> parts,
                                const std::function<bool(const std::vector<bool>&)>& accept);
// All must accept.
Result<CharacterAutomaton> intersection(std::span<const CharacterAutomaton> parts);

}  // namespace sluice::grammar
