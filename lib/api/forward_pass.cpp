#include "api/forward_pass.h"

#include "forward/reference/reference.h"

namespace sluice {

Result<std::unique_ptr<ForwardPass>> make_pass(ModelObject& model, std::uint32_t max_tokens) {
    EngineObject& engine = *model.engine;
    const Model& its = *model.model;
    if (engine.kernels == nullptr)
        return make_reference_pass(its.config(), its.weights(), max_tokens, model.counts.get());
    return make_forward_pass(its, *engine.kernels, model.quantises, *engine.workers, max_tokens, engine.budget,
                             model.counts.get());
}

}  // namespace sluice
