// Building an automaton: what can be completed is found backwards from the ends of rules, what may be empty
// likewise, and left recursion by walking the rules that are called before any byte.
#include "text/grammar/automaton.h"

#include <algorithm>

#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice::grammar {
namespace {

// A repetition that counts has to try all counts where what it repeats may be empty.
constexpr std::uint32_t kMaxEmptyRepetitions = 256;

}  // namespace

std::size_t Automaton::memory() const {
    return states_.capacity() * sizeof(Offsets) + bytes_.capacity() * sizeof(ByteEdge) +
           free_.capacity() * sizeof(StateId) + calls_.capacity() * sizeof(CallEdge) +
           (is_end_.capacity() + only_returns_.capacity()) / 8 + rules_.capacity() * sizeof(Rule);
}

RuleId AutomatonBuilder::add_rule(std::string name) {
    if (rules_.size() >= kMaxRules) {
        full_ = true;
        return 0;
    }
    const StateId start = add_state();
    const StateId end = add_state();
    rules_.push_back({start, end});
    names_.push_back(std::move(name));
    return static_cast<RuleId>(rules_.size() - 1);
}

StateId AutomatonBuilder::add_state() {
    if (n_states_ >= kMaxStates) {
        full_ = true;
        return 0;
    }
    return n_states_++;
}

void AutomatonBuilder::add_bytes(StateId from, std::uint8_t first, std::uint8_t last, StateId to) {
    if (bytes_.size() >= kMaxEdges) full_ = true;
    if (!full_) bytes_.push_back({from, {to, first, last}});
}

void AutomatonBuilder::add_free(StateId from, StateId to) {
    if (free_.size() >= kMaxEdges) full_ = true;
    if (!full_ && from != to) free_.push_back({from, to});
}

void AutomatonBuilder::add_call(StateId from, RuleId rule, StateId to, std::uint32_t min, std::uint32_t max) {
    if (calls_.size() >= kMaxEdges) full_ = true;
    if (full_) return;
    if (max == 0) {
        add_free(from, to);
    } else {
        calls_.push_back({from, {rule, to, min, max}});
    }
}

StateId AutomatonBuilder::add_text(StateId from, std::string_view text) {
    for (const char c : text) {
        if (full_) return from;
        const auto byte = static_cast<std::uint8_t>(c);
        const StateId next = add_state();
        add_bytes(from, byte, byte, next);
        from = next;
    }
    return from;
}

void AutomatonBuilder::add_text(StateId from, std::string_view text, StateId to) {
    add_free(add_text(from, text), to);
}

// Edges by where they lead, as numbers into the three lists.
struct AutomatonBuilder::Incoming {
    struct List {
        std::vector<std::uint32_t> first;  // by state; one more than states
        std::vector<std::uint32_t> edges;
        std::span<const std::uint32_t> of(std::uint32_t at) const {
            return {edges.data() + first[at], first[at + 1] - first[at]};
        }
    };

    template <class Edges, class Key>
    static List sorted(const Edges& edges, std::size_t n, Key key) {
        List list;
        list.first.assign(n + 1, 0);
        for (const auto& edge : edges) ++list.first[key(edge) + 1];
        for (std::size_t i = 0; i < n; ++i) list.first[i + 1] += list.first[i];
        std::vector<std::uint32_t> place(list.first.begin(), list.first.end() - 1);
        list.edges.resize(edges.size());
        for (std::uint32_t i = 0; i < edges.size(); ++i) list.edges[place[key(edges[i])]++] = i;
        return list;
    }

    explicit Incoming(const AutomatonBuilder& builder)
        : bytes(sorted(builder.bytes_, builder.n_states_, [](const auto& e) { return e.edge.target; })),
          free(sorted(builder.free_, builder.n_states_, [](const auto& e) { return e.to; })),
          calls(sorted(builder.calls_, builder.n_states_, [](const auto& e) { return e.edge.target; })),
          callers(sorted(builder.calls_, builder.rules_.size(), [](const auto& e) { return e.edge.rule; })),
          starts(sorted(builder.rules_, builder.n_states_, [](const auto& r) { return r.start; })) {}

    List bytes;
    List free;
    List calls;
    List callers;
    List starts;
};

