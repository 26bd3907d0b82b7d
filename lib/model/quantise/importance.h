// How large the inputs of each matrix are, from text that a model has read: what the error of a weight is to be
// weighed by, since it is multiplied by that input. Kept in GGUF as llama-imatrix writes it (llama.cpp,
// tools/imatrix): for each matrix a tensor NAME.in_sum2 with the sums of squares of every input, and
// NAME.counts with the number of tokens; where experts are stacked, one row for each.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/source.h"

namespace sluice::quantise {

class Importance {
public:
    struct Inputs {
        std::uint64_t columns = 0;
        std::vector<float> sums;    // n_matrices rows of `columns`
        std::vector<float> counts;  // one for each matrix
    };

    // Errors: CORRUPT (no such file, tensors that do not belong together, numbers that are negative or not
    // finite), those of read_gguf.
    static Result<Importance> read(const Source& source);

    // Whole or not at all. chunk_size: tokens of one window, told to readers. Errors: those of
    // ByteSink::to_file.
    Done write(const std::string& path, std::uint32_t chunk_size, std::uint32_t n_chunks) const;

    std::map<std::string, Inputs, std::less<>>& inputs() { return inputs_; }
    const std::map<std::string, Inputs, std::less<>>& inputs() const { return inputs_; }

    // The weights of columns for matrix `index` of those under a name, their mean 1, none below a small share
    // of it: what this text never used may matter to another. Empty where nothing is known of the matrix.
    // Errors: CORRUPT where the file is of a model of another shape.
    Result<std::vector<float>> weights(std::string_view name, std::uint64_t index, std::uint64_t n_matrices,
                                       std::uint64_t columns) const;

private:
    std::map<std::string, Inputs, std::less<>> inputs_;  // by the name of the tensor: "blk.0.ffn_down.weight"
};

}  // namespace sluice::quantise
