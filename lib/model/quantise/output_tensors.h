// The tensors of the file to write: every weight of a verified plan under its GGUF name, with its type, and the
// runs of elements of the source that it is put together from.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/config.h"
#include "model/quantise/mix.h"
#include "model/weights.h"

namespace sluice::quantise {

// Elements [first, first + count) of a tensor of the source: whole rows.
struct Piece {
    std::size_t tensor = 0;
    std::uint64_t first = 0;
    std::uint64_t count = 0;
};

struct OutputTensor {
    std::string name;
    TensorType wanted;                      // by the mix
    TensorType type;                        // what holds its rows
    std::vector<std::uint64_t> dimensions;  // the first one is contiguous: the columns of a row
    std::vector<Piece> pieces;              // none: all zeros

    std::uint64_t columns() const { return dimensions[0]; }
};

// In the order of the layers. Requires a plan of this configuration.
std::vector<OutputTensor> output_tensors(const WeightsPlan& plan, const TensorTable& table,
                                         const Config& config, const Mix& mix);

}  // namespace sluice::quantise
