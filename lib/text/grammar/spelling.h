// How characters are spelled as bytes: as they are, or inside the quotes of JSON or Python.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "text/grammar/automaton.h"
#include "text/grammar/character_automaton.h"
#include "text/grammar/character_set.h"

namespace sluice::grammar {

// In quotes a character stands for itself, unless it must be escaped: then JSON has its short escapes and
// \u00XX, Python the same. Besides, JSON may write '/' as "\/" and characters from U+007F on as \uXXXX (two of
// them above U+FFFF; half a pair alone is never written); where any character may stand, every one of them.
enum class Spelling {
    kPlain,
    kJson,          // between double quotes
    kPythonDouble,  // between double quotes
    kPythonSingle,  // between single quotes
};

// Adds edges for characters. Keep one for all edges of a place: it shares what leads to the same state.
class Speller {
public:
    Speller(AutomatonBuilder& builder, Spelling spelling) : builder_(builder), spelling_(spelling) {}

    // One character of the set leads from `from` to `to`.
    void add(StateId from, const CharacterSet& set, StateId to);
    // Every text that the automaton accepts leads from `from` to `to`.
    void add(StateId from, const CharacterAutomaton& automaton, StateId to);
    // The text, character by character. Bytes that are not UTF-8 are kept as they are.
    void add(StateId from, std::string_view text, StateId to);

private:
    void add_utf8(StateId from, std::uint32_t first, std::uint32_t last, StateId to);
    void add_escapes(StateId from, std::uint32_t first, std::uint32_t last, StateId to);
    void add_pairs(StateId from, std::uint32_t first, std::uint32_t last, StateId to);
    void add_hex(StateId from, std::uint32_t first, std::uint32_t last, StateId to);
    template <class Alphabet>
    void add_between(const Alphabet& alphabet, StateId from, const std::uint8_t* first,
                     const std::uint8_t* last, std::size_t n, StateId to);
    template <class Alphabet>
    StateId any(const Alphabet& alphabet, std::size_t n, StateId to);

    AutomatonBuilder& builder_;
    Spelling spelling_;
    // (alphabet, digits still to come, target) -> state
    std::map<std::pair<std::uint32_t, StateId>, StateId> rests_;
};

}  // namespace sluice::grammar
