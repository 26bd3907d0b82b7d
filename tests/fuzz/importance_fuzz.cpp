// The input is an importance matrix in GGUF: read, and its weights asked for by every name that it has.
#include <cmath>

#include "fuzz/fuzz_target.h"
#include "model/quantise/importance.h"

using namespace sluice_fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto source = sluice::Source::from_memory(std::as_bytes(std::span(data, size)));
    const auto read = sluice::quantise::Importance::read(*source);
    if (!read) {
        require(read.error().status < 0 && !read.error().message.empty());
        return 0;
    }
    for (const auto& [name, inputs] : read->inputs()) {
        require(inputs.columns * inputs.counts.size() == inputs.sums.size());
        for (std::uint64_t i = 0; i < inputs.counts.size(); ++i) {
            const auto weights = read->weights(name, i, inputs.counts.size(), inputs.columns);
            require(weights.ok() && (weights->empty() || weights->size() == inputs.columns));
            for (const float weight : *weights) require(std::isfinite(weight) && weight > 0);
        }
        require(!read->weights(name, 0, inputs.counts.size(), inputs.columns + 1));
    }
    return 0;
}
