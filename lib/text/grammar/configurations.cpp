// Finding configurations. From each state without taking a byte: free edges, calls into rules, and at the end
// of a rule back to where it was called from.
#include "text/grammar/configurations.h"

#include <algorithm>

namespace sluice::grammar {
namespace {

std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
    hash ^= value + 0x9E3779B97F4A7C15ull + (hash << 6) + (hash >> 2);
    return hash * 0xFF51AFD7ED558CCDull;
}

// Wider and the question is not worth its answer: the slow way is taken.
constexpr std::size_t kMaxFrontier = 8;

}  // namespace

Configurations::Configurations(const Automaton& automaton)
    : automaton_(automaton), classes_(automaton.classes()), n_classes_(automaton.n_classes()) {
    byte_of_class_.resize(n_classes_);
    for (std::size_t byte = 0; byte < 256; ++byte)
        byte_of_class_[classes_[byte]] = static_cast<std::uint8_t>(byte);
    frames_.push_back({});
    sets_.push_back({});
    next_.assign(n_classes_, kDead);
}

ConfigurationId Configurations::start() {
    waiting_.assign(1, {automaton_.root().start, kNoFrame});
    spread();
    return failed_ ? kDead : number_of_found();
}

ConfigurationId Configurations::step(ConfigurationId from, std::string_view bytes) {
    for (const char c : bytes) {
        from = step(from, static_cast<std::uint8_t>(c));
        if (from == kDead) break;
    }
    return from;
}

ConfigurationId Configurations::find_step(ConfigurationId from, std::uint8_t byte) {
    if (failed_) return kDead;
    waiting_.clear();
    const Set set = sets_[from];
    for (std::size_t i = set.first; i < set.first + set.size; ++i) {
        const Place place = places_[i];
        for (const ByteEdge& edge : automaton_.byte_edges(place.state)) {
            if (edge.first <= byte && byte <= edge.last) waiting_.push_back({edge.target, place.frame});
        }
    }
    spread();
    if (failed_) return kDead;
    const ConfigurationId to = number_of_found();
    if (failed_) return kDead;
    next_[from * n_classes_ + classes_[byte]] = to;
    return to;
}

// Whether it is the first time. Most sets are so small that looking through them is quickest.
bool Configurations::visit(std::uint64_t key) {
    constexpr std::size_t kFew = 24;
    if (std::find(visited_few_.begin(), visited_few_.end(), key) != visited_few_.end()) return false;
    if (visited_few_.size() == kFew) return visited_many_.insert(key).second;
    visited_few_.push_back(key);
    return true;
}

// waiting_ -> found_: places with edges that take bytes, and whether the whole text may end.
void Configurations::spread() {
    found_.clear();
    visited_few_.clear();
    if (!visited_many_.empty()) visited_many_.clear();
    found_end_ = false;
    while (!waiting_.empty()) {
        const Place place = waiting_.back();
        waiting_.pop_back();
        const std::uint64_t key = std::uint64_t{place.state} << 32 | place.frame;
        if (!visit(key)) continue;
        if (++work_ > kMaxWork || found_.size() > kMaxLiveStates) {
            failed_ = true;
            waiting_.clear();
            return;
        }
        if (!automaton_.byte_edges(place.state).empty()) found_.push_back(place);
        for (const StateId to : automaton_.free_edges(place.state)) waiting_.push_back({to, place.frame});
        const std::uint32_t end = automaton_.end_call(place.state);
        for (std::uint32_t call = automaton_.first_call(place.state); call < end; ++call)
            enter(call, place.frame);
        if (automaton_.is_end(place.state)) leave(place.frame);
    }
    std::sort(found_.begin(), found_.end());
}

void Configurations::enter(std::uint32_t call, std::uint32_t frame) {
    const CallEdge& edge = automaton_.call(call);
    const StateId start = automaton_.rule(edge.rule).start;
    if (edge.is_plain() && automaton_.only_returns(edge.target)) {
        // Nothing is left to do after the call, so it returns where its caller returns to.
        waiting_.push_back({start, frame});
        return;
    }
    if (edge.min == 0) waiting_.push_back({edge.target, frame});
    if (frames_[frame].depth >= kMaxCallDepth) return;
    waiting_.push_back({start, frame_of(call, 0, frame)});
}

