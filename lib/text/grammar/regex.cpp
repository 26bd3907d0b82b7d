// From the tree of a regular expression to its deterministic automaton: Thompson's construction, then the
// subsets of states that texts lead to. ^ and $ are edges that may be gone over at the start and at the end
// only.
#include "text/grammar/regex.h"

#include <algorithm>
#include <map>

#include "base/sentence.h"
#include "text/grammar/automaton.h"
#include "text/grammar/regex_parser.h"

namespace sluice::grammar {
namespace {

constexpr std::size_t kMaxSubsetWork = 20'000'000;  // states visited while subsets are found

enum class Crossing : std::uint8_t { kAlways, kAtStart, kAtEnd };

struct FreeEdge {
    std::uint32_t to = 0;
    Crossing crossing = Crossing::kAlways;
};

struct State {
    std::vector<FreeEdge> free;
    std::uint32_t to = 0;  // where `characters` lead
    const CharacterSet* characters = nullptr;
};

class Construction {
public:
    explicit Construction(const RegexTree& tree) : tree_(tree) {}

    Result<CharacterAutomaton> run(RegexMatch match) {
        const std::uint32_t start = add_state();
        const std::uint32_t end = add_state();
        const std::uint32_t inner = add_state();
        if (match == RegexMatch::kSearch) {
            loop(start);
            loop(end);
        }
        link(start, inner);
        add(tree_.root, inner, end);
        if (is_full()) {
            return make_error(SLUICE_E_LIMIT, "a regular expression needs more than ", kMaxRegexStates,
                              " states when its repetitions are written out");
        }
        return subsets(start, end);
    }

private:
    using Subset = std::vector<std::uint32_t>;

    bool is_full() const { return work_ > kMaxRegexStates; }

    std::uint32_t add_state() {
        ++work_;
        states_.emplace_back();
        return static_cast<std::uint32_t>(states_.size() - 1);
    }
    void link(std::uint32_t from, std::uint32_t to, Crossing crossing = Crossing::kAlways) {
        states_[from].free.push_back({to, crossing});
    }
    void loop(std::uint32_t state) {
        const std::uint32_t taker = add_state();
        states_[taker].characters = &all_;
        states_[taker].to = state;
        link(state, taker);
    }

    // As deep as groups nest.
    void add(std::uint32_t number, std::uint32_t from, std::uint32_t to) {
        ++work_;  // also for what adds no state: {1,1000} of nothing, many times
        if (is_full()) return;
        const RegexNode& node = tree_.nodes[number];
        switch (node.kind) {
            case RegexNode::Kind::kCharacters: {
                const std::uint32_t taker = add_state();
                states_[taker].characters = &node.characters;
                states_[taker].to = to;
                link(from, taker);
                return;
            }
            case RegexNode::Kind::kSequence:
                for (const std::uint32_t child : node.children) {
                    const std::uint32_t next = add_state();
                    add(child, from, next);
                    from = next;
                }
                link(from, to);
                return;
            case RegexNode::Kind::kChoice:
                for (const std::uint32_t child : node.children) add(child, from, to);
                return;
            case RegexNode::Kind::kRepeat:
                add_repeat(node, from, to);
                return;
            case RegexNode::Kind::kAtStart:
                link(from, to, Crossing::kAtStart);
                return;
            case RegexNode::Kind::kAtEnd:
                link(from, to, Crossing::kAtEnd);
                return;
        }
    }

    void add_repeat(const RegexNode& node, std::uint32_t from, std::uint32_t to) {
        const std::uint32_t child = node.children[0];
        for (std::uint32_t i = 0; i < node.min && !is_full(); ++i) {
            const std::uint32_t next = add_state();
            add(child, from, next);
            from = next;
        }
        if (node.max == kUnbounded) {
            const std::uint32_t again = add_state();
            link(from, again);
            add(child, again, again);
            link(again, to);
            return;
        }
        for (std::uint32_t i = node.min; i < node.max && !is_full(); ++i) {
            link(from, to);
            const std::uint32_t next = add_state();
            add(child, from, next);
            from = next;
        }
        link(from, to);
    }

    // All states that are reached without a character, sorted. `seen_` marks them meanwhile.
    Subset closure(Subset states, bool at_start, bool at_end) {
        ++round_;
        seen_.resize(states_.size(), 0);
        Subset found;
        while (!states.empty()) {
            const std::uint32_t s = states.back();
            states.pop_back();
            if (seen_[s] == round_) continue;
            seen_[s] = round_;
            found.push_back(s);
            ++subset_work_;
            for (const FreeEdge& edge : states_[s].free) {
                const bool may = edge.crossing == Crossing::kAlways ||
                                 (edge.crossing == Crossing::kAtStart ? at_start : at_end);
                if (may) states.push_back(edge.to);
            }
        }
        std::sort(found.begin(), found.end());
        return found;
    }

    bool accepts(const Subset& subset, bool at_start, std::uint32_t end) {
        const Subset reached = closure(subset, at_start, true);
        return std::binary_search(reached.begin(), reached.end(), end);
    }

    Result<CharacterAutomaton> subsets(std::uint32_t start, std::uint32_t end) {
        CharacterAutomaton made;
        for (const State& state : states_) {
            if (state.characters == nullptr) continue;
            for (const CharacterRange& range : state.characters->ranges()) {
                made.cuts.push_back(range.first);
                if (range.last < kMaxCodePoint) made.cuts.push_back(range.last + 1);
            }
        }
        std::sort(made.cuts.begin(), made.cuts.end());
        made.cuts.erase(std::unique(made.cuts.begin(), made.cuts.end()), made.cuts.end());

        // The start is a state of its own: at it ^ holds, and nowhere else.
        std::map<Subset, std::uint32_t> known;
        std::vector<Subset> all{closure({start}, true, false)};
        made.accepting.push_back(accepts(all[0], true, end));
        for (std::size_t s = 0; s < all.size(); ++s) {
            if (all.size() > kMaxCharacterStates || all.size() * made.cuts.size() > kMaxCharacterSteps ||
                subset_work_ > kMaxSubsetWork) {
                return make_error(SLUICE_E_LIMIT, "a regular expression needs more than ", kMaxCharacterStates,
                                  " deterministic states or ", kMaxSubsetWork, " steps to find them");
            }
            for (const std::uint32_t code : made.cuts) {
                Subset next;
                for (const std::uint32_t n : all[s]) {
                    if (states_[n].characters != nullptr && states_[n].characters->contains(code))
                        next.push_back(states_[n].to);
                }
                subset_work_ += all[s].size();
                if (next.empty()) {
                    made.next.push_back(CharacterAutomaton::kNowhere);
                    continue;
                }
                Subset closed = closure(std::move(next), false, false);
                const auto [place, is_new] = known.try_emplace(closed, static_cast<std::uint32_t>(all.size()));
                made.next.push_back(place->second);
                if (!is_new) continue;
                made.accepting.push_back(accepts(closed, false, end));
                all.push_back(std::move(closed));
            }
        }
        return made;
    }

    const RegexTree& tree_;
    const CharacterSet all_ = CharacterSet::all();
    std::vector<State> states_;
    std::size_t work_ = 0;
    std::size_t subset_work_ = 0;
    std::vector<std::uint32_t> seen_;
    std::uint32_t round_ = 0;
};

}  // namespace

Result<CharacterAutomaton> compile_regex(std::string_view expression, RegexMatch match) {
    SLUICE_ASSIGN(tree, parse_regex(expression));
    return Construction(tree).run(match);
}

}  // namespace sluice::grammar
