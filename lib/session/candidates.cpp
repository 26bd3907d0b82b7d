// The cuts. Top-p and typical sort only as far as the sum needs: chunks that grow fourfold.
#include "session/candidates.h"

#include <algorithm>
#include <cmath>

#include "session/exponential.h"

namespace sluice {
namespace {

bool by_id(const Candidate& a, const Candidate& b) {
    return a.id < b.id;
}

// By scores, not weights: two weights can have become equal, or 0.
bool likelier(const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
}

void cut(std::vector<Candidate>& candidates, std::size_t n) {
    candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(n), candidates.end());
}

double total_weight(std::span<const Candidate> candidates) {
    double total = 0.0;
    for (const Candidate& candidate : candidates) total += candidate.weight;
    return total;
}

// Keeps the first candidates in the order `precedes` (a strict total one) whose weights reach p of the
// sum: the one that reaches it is in.
template <class Order>
void keep_share(std::vector<Candidate>& candidates, double p, Order precedes) {
    const double target = p * total_weight(candidates);
    std::size_t n_kept = 0;
    double sum = 0.0;
    for (std::size_t chunk = 64; n_kept < candidates.size() && sum < target; chunk *= 4) {
        const auto begin = candidates.begin() + static_cast<std::ptrdiff_t>(n_kept);
        const auto end = begin + static_cast<std::ptrdiff_t>(std::min(chunk, candidates.size() - n_kept));
        if (end != candidates.end()) std::nth_element(begin, end, candidates.end(), precedes);
        std::sort(begin, end, precedes);
        for (auto next = begin; next != end && sum < target; ++next) {
            sum += next->weight;
            ++n_kept;
        }
    }
    cut(candidates, n_kept);
    std::sort(candidates.begin(), candidates.end(), by_id);
}

}  // namespace

void weigh(std::span<Candidate> candidates, float temperature) {
    if (candidates.empty()) return;
    const double highest = std::min_element(candidates.begin(), candidates.end(), likelier)->score;
    const double divisor = temperature;
    for (Candidate& candidate : candidates) {
        // First the difference: a score divided by a tiny temperature would overflow.
        candidate.weight = exponential((static_cast<double>(candidate.score) - highest) / divisor);
    }
}

void keep_top_k(std::vector<Candidate>& candidates, std::size_t k) {
    if (k >= candidates.size()) return;
    std::nth_element(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(k), candidates.end(),
                     likelier);
    cut(candidates, k);
    std::sort(candidates.begin(), candidates.end(), by_id);
}

void keep_typical(std::vector<Candidate>& candidates, double p) {
    // With log p = x - log Z, the distance |-log p - entropy| is |x - mean of x|: no logarithm needed, and
    // the temperature scales all distances alike.
    double mean = 0.0;
    for (const Candidate& candidate : candidates) mean += candidate.weight * candidate.score;
    mean /= total_weight(candidates);
    keep_share(candidates, p, [mean](const Candidate& a, const Candidate& b) {
        const double distance_a = std::abs(a.score - mean);
        const double distance_b = std::abs(b.score - mean);
        return distance_a != distance_b ? distance_a < distance_b : likelier(a, b);
    });
}

void keep_top_p(std::vector<Candidate>& candidates, double p) {
    keep_share(candidates, p, likelier);
}

void keep_min_p(std::vector<Candidate>& candidates, double p) {
    double highest = 0.0;
    for (const Candidate& candidate : candidates) highest = std::max(highest, candidate.weight);
    std::erase_if(candidates, [=](const Candidate& candidate) { return candidate.weight < p * highest; });
}

TokenId draw(std::span<const Candidate> candidates, double fraction) {
    const double target = fraction * total_weight(candidates);
    double sum = 0.0;
    TokenId last = kNoToken;
    for (const Candidate& candidate : candidates) {
        if (!(candidate.weight > 0.0)) continue;
        last = candidate.id;
        sum += candidate.weight;
        if (sum > target) break;
    }
    return last;  // fraction * total may have been rounded up to the total
}

}  // namespace sluice
