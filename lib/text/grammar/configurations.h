// Where an automaton can be after some text, as it is found out: a configuration is a set of states, each with
// the calls that it has to return to. Equal sets are one configuration, and steps between configurations are
// remembered, so that most bytes cost one look into a table. One thread at a time.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "text/grammar/automaton.h"

namespace sluice::grammar {

using ConfigurationId = std::uint32_t;
constexpr ConfigurationId kDead = 0;

// The budgets of a run (reference/reliability.md 3.3).
constexpr std::size_t kMaxLiveStates = 4096;   // of one configuration
constexpr std::uint32_t kMaxCallDepth = 1000;  // calls in calls; what would nest deeper is not allowed
constexpr std::size_t kMaxWork = 1u << 20;     // states visited for one token's mask
constexpr std::size_t kMaxSteps = 64u << 20;   // remembered at once, of 4 bytes

// A configuration on its own, to be taken into other tables.
struct LooseConfiguration {
    struct Frame {
        std::uint32_t call = 0;
        std::uint32_t count = 0;
    };
    struct Place {
        StateId state = 0;
        std::vector<Frame> frames;  // innermost first
    };
    std::vector<Place> places;
    bool accepts = false;
};

class Configurations {
public:
    // The automaton outlives this.
    explicit Configurations(const Automaton& automaton);

    // kDead only where a budget ends it.
    ConfigurationId start();
    // kDead where nothing goes on. Also where a budget ends it: then has_failed() holds until clear_failure().
    ConfigurationId step(ConfigurationId from, std::uint8_t byte) {
        const ConfigurationId known = next_[from * n_classes_ + classes_[byte]];
        return known != kUnknown ? known : find_step(from, byte);
    }
    ConfigurationId step(ConfigurationId from, std::string_view bytes);
    bool accepts(ConfigurationId id) const { return sets_[id].accepts; }

    // The only byte that may come, where there is one and the text may not end.
    std::optional<std::uint8_t> only_byte(ConfigurationId id);

    // How many characters may follow whatever they are, if each is one of count_plain_characters
    // (vocabulary_index.h); at most `limit` are looked for.
    std::size_t free_characters(ConfigurationId id, std::size_t limit);

    void clear_failure() {
        failed_ = false;
        work_ = 0;
    }
    bool has_failed() const { return failed_; }

    LooseConfiguration take_out(ConfigurationId id) const;
    ConfigurationId take_in(const LooseConfiguration& loose);

    std::size_t n_configurations() const { return sets_.size(); }
    std::size_t memory() const;

private:
    static constexpr ConfigurationId kUnknown = 0xFFFFFFFF;
    static constexpr std::uint32_t kNoFrame = 0;

    struct Frame {
        std::uint32_t call = 0;   // number of the call edge
        std::uint32_t count = 0;  // times that its rule has ended, for repetitions
        std::uint32_t below = 0;
        std::uint32_t depth = 0;
    };
    struct Place {
        StateId state = 0;
        std::uint32_t frame = kNoFrame;
        auto operator<=>(const Place&) const = default;
    };
    struct Set {
        std::size_t first = 0;  // in places_
        std::uint32_t size = 0;
        bool accepts = false;
    };

    ConfigurationId find_step(ConfigurationId from, std::uint8_t byte);
    void spread();
    bool visit(std::uint64_t key);
    void enter(std::uint32_t call, std::uint32_t frame);
    void leave(std::uint32_t frame);
    std::uint32_t frame_of(std::uint32_t call, std::uint32_t count, std::uint32_t below);
    ConfigurationId number_of_found();
    const std::vector<ConfigurationId>* after_plain_character(ConfigurationId id);
    bool follow_plain(std::vector<ConfigurationId>& set, std::uint8_t first, std::uint8_t last);

    const Automaton& automaton_;
    std::array<std::uint8_t, 256> classes_;
    std::size_t n_classes_;
    std::vector<std::uint8_t> byte_of_class_;  // one byte of each

    std::vector<Frame> frames_;
    std::unordered_multimap<std::uint64_t, std::uint32_t> frame_numbers_;
    std::vector<Place> places_;
    std::vector<Set> sets_;
    std::unordered_multimap<std::uint64_t, ConfigurationId> set_numbers_;
    std::vector<ConfigurationId> next_;
    std::unordered_map<ConfigurationId, std::vector<ConfigurationId>> plain_;  // empty: not every character

    // While a configuration is found:
    std::vector<Place> waiting_;
    std::vector<Place> found_;
    std::vector<std::uint64_t> visited_few_;
    std::unordered_set<std::uint64_t> visited_many_;
    std::size_t work_ = 0;
    bool found_end_ = false;
    bool failed_ = false;
};

}  // namespace sluice::grammar