// Marks the states from which the end of their rule can be reached, and the rules whose start is one.
void AutomatonBuilder::spread(const Incoming& incoming, bool over_bytes, std::vector<bool>& states,
                              std::vector<bool>& rules) const {
    std::vector<StateId> waiting;
    const auto mark = [&](StateId s) {
        if (states[s]) return;
        states[s] = true;
        waiting.push_back(s);
    };
    for (const Rule& rule : rules_) mark(rule.end);
    while (!waiting.empty()) {
        const StateId s = waiting.back();
        waiting.pop_back();
        if (over_bytes) {
            for (const std::uint32_t i : incoming.bytes.of(s)) mark(bytes_[i].from);
        }
        for (const std::uint32_t i : incoming.free.of(s)) mark(free_[i].from);
        for (const std::uint32_t i : incoming.calls.of(s)) {
            if (calls_[i].edge.min == 0 || rules[calls_[i].edge.rule]) mark(calls_[i].from);
        }
        for (const std::uint32_t r : incoming.starts.of(s)) {
            rules[r] = true;
            for (const std::uint32_t i : incoming.callers.of(r)) {
                if (states[calls_[i].edge.target]) mark(calls_[i].from);
            }
        }
    }
}

Done AutomatonBuilder::check_recursion(const std::vector<bool>& states,
                                       const std::vector<bool>& nullable) const {
    // The states that each state reaches before any byte: free edges, calls that may be empty, and the start of
    // what is called. A rule that reaches its own start calls itself before any byte.
    const auto free = Incoming::sorted(free_, n_states_, [](const auto& e) { return e.from; });
    const auto calls = Incoming::sorted(calls_, n_states_, [](const auto& e) { return e.from; });
    std::vector<std::vector<RuleId>> first_calls(rules_.size());
    std::vector<std::uint32_t> seen(n_states_, 0);
    std::vector<StateId> waiting;
    for (RuleId r = 0; r < rules_.size(); ++r) {
        const auto visit = [&](StateId s) {
            if (!states[s] || seen[s] == r + 1) return;
            seen[s] = r + 1;
            waiting.push_back(s);
        };
        visit(rules_[r].start);
        while (!waiting.empty()) {
            const StateId s = waiting.back();
            waiting.pop_back();
            for (const std::uint32_t i : free.of(s)) visit(free_[i].to);
            for (const std::uint32_t i : calls.of(s)) {
                const CallEdge& edge = calls_[i].edge;
                first_calls[r].push_back(edge.rule);
                if (edge.min == 0 || nullable[edge.rule]) visit(edge.target);
            }
        }
    }
    // A depth-first walk without recursion; a rule on the way that is met again closes a cycle.
    enum : std::uint8_t { kNew, kOpen, kDone };
    std::vector<std::uint8_t> mark(rules_.size(), kNew);
    std::vector<std::pair<RuleId, std::size_t>> path;
    for (RuleId r = 0; r < rules_.size(); ++r) {
        if (mark[r] != kNew) continue;
        path.emplace_back(r, 0);
        mark[r] = kOpen;
        while (!path.empty()) {
            auto& [rule, next] = path.back();
            if (next == first_calls[rule].size()) {
                mark[rule] = kDone;
                path.pop_back();
                continue;
            }
            const RuleId called = first_calls[rule][next++];
            if (mark[called] == kOpen) {
                return make_error(SLUICE_E_INVALID_ARGUMENT, "rule ", printable(names_[called]),
                                  " calls itself before it takes any text (left recursion)");
            }
            if (mark[called] == kDone) continue;
            mark[called] = kOpen;
            path.emplace_back(called, 0);
        }
    }
    return Nothing{};
}

Done AutomatonBuilder::check_repetitions(const std::vector<bool>& states,
                                         const std::vector<bool>& nullable) const {
    for (const FromCall& call : calls_) {
        if (!states[call.from] || !nullable[call.edge.rule] || call.edge.is_plain()) continue;
        const std::uint32_t most = call.edge.max == kUnbounded ? call.edge.min : call.edge.max;
        if (most > kMaxEmptyRepetitions) {
            return make_error(SLUICE_E_LIMIT, "rule ", printable(names_[call.edge.rule]),
                              " may be empty and is repeated ", most, " times; at most ", kMaxEmptyRepetitions,
                              " are allowed");
        }
    }
    return Nothing{};
}

