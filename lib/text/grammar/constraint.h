// A constraint on the text that a model writes: an automaton and a vocabulary, and the masks that were needed
// so far. Matchers go through it, one for each text.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "text/grammar/automaton.h"
#include "text/grammar/configurations.h"
#include "text/grammar/token_mask.h"
#include "text/grammar/vocabulary_index.h"

namespace sluice::grammar {

struct ConstraintLimits {
    // What masks and configurations of one constraint may take. Beyond, the oldest masks go and configurations
    // are found anew; a matcher that rests keeps what it stands on.
    std::size_t mask_memory = 16u << 20;
    std::size_t configuration_memory = 32u << 20;
};

struct ConstraintStatistics {
    std::uint64_t masks_computed = 0;
    std::uint64_t masks_found = 0;  // that had been computed before
    std::size_t n_configurations = 0;
    std::size_t memory = 0;  // bytes of automaton, masks and configurations, without the vocabulary
};

class Matcher;

// Any thread; calls wait for each other where they need what was computed so far.
class Constraint : public std::enable_shared_from_this<Constraint> {
public:
    // end_tokens may come where the text is complete; empty: the vocabulary's stop tokens.
    static std::shared_ptr<const Constraint> create(Automaton automaton,
                                                    std::shared_ptr<const VocabularyIndex> vocabulary,
                                                    std::vector<TokenId> end_tokens = {},
                                                    const ConstraintLimits& limits = {});

    // At the start of a text.
    Matcher matcher() const;

    const VocabularyIndex& vocabulary() const { return *vocabulary_; }
    const Automaton& automaton() const { return automaton_; }
    std::span<const TokenId> end_tokens() const { return end_tokens_; }
    ConstraintStatistics statistics() const;

private:
    friend class Matcher;
    // Configurations of one time, with the masks that belong to their numbers.
    struct Tables {
        explicit Tables(const Automaton& automaton) : configurations(automaton) {}
        Configurations configurations;
        std::unordered_map<ConfigurationId, std::shared_ptr<const TokenMask>> masks;
        std::deque<ConfigurationId> oldest;
    };

    Constraint(Automaton automaton, std::shared_ptr<const VocabularyIndex> vocabulary,
               std::vector<TokenId> end_tokens, const ConstraintLimits& limits);
    std::shared_ptr<const TokenMask> compute_mask(Tables& tables, ConfigurationId at) const;
    void walk(const TokenTrie& trie, Configurations& configurations, ConfigurationId at, TokenMask& mask) const;

    const Automaton automaton_;
    const std::shared_ptr<const VocabularyIndex> vocabulary_;
    const std::vector<TokenId> end_tokens_;
    const ConstraintLimits limits_;

    mutable std::mutex lock_;
    mutable std::shared_ptr<Tables> tables_;
    mutable std::vector<ConfigurationId> path_;  // of a walk, by depth
    mutable std::uint64_t masks_computed_ = 0;
    mutable std::uint64_t masks_found_ = 0;
};

// The place of one text in its constraint. Copying is cheap and is how to come back. One thread at a time.
class Matcher {
public:
    // Takes a token's bytes. Errors: INVALID_ARGUMENT (the constraint does not allow them), LIMIT (the
    // constraint is so ambiguous that a budget of states or work ends). The place is then as it was.
    Done accept(std::string_view bytes);
    Done accept(TokenId id);  // errors: also an id that has no bytes

    // The text so far may end here.
    bool is_complete() const;

    // Which tokens may come next; end tokens are among them where the text is complete. None at all where only
    // deeper nesting than is allowed would go on. Errors: LIMIT.
    Result<std::shared_ptr<const TokenMask>> mask();

    // The bytes that have to come next, at most `limit`: every continuation starts with them.
    std::string forced(std::size_t limit = 4096);

    const Constraint& constraint() const { return *constraint_; }

private:
    friend class Constraint;
    explicit Matcher(std::shared_ptr<const Constraint> constraint) : constraint_(std::move(constraint)) {}
    Configurations& current();

    std::shared_ptr<const Constraint> constraint_;
    std::shared_ptr<Constraint::Tables> tables_;
    ConfigurationId at_ = kDead;
};

}  // namespace sluice::grammar
