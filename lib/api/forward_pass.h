// The forward pass that a model and its engine ask for.
#pragma once

#include <cstdint>
#include <memory>

#include "api/objects.h"
#include "base/result.h"
#include "forward/forward.h"

namespace sluice {

// For at most max_tokens tokens at once. Borrows the model. Errors: OUT_OF_MEMORY.
Result<std::unique_ptr<ForwardPass>> make_pass(ModelObject& model, std::uint32_t max_tokens);

}  // namespace sluice
