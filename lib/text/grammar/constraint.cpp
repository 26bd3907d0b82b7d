// Masks: slices that are allowed as a whole are joined in, the others are walked as trees, where a byte that
// leads nowhere skips all tokens that begin so.
#include "text/grammar/constraint.h"

#include <algorithm>
#include <bit>

#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice::grammar {
namespace {

Error out_of_budget() {
    return make_error(SLUICE_E_LIMIT, "the constraint is too ambiguous: more than ", kMaxLiveStates,
                      " states at once, or ", kMaxWork, " visited for one token");
}

void set_bit(std::vector<std::uint64_t>& words, TokenId id) {
    const auto i = static_cast<std::size_t>(id);
    words[i / 64] |= std::uint64_t{1} << (i % 64);
}

void count(TokenMask& mask) {
    for (const std::uint64_t word : mask.words) mask.n_allowed += static_cast<std::size_t>(std::popcount(word));
    if (mask.n_allowed > kMaxListed) return;
    for (std::size_t w = 0; w < mask.words.size(); ++w) {
        for (std::uint64_t word = mask.words[w]; word != 0; word &= word - 1)
            mask.few.push_back(static_cast<TokenId>(w * 64 + static_cast<std::size_t>(std::countr_zero(word))));
    }
}

}  // namespace

Constraint::Constraint(Automaton automaton, std::shared_ptr<const VocabularyIndex> vocabulary,
                       std::vector<TokenId> end_tokens, const ConstraintLimits& limits)
    : automaton_(std::move(automaton)),
      vocabulary_(std::move(vocabulary)),
      end_tokens_(std::move(end_tokens)),
      limits_(limits),
      tables_(std::make_shared<Tables>(automaton_)),
      path_(vocabulary_->max_depth() + 1) {}

std::shared_ptr<const Constraint> Constraint::create(Automaton automaton,
                                                     std::shared_ptr<const VocabularyIndex> vocabulary,
                                                     std::vector<TokenId> end_tokens,
                                                     const ConstraintLimits& limits) {
    if (end_tokens.empty())
        end_tokens.assign(vocabulary->stop_tokens().begin(), vocabulary->stop_tokens().end());
    return std::shared_ptr<const Constraint>(
        new Constraint(std::move(automaton), std::move(vocabulary), std::move(end_tokens), limits));
}

Matcher Constraint::matcher() const {
    Matcher made(shared_from_this());
    const std::lock_guard hold(lock_);
    tables_->configurations.clear_failure();
    made.tables_ = tables_;
    made.at_ = tables_->configurations.start();
    return made;
}

ConstraintStatistics Constraint::statistics() const {
    const std::lock_guard hold(lock_);
    ConstraintStatistics found;
    found.masks_computed = masks_computed_;
    found.masks_found = masks_found_;
    found.n_configurations = tables_->configurations.n_configurations();
    found.memory = automaton_.memory() + tables_->configurations.memory() +
                   tables_->masks.size() * vocabulary_->n_words() * sizeof(std::uint64_t);
    return found;
}

void Constraint::walk(const TokenTrie& trie, Configurations& configurations, ConfigurationId at,
                      TokenMask& mask) const {
    const auto nodes = trie.nodes();
    path_[0] = at;
    for (std::size_t i = 0; i < nodes.size();) {
        const TokenTrie::Node& node = nodes[i];
        const ConfigurationId to = configurations.step(path_[node.depth], node.byte);
        if (to == kDead) {
            i = node.end;
            continue;
        }
        path_[node.depth + 1u] = to;
        if (node.n_tokens > 0) {
            for (const TokenId id : trie.tokens(node)) set_bit(mask.words, id);
        }
        ++i;
    }
}

std::shared_ptr<const TokenMask> Constraint::compute_mask(Tables& tables, ConfigurationId at) const {
    Configurations& configurations = tables.configurations;
    auto mask = std::make_shared<TokenMask>();
    mask->words.assign(vocabulary_->n_words(), 0);
    std::size_t longest = 0;
    for (const auto& slice : vocabulary_->slices()) longest = std::max(longest, slice.max_characters);
    const std::size_t free = configurations.free_characters(at, longest);
    for (const auto& slice : vocabulary_->slices()) {
        if (slice.max_characters > 0 && slice.max_characters <= free) {
            for (std::size_t w = 0; w < slice.words.size(); ++w) mask->words[w] |= slice.words[w];
        } else {
            walk(slice.trie, configurations, at, *mask);
        }
    }
    if (configurations.accepts(at)) {
        for (const TokenId id : end_tokens_) set_bit(mask->words, id);
    }
    count(*mask);
    return mask;
}

// The configurations that are in use now; a matcher from before takes its place over.
Configurations& Matcher::current() {
    const Constraint& owner = *constraint_;
    if (owner.tables_->configurations.memory() > owner.limits_.configuration_memory)
        owner.tables_ = std::make_shared<Constraint::Tables>(owner.automaton_);
    if (tables_ != owner.tables_) {
        const LooseConfiguration loose = tables_->configurations.take_out(at_);
        at_ = owner.tables_->configurations.take_in(loose);
        tables_ = owner.tables_;
    }
    tables_->configurations.clear_failure();
    return tables_->configurations;
}

Done Matcher::accept(std::string_view bytes) {
    const std::lock_guard hold(constraint_->lock_);
    Configurations& configurations = current();
    const ConfigurationId to = configurations.step(at_, bytes);
    if (configurations.has_failed()) return out_of_budget();
    if (to == kDead) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "the constraint does not allow ", printable(bytes),
                          " here");
    }
    at_ = to;
    return Nothing{};
}

Done Matcher::accept(TokenId id) {
    const std::string_view bytes = constraint_->vocabulary().bytes(id);
    if (bytes.empty())
        return make_error(SLUICE_E_INVALID_ARGUMENT, "token ", id, " is no text that a constraint could allow");
    return accept(bytes);
}

bool Matcher::is_complete() const {
    const std::lock_guard hold(constraint_->lock_);
    return tables_->configurations.accepts(at_);
}

Result<std::shared_ptr<const TokenMask>> Matcher::mask() {
    const Constraint& owner = *constraint_;
    const std::lock_guard hold(owner.lock_);
    Configurations& configurations = current();
    Constraint::Tables& tables = *tables_;
    const auto known = tables.masks.find(at_);
    if (known != tables.masks.end()) {
        ++owner.masks_found_;
        return known->second;
    }
    if (at_ == kDead) return out_of_budget();  // no start was found
    auto mask = owner.compute_mask(tables, at_);
    if (configurations.has_failed()) return out_of_budget();
    ++owner.masks_computed_;
    const std::size_t size = owner.vocabulary().n_words() * sizeof(std::uint64_t);
    while (!tables.oldest.empty() && (tables.masks.size() + 1) * size > owner.limits_.mask_memory) {
        tables.masks.erase(tables.oldest.front());
        tables.oldest.pop_front();
    }
    tables.masks.emplace(at_, mask);
    tables.oldest.push_back(at_);
    return mask;
}

std::string Matcher::forced(std::size_t limit) {
    const std::lock_guard hold(constraint_->lock_);
    Configurations& configurations = current();
    std::string bytes;
    ConfigurationId at = at_;
    while (bytes.size() < limit) {
        const auto byte = configurations.only_byte(at);
        if (!byte) break;
        at = configurations.step(at, *byte);
        if (at == kDead) break;
        bytes += static_cast<char>(*byte);
    }
    return bytes;
}

}  // namespace sluice::grammar
