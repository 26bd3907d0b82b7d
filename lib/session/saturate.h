// Scores stay finite however large a bias or penalty is; only "forbidden" is infinite.
#pragma once

#include <algorithm>
#include <limits>

namespace sluice {

// The nearest finite float; minus infinity stays. Requires a number.
inline float saturate(double score) {
    constexpr double kHighest = std::numeric_limits<float>::max();
    if (score == -std::numeric_limits<double>::infinity()) return -std::numeric_limits<float>::infinity();
    return static_cast<float>(std::clamp(score, -kHighest, kHighest));
}

}  // namespace sluice
