// The tokens that may be drawn, and the cuts that make them fewer. Between cuts the list is in order of
// ids, so that a cut that removes nothing changes no draw. Nothing here allocates.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "text/vocabulary.h"

namespace sluice {

struct Candidate {
    TokenId id = kNoToken;
    float score = 0.0F;   // finite: the logit after bias and penalties
    double weight = 0.0;  // proportional to the probability
};

// weight = e^((score - highest score) / temperature). Requires temperature above 0.
void weigh(std::span<Candidate> candidates, float temperature);

// The k highest scores, the lower id of two equal ones. Requires k > 0. Weights play no part.
void keep_top_k(std::vector<Candidate>& candidates, std::size_t k);

// Locally typical sampling (Meister et al., arXiv 2202.00666): the tokens whose information is nearest to
// the entropy, until they sum to p; of two equally near the likelier, then the lower id.
void keep_typical(std::vector<Candidate>& candidates, double p);

// Nucleus sampling (Holtzman et al., arXiv 1904.09751): the most likely, until they sum to p; the lower id
// of two equal ones.
void keep_top_p(std::vector<Candidate>& candidates, double p);

// Those at least p times as likely as the likeliest (Nguyen et al., arXiv 2407.01082).
void keep_min_p(std::vector<Candidate>& candidates, double p);

// The token at `fraction` of the sum of weights. Requires fraction in [0, 1) and a weight above 0.
TokenId draw(std::span<const Candidate> candidates, double fraction);

}  // namespace sluice