void Configurations::leave(std::uint32_t frame) {
    if (frame == kNoFrame) {
        found_end_ = true;
        return;
    }
    const Frame from = frames_[frame];
    const CallEdge& edge = automaton_.call(from.call);
    const std::uint32_t count = from.count + 1;
    if (count >= edge.min) waiting_.push_back({edge.target, from.below});
    if (edge.is_plain()) return;
    if (edge.max != kUnbounded && count >= edge.max) return;
    const std::uint32_t kept = edge.max == kUnbounded ? std::min(count, edge.min) : count;
    waiting_.push_back({automaton_.rule(edge.rule).start, frame_of(from.call, kept, from.below)});
}

std::uint32_t Configurations::frame_of(std::uint32_t call, std::uint32_t count, std::uint32_t below) {
    const std::uint64_t hash = mixed(mixed(mixed(0, call), count), below);
    const auto [first, last] = frame_numbers_.equal_range(hash);
    for (auto known = first; known != last; ++known) {
        const Frame& frame = frames_[known->second];
        if (frame.call == call && frame.count == count && frame.below == below) return known->second;
    }
    frames_.push_back({call, count, below, frames_[below].depth + 1});
    const auto number = static_cast<std::uint32_t>(frames_.size() - 1);
    frame_numbers_.emplace(hash, number);
    return number;
}

ConfigurationId Configurations::number_of_found() {
    if (found_.empty() && !found_end_) return kDead;
    std::uint64_t hash = found_end_ ? 1 : 0;
    for (const Place& place : found_) hash = mixed(mixed(hash, place.state), place.frame);
    const auto [first, last] = set_numbers_.equal_range(hash);
    for (auto known = first; known != last; ++known) {
        const Set& set = sets_[known->second];
        if (set.accepts == found_end_ && set.size == found_.size() &&
            std::equal(found_.begin(), found_.end(), places_.begin() + static_cast<std::ptrdiff_t>(set.first)))
            return known->second;
    }
    if (next_.size() > kMaxSteps) {
        failed_ = true;
        return kDead;
    }
    const auto id = static_cast<ConfigurationId>(sets_.size());
    sets_.push_back({places_.size(), static_cast<std::uint32_t>(found_.size()), found_end_});
    places_.insert(places_.end(), found_.begin(), found_.end());
    next_.resize(next_.size() + n_classes_, kUnknown);
    set_numbers_.emplace(hash, id);
    return id;
}

std::optional<std::uint8_t> Configurations::only_byte(ConfigurationId id) {
    if (accepts(id)) return std::nullopt;
    std::optional<std::uint8_t> only;
    const Set set = sets_[id];
    for (std::size_t i = set.first; i < set.first + set.size; ++i) {
        for (const ByteEdge& edge : automaton_.byte_edges(places_[i].state)) {
            if (edge.first != edge.last || (only && *only != edge.first)) return std::nullopt;
            only = edge.first;
        }
    }
    return only;
}

// From every configuration of `set` over every byte from first to last, all of which have to go on.
bool Configurations::follow_plain(std::vector<ConfigurationId>& set, std::uint8_t first, std::uint8_t last) {
    std::vector<ConfigurationId> after;
    for (const ConfigurationId id : set) {
        for (unsigned byte = first; byte <= last; ++byte) {
            if (byte > first && classes_[byte] == classes_[byte - 1]) continue;
            const ConfigurationId to = step(id, static_cast<std::uint8_t>(byte));
            if (to == kDead) return false;
            if (std::find(after.begin(), after.end(), to) == after.end()) after.push_back(to);
            if (after.size() > kMaxFrontier) return false;
        }
    }
    set = std::move(after);
    return true;
}

