// Which quantiser a type has; and the types without blocks, where each element is rounded by itself, ties to
// even.
#include <cstring>

#include "kernels/half.h"
#include "model/quantise/row_quantisers.h"

namespace sluice::quantise {
namespace {

template <std::uint16_t (*round)(float)>
void round_words(const float* x, const float*, std::size_t count, std::byte* row) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint16_t word = round(x[i]);
        std::memcpy(row + i * sizeof word, &word, sizeof word);
    }
}

void copy_floats(const float* x, const float*, std::size_t count, std::byte* row) {
    std::memcpy(row, x, count * sizeof *x);
}

}  // namespace

RowQuantiser row_quantiser(TensorType type) {
    switch (type) {
        case TensorType::kF32:
            return copy_floats;
        case TensorType::kF16:
            return round_words<float_to_half>;
        case TensorType::kBF16:
            return round_words<float_to_bfloat>;
        case TensorType::kQ4_0:
            return quantise_q4_0;
        case TensorType::kQ5_0:
            return quantise_q5_0;
        case TensorType::kQ5_1:
            return quantise_q5_1;
        case TensorType::kQ8_0:
            return quantise_q8_0;
        case TensorType::kQ4_K:
            return quantise_q4_k;
        case TensorType::kQ5_K:
            return quantise_q5_k;
        case TensorType::kQ6_K:
            return quantise_q6_k;
        default:
            return nullptr;
    }
}

}  // namespace sluice::quantise
