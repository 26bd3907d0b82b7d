// When generation ends by what was said: stop strings in the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice {

constexpr std::size_t kMaxStopStrings = 64;
constexpr std::size_t kMaxStopStringSize = 4096;

// Passes text through, holding back what may be the beginning of a stop string. One thread at a time.
// Only create allocates, apart from what `out` needs.
class StopStrings {
public:
    StopStrings() = default;  // none: all text passes

    // Errors: INVALID_ARGUMENT (empty string, not UTF-8), LIMIT.
    static Result<StopStrings> create(std::vector<std::string> strings);

    // Appends to `out` the part of held-back and new text that can no longer belong to a stop string.
    // Returns the index of the stop string that is complete: the one that begins first, the longest of
    // those, the lower index of two equal ones; text from its beginning on is dropped, as by reset. The
    // judgement falls at the end of each push: a stop string that is complete does not wait for a longer
    // one that may still come.
    // When text ends with a whole character, so does what is appended. O(text.size() * strings).
    std::optional<std::uint32_t> push(std::string_view text, std::string& out);
    // Appends what is held back: no stop string will come.
    void finish(std::string& out);
    // Drops what is held back.
    void reset();

    std::size_t memory() const;  // bytes taken, without those of the object itself

private:
    struct Match {
        std::size_t begin = 0;  // in held-back and new text together
        std::size_t size = 0;
        std::uint32_t index = 0;
    };

    std::optional<Match> find_match(std::string_view text);

    std::vector<std::string> strings_;
    // fallbacks_[k][n]: the longest proper beginning of strings_[k] that its first n + 1 bytes end with.
    std::vector<std::vector<std::uint16_t>> fallbacks_;
    std::vector<std::uint16_t> n_matched_;  // first bytes of each string that the text so far ends with
    std::string held_;
};

}  // namespace sluice
