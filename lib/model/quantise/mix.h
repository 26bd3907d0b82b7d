// Which type each tensor of a quantised file has: the mixes that llama.cpp's llama-quantize makes, and with it
// the files that the makers publish (lfm2.md 3.4; verified against files in the oracle).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "kernels/tensor_type.h"
#include "model/config.h"
#include "model/tensor_names.h"

namespace sluice::quantise {

struct Mix {
    std::string_view name;    // "Q4_K_M"
    TensorType base;          // of most matrices
    std::uint32_t file_type;  // general.file_type in GGUF
    bool raises_some;         // the more sensitive matrices of some layers get Q6_K
};

// Q4_0, Q4_K_M, Q5_K_M, Q6_K, Q8_0, F16, BF16 or F32, in any case of letters.
// Errors: INVALID_ARGUMENT, with the names there are.
Result<Mix> find_mix(std::string_view name);

struct TensorRole {
    Part part;
    std::uint32_t layer = 0;
    std::uint64_t columns = 0;
};

// The type for a role, whether or not it can hold such rows.
TensorType wanted_type(const Mix& mix, const Config& config, bool has_own_head, const TensorRole& role);

// wanted where rows of so many columns are whole blocks of it, else the type that llama-quantize takes in its
// place: Q5_0 for Q4_K, Q5_1 for Q5_K, Q8_0 for Q6_K where 32 divides them, F16 where it does not.
TensorType type_that_holds(TensorType wanted, std::uint64_t columns);

}  // namespace sluice::quantise
