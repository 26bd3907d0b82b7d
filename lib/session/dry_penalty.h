// "Don't repeat yourself": tokens that would go on repeating a sequence lose the more, the longer it is.
// After p-e-w's public description, text-generation-webui pull request 5677.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "text/vocabulary.h"

namespace sluice {

struct DryOptions {
    float multiplier = 0.0F;  // 0: off
    float base = 1.75F;
    std::size_t allowed_length = 2;
    std::size_t window = 0;  // 0: the whole history
};

// One thread at a time. apply does not allocate.
class DryPenalty {
public:
    DryPenalty() = default;  // off

    // capacity: the longest history that apply will see; of a longer one it looks at the last part.
    // Requires breakers within [0, n_tokens).
    DryPenalty(const DryOptions& options, std::span<const TokenId> breakers, std::size_t n_tokens,
               std::size_t capacity);

    // Where the last tokens of the history occurred before, `length` of them, the token that followed
    // there loses multiplier * base^(length - allowed_length), if length reaches allowed_length; the
    // longest counts. No match crosses a breaker, and no breaker is penalised. O(window).
    // Requires scores of n_tokens.
    void apply(std::span<const TokenId> history, std::span<float> scores);

    std::size_t memory() const;

private:
    bool is_breaker(TokenId id) const;
    void find_matches(std::span<const TokenId> seen);
    double penalty(std::size_t length) const;

    DryOptions options_;
    std::vector<std::uint8_t> breakers_;  // by token id
    std::vector<std::uint32_t> matches_;  // by distance from the end of the window
    std::vector<std::uint32_t> longest_;  // by token id; 0 between calls
    std::vector<TokenId> found_;          // tokens whose longest_ is not 0
};

}  // namespace sluice
