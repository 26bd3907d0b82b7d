#include "quality/divergence.h"

#include <algorithm>
#include <cmath>

namespace quality {
namespace {

// Natural logarithms of a row's probabilities.
void log_probabilities(const float* logits, std::size_t n, std::vector<double>& out) {
    const double largest = *std::max_element(logits, logits + n);
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(logits[i]) - largest);
    const double shift = largest + std::log(sum);
    out.resize(n);
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<double>(logits[i]) - shift;
}

double share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 1.0 : static_cast<double>(part) / static_cast<double>(whole);
}

void add_experts(const Reader& reference, const Reader& model, std::size_t n_rows, Divergence& sums) {
    const std::size_t n_used = reference.n_experts_used();
    for (std::size_t layer = 0; layer < reference.experts().size(); ++layer) {
        for (std::size_t row = 0; row < n_rows; ++row) {
            const auto* theirs = reference.experts()[layer].data() + row * n_used;
            const auto* ours = model.experts()[layer].data() + row * n_used;
            for (std::size_t i = 0; i < n_used; ++i) {
                sums.n_same_experts += std::binary_search(ours, ours + n_used, theirs[i]) ? 1 : 0;
            }
            sums.n_experts += n_used;
        }
    }
}

}  // namespace

double Divergence::perplexity() const {
    return n_tokens == 0 ? 0.0 : std::exp(surprise / static_cast<double>(n_tokens));
}

double Divergence::best_agreement() const {
    return share(n_same_best, n_tokens);
}

double Divergence::expert_agreement() const {
    return share(n_same_experts, n_experts);
}

void add_window(const std::vector<sluicepp::TokenId>& ids, const Reader& reference, const Reader& model,
                Divergence& sums) {
    const std::size_t n = reference.vocabulary_size();
    const std::size_t n_rows = ids.size() - 1;
    std::vector<double> theirs;
    std::vector<double> ours;
    for (std::size_t row = 0; row < n_rows; ++row) {
        log_probabilities(reference.logits().data() + row * n, n, theirs);
        log_probabilities(model.logits().data() + row * n, n, ours);
        double divergence = 0.0;
        for (std::size_t i = 0; i < n; ++i) divergence += std::exp(theirs[i]) * (theirs[i] - ours[i]);
        sums.divergence += divergence;
        sums.surprise -= ours[static_cast<std::size_t>(ids[row + 1])];
        const auto best = std::max_element(theirs.begin(), theirs.end()) - theirs.begin();
        sums.n_same_best += std::max_element(ours.begin(), ours.end()) - ours.begin() == best ? 1 : 0;
        ++sums.n_tokens;
    }
    add_experts(reference, model, n_rows, sums);
}

}  // namespace quality
