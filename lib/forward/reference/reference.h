// The same model once more, in Eigen and float32, without cleverness: the judge of every other path.
#pragma once

#include <cstddef>
#include <memory>

#include "forward/forward.h"
#include "model/config.h"
#include "model/model.h"
#include "moe/expert_counts.h"

namespace sluice {

// A pass that decodes every matrix anew for every chunk and computes on the calling thread. It takes
// memory as it goes, outside any byte budget, and holds none between runs: size() is 0. It looks at the
// cancel flag once for each layer. A token's bits do not depend on the chunk that it is in.
// run() reports OUT_OF_MEMORY beside the errors of ForwardPass.
// counts may be null. Everything given outlives the pass.
std::unique_ptr<ForwardPass> make_reference_pass(const Config& config, const Weights& weights,
                                                 std::size_t max_tokens, ExpertCounts* counts);

}  // namespace sluice