Automaton AutomatonBuilder::flatten(RuleId root, const std::vector<bool>& states,
                                    const std::vector<bool>& rules) const {
    Automaton made;
    made.rules_ = rules_;
    made.root_ = root;
    made.states_.resize(std::size_t{n_states_} + 1);
    made.is_end_.assign(n_states_, false);
    made.only_returns_.assign(n_states_, false);
    std::vector<FreeEdge> free;
    std::vector<FromCall> calls;
    std::vector<From> bytes;
    for (const FreeEdge& edge : free_) {
        if (states[edge.from] && states[edge.to]) free.push_back(edge);
    }
    for (const From& edge : bytes_) {
        if (states[edge.from] && states[edge.edge.target]) bytes.push_back(edge);
    }
    for (const FromCall& call : calls_) {
        if (!states[call.from] || !states[call.edge.target]) continue;
        if (rules[call.edge.rule]) {
            calls.push_back(call);
        } else if (call.edge.min == 0) {
            free.push_back({call.from, call.edge.target});
        }
    }
    const auto by_from = [](const auto& a, const auto& b) { return a.from < b.from; };
    std::stable_sort(free.begin(), free.end(), by_from);
    std::stable_sort(bytes.begin(), bytes.end(), by_from);
    std::stable_sort(calls.begin(), calls.end(), by_from);
    std::array<bool, 257> border{};
    for (const From& edge : bytes) {
        ++made.states_[edge.from + 1].bytes;
        made.bytes_.push_back(edge.edge);
        border[edge.edge.first] = true;
        border[edge.edge.last + 1u] = true;
    }
    for (const FreeEdge& edge : free) {
        ++made.states_[edge.from + 1].free;
        made.free_.push_back(edge.to);
    }
    for (const FromCall& edge : calls) {
        ++made.states_[edge.from + 1].calls;
        made.calls_.push_back(edge.edge);
    }
    std::uint8_t number = 0;
    for (std::size_t byte = 0; byte < 256; ++byte) {
        if (byte > 0 && border[byte]) ++number;
        made.classes_[byte] = number;
    }
    made.n_classes_ = std::size_t{number} + 1;
    for (std::size_t s = 0; s < n_states_; ++s) {
        made.states_[s + 1].bytes += made.states_[s].bytes;
        made.states_[s + 1].free += made.states_[s].free;
        made.states_[s + 1].calls += made.states_[s].calls;
    }
    for (const Rule& rule : rules_) made.is_end_[rule.end] = true;
    // Backwards over free edges from the states that have anything else.
    const auto incoming = Incoming::sorted(free, n_states_, [](const auto& e) { return e.to; });
    std::vector<StateId> waiting;
    for (StateId s = 0; s < n_states_; ++s) {
        if (!made.byte_edges(s).empty() || made.first_call(s) != made.end_call(s)) waiting.push_back(s);
        made.only_returns_[s] = states[s];
    }
    for (const StateId s : waiting) made.only_returns_[s] = false;
    while (!waiting.empty()) {
        const StateId s = waiting.back();
        waiting.pop_back();
        for (const std::uint32_t i : incoming.of(s)) {
            if (!made.only_returns_[free[i].from]) continue;
            made.only_returns_[free[i].from] = false;
            waiting.push_back(free[i].from);
        }
    }
    return made;
}

Result<Automaton> AutomatonBuilder::finish(RuleId root, std::string_view what) {
    if (full_) {
        return make_error(SLUICE_E_LIMIT, what, " needs more than ", kMaxStates, " states, ", kMaxEdges,
                          " edges or ", kMaxRules, " rules");
    }
    const Incoming incoming(*this);
    std::vector<bool> completable(n_states_, false);
    std::vector<bool> productive(rules_.size(), false);
    spread(incoming, true, completable, productive);
    if (!productive[root]) return make_error(SLUICE_E_INVALID_ARGUMENT, "no text satisfies ", what);
    std::vector<bool> empty_states(n_states_, false);
    std::vector<bool> nullable(rules_.size(), false);
    spread(incoming, false, empty_states, nullable);
    SLUICE_TRY(check_recursion(completable, nullable));
    SLUICE_TRY(check_repetitions(completable, nullable));
    return flatten(root, completable, productive);
}

}  // namespace sluice::grammar
