// sluice_sampling of the C API to the sampler's options and back: where "zero means default" is resolved.
#pragma once

#include <sluice/session.h>

#include "base/result.h"
#include "session/sampler.h"
#include "text/tokenizer.h"

namespace sluice {

// tokenizer may be null. Errors: UNSUPPORTED, INVALID_ARGUMENT.
Result<SamplingOptions> read_sampling(const sluice_sampling* given, const Config& config,
                                      const Tokenizer* tokenizer);

// Without seed, biases and breakers.
sluice_sampling to_c(const SamplingOptions& options);

}  // namespace sluice
