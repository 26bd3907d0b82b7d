// The tree of a regular expression.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/grammar/character_set.h"

namespace sluice::grammar {

struct RegexNode {
    enum class Kind {
        kCharacters,  // one of `characters`
        kSequence,    // all children; none: the empty text
        kChoice,      // one of the children
        kRepeat,      // the child, min to max times
        kAtStart,
        kAtEnd,
    };
    Kind kind = Kind::kSequence;
    CharacterSet characters;
    std::vector<std::uint32_t> children;  // places in RegexTree::nodes
    std::uint32_t min = 1;
    std::uint32_t max = 1;  // kUnbounded (automaton.h)
};

struct RegexTree {
    std::vector<RegexNode> nodes;
    std::uint32_t root = 0;
};

// Errors: as compile_regex.
Result<RegexTree> parse_regex(std::string_view expression);

}  // namespace sluice::grammar
