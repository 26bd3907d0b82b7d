// What every constraint becomes: a pushdown automaton over bytes. Rules are small machines of states; an edge
// takes a byte, takes nothing, or calls a rule and goes on where the rule has ended. Immutable once built.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace sluice::grammar {

using StateId = std::uint32_t;
using RuleId = std::uint32_t;
constexpr std::uint32_t kUnbounded = std::numeric_limits<std::uint32_t>::max();

// The budgets of one automaton. Beyond them building ends with LIMIT.
constexpr std::size_t kMaxStates = 1u << 20;
constexpr std::size_t kMaxEdges = 4u << 20;
constexpr std::size_t kMaxRules = 50'000;

struct ByteEdge {
    StateId target = 0;
    std::uint8_t first = 0;
    std::uint8_t last = 0;  // inclusive
};

// Takes rule between min and max times, then goes on at target. A count is kept where the automaton runs, so
// large numbers cost nothing here.
struct CallEdge {
    RuleId rule = 0;
    StateId target = 0;
    std::uint32_t min = 1;
    std::uint32_t max = 1;  // kUnbounded: any number

    bool is_plain() const { return min == 1 && max == 1; }
};

struct Rule {
    StateId start = 0;
    StateId end = 0;
};

class Automaton {
public:
    std::size_t n_states() const { return states_.size() - 1; }
    std::size_t n_rules() const { return rules_.size(); }
    const Rule& rule(RuleId id) const { return rules_[id]; }
    const Rule& root() const { return rules_[root_]; }

    std::span<const ByteEdge> byte_edges(StateId s) const {
        return {bytes_.data() + states_[s].bytes, states_[s + 1].bytes - states_[s].bytes};
    }
    std::span<const StateId> free_edges(StateId s) const {
        return {free_.data() + states_[s].free, states_[s + 1].free - states_[s].free};
    }
    // Call edges have numbers: first_call(s), first_call(s) + 1, ...
    std::uint32_t first_call(StateId s) const { return states_[s].calls; }
    std::uint32_t end_call(StateId s) const { return states_[s + 1].calls; }
    const CallEdge& call(std::uint32_t number) const { return calls_[number]; }

    bool is_end(StateId s) const { return is_end_[s]; }
    // Nothing is left to do but to end the rule: who calls and goes on there need not be remembered.
    bool only_returns(StateId s) const { return only_returns_[s]; }

    // Bytes that no edge tells apart have one class.
    const std::array<std::uint8_t, 256>& classes() const { return classes_; }
    std::size_t n_classes() const { return n_classes_; }

    std::size_t memory() const;

private:
    friend class AutomatonBuilder;
    struct Offsets {
        std::uint32_t bytes = 0;
        std::uint32_t free = 0;
        std::uint32_t calls = 0;
    };

    std::vector<Offsets> states_;  // one more than there are states
    std::vector<ByteEdge> bytes_;
    std::vector<StateId> free_;
    std::vector<CallEdge> calls_;
    std::vector<bool> is_end_;
    std::vector<bool> only_returns_;
    std::vector<Rule> rules_;
    std::array<std::uint8_t, 256> classes_{};
    std::size_t n_classes_ = 1;
    RuleId root_ = 0;
};

// Collects states and edges. Going beyond a budget is remembered and told by finish, so that callers need not
// ask at every step; they ask is_full() in loops whose length comes from outside.
class AutomatonBuilder {
public:
    RuleId add_rule(std::string name);
    const Rule& rule(RuleId id) const { return rules_[id]; }
    std::size_t n_rules() const { return rules_.size(); }

    StateId add_state();
    void add_bytes(StateId from, std::uint8_t first, std::uint8_t last, StateId to);
    void add_free(StateId from, StateId to);
    void add_call(StateId from, RuleId rule, StateId to, std::uint32_t min = 1, std::uint32_t max = 1);

    // The state after `text`, each byte of which is a state of its own.
    StateId add_text(StateId from, std::string_view text);
    void add_text(StateId from, std::string_view text, StateId to);

    bool is_full() const { return full_; }

    // Removes what cannot be completed. Errors: LIMIT, INVALID_ARGUMENT: left recursion (naming the rule), a
    // large repetition of what may be empty, nothing at all can be matched. `what` names the whole in messages.
    Result<Automaton> finish(RuleId root, std::string_view what);

private:
    struct From {
        StateId from = 0;
        ByteEdge edge;
    };
    struct FreeEdge {
        StateId from = 0;
        StateId to = 0;
    };
    struct FromCall {
        StateId from = 0;
        CallEdge edge;
    };
    struct Incoming;

    std::vector<bool> find_completable(std::vector<bool>& rules) const;
    std::vector<bool> find_nullable() const;
    void spread(const Incoming& incoming, bool over_bytes, std::vector<bool>& states,
                std::vector<bool>& rules) const;
    Done check_recursion(const std::vector<bool>& states, const std::vector<bool>& nullable) const;
    Done check_repetitions(const std::vector<bool>& states, const std::vector<bool>& nullable) const;
    Automaton flatten(RuleId root, const std::vector<bool>& states, const std::vector<bool>& rules) const;

    std::uint32_t n_states_ = 0;
    std::vector<From> bytes_;
    std::vector<FreeEdge> free_;
    std::vector<FromCall> calls_;
    std::vector<Rule> rules_;
    std::vector<std::string> names_;
    bool full_ = false;
};

}  // namespace sluice::grammar