const std::vector<ConfigurationId>* Configurations::after_plain_character(ConfigurationId id) {
    const auto known = plain_.find(id);
    if (known != plain_.end()) return known->second.empty() ? nullptr : &known->second;
    struct Piece {
        std::uint8_t first;
        std::uint8_t last;
    };
    // The well-formed byte sequences of UTF-8 (Unicode 15, table 3-7), without what is not plain.
    static constexpr std::array<std::array<Piece, 4>, 11> kForms{{
        {{{0x20, 0x21}}},
        {{{0x23, 0x5B}}},
        {{{0x5D, 0x7F}}},
        {{{0xC2, 0xDF}, {0x80, 0xBF}}},
        {{{0xE0, 0xE0}, {0xA0, 0xBF}, {0x80, 0xBF}}},
        {{{0xE1, 0xEC}, {0x80, 0xBF}, {0x80, 0xBF}}},
        {{{0xED, 0xED}, {0x80, 0x9F}, {0x80, 0xBF}}},
        {{{0xEE, 0xEF}, {0x80, 0xBF}, {0x80, 0xBF}}},
        {{{0xF0, 0xF0}, {0x90, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}}},
        {{{0xF1, 0xF3}, {0x80, 0xBF}, {0x80, 0xBF}, {0x80, 0xBF}}},
        {{{0xF4, 0xF4}, {0x80, 0x8F}, {0x80, 0xBF}, {0x80, 0xBF}}},
    }};
    std::vector<ConfigurationId> all;
    for (const auto& form : kForms) {
        std::vector<ConfigurationId> set{id};
        bool goes_on = true;
        for (std::size_t i = 0; i < form.size() && form[i].last != 0 && goes_on; ++i)
            goes_on = follow_plain(set, form[i].first, form[i].last);
        for (const ConfigurationId to : set) {
            if (std::find(all.begin(), all.end(), to) == all.end()) all.push_back(to);
        }
        if (!goes_on || all.size() > kMaxFrontier) {
            all.clear();
            break;
        }
    }
    if (failed_) return nullptr;
    const auto& kept = plain_.emplace(id, std::move(all)).first->second;
    return kept.empty() ? nullptr : &kept;
}

std::size_t Configurations::free_characters(ConfigurationId id, std::size_t limit) {
    std::vector<ConfigurationId> frontier{id};
    std::vector<ConfigurationId> seen = frontier;
    for (std::size_t n = 0; n < limit; ++n) {
        std::vector<ConfigurationId> after;
        bool is_new = false;
        for (const ConfigurationId at : frontier) {
            const auto* next = after_plain_character(at);
            if (next == nullptr) return n;
            for (const ConfigurationId to : *next) {
                if (std::find(after.begin(), after.end(), to) == after.end()) after.push_back(to);
                if (std::find(seen.begin(), seen.end(), to) != seen.end()) continue;
                seen.push_back(to);
                is_new = true;
            }
        }
        if (!is_new) return limit;  // a loop: any number may follow
        if (after.size() > kMaxFrontier) return n;
        frontier = std::move(after);
    }
    return limit;
}

LooseConfiguration Configurations::take_out(ConfigurationId id) const {
    LooseConfiguration loose;
    const Set& set = sets_[id];
    loose.accepts = set.accepts;
    for (std::size_t i = set.first; i < set.first + set.size; ++i) {
        LooseConfiguration::Place place{places_[i].state, {}};
        for (std::uint32_t frame = places_[i].frame; frame != kNoFrame; frame = frames_[frame].below)
            place.frames.push_back({frames_[frame].call, frames_[frame].count});
        loose.places.push_back(std::move(place));
    }
    return loose;
}

ConfigurationId Configurations::take_in(const LooseConfiguration& loose) {
    found_.clear();
    found_end_ = loose.accepts;
    for (const LooseConfiguration::Place& place : loose.places) {
        std::uint32_t frame = kNoFrame;
        for (auto f = place.frames.rbegin(); f != place.frames.rend(); ++f)
            frame = frame_of(f->call, f->count, frame);
        found_.push_back({place.state, frame});
    }
    std::sort(found_.begin(), found_.end());
    return number_of_found();
}

std::size_t Configurations::memory() const {
    // What a node of a hash table takes beside its content, about.
    constexpr std::size_t kNode = 32;
    return frames_.capacity() * sizeof(Frame) + frame_numbers_.size() * (kNode + 16) +
           places_.capacity() * sizeof(Place) + sets_.capacity() * sizeof(Set) +
           set_numbers_.size() * (kNode + 16) + next_.capacity() * sizeof(ConfigurationId) +
           plain_.size() * (kNode + 48);
}

}  // namespace sluice::grammar
