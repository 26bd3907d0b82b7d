// The constraints of one tokenizer, by what they were made from: who asks for the same again gets the same,
// with the masks that were computed meanwhile. The vocabulary is prepared when the first one is made.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/grammar/constraint.h"
#include "text/grammar/vocabulary_index.h"

namespace sluice::grammar {

enum class ConstraintKind {
    kJsonSchema = 1,
    kRegex = 2,    // the whole text matches
    kGrammar = 3,  // ebnf.h
    kTools = 4,    // calls of tools; tool_signatures.h
};

struct ConstraintSource {
    ConstraintKind kind = ConstraintKind::kJsonSchema;
    std::string_view text;
    bool free_whitespace = false;  // of JSON; see json_schema.h
    bool open_objects = false;
    bool json_calls = false;          // tools: JSON rather than Python
    bool one_call = false;            // tools: exactly one
    std::string_view only_tool;       // tools: calls of this one; empty: of all
    std::vector<TokenId> end_tokens;  // empty: the tokenizer's stop tokens
};

// The automaton alone. Errors: those of the kind, and INVALID_ARGUMENT for options of another kind.
Result<Automaton> compile(const ConstraintSource& source);

// Any thread. Two that ask for the same at the same time may both compile it.
class ConstraintCache {
public:
    // Constraints that nobody uses are kept, this many, the last asked for.
    static constexpr std::size_t kKept = 4;

    // `tokenizer` is the one that owns this. Errors: as compile.
    Result<std::shared_ptr<const Constraint>> find_or_make(const Tokenizer& tokenizer,
                                                           const ConstraintSource& source);

    std::shared_ptr<const VocabularyIndex> vocabulary(const Tokenizer& tokenizer);

private:
    struct Entry {
        std::string key;
        std::shared_ptr<const Constraint> constraint;
    };

    std::mutex lock_;
    std::shared_ptr<const VocabularyIndex> vocabulary_;
    std::deque<Entry> entries_;  // the last asked for first
};

}  // namespace sluice::grammar
