// The types without blocks: F32, F16, BF16.
#include <cstring>

#include "kernels/scalar/decode.h"

namespace sluice::scalar {

void decode_f32(const std::byte* row, std::size_t count, float* out) {
    if (count > 0) std::memcpy(out, row, count * sizeof(float));
}

void decode_f16(const std::byte* row, std::size_t count, float* out) {
    const auto* words = reinterpret_cast<const StoredWord*>(row);
    for (std::size_t i = 0; i < count; ++i) out[i] = half_of(words[i]);
}

void decode_bf16(const std::byte* row, std::size_t count, float* out) {
    const auto* words = reinterpret_cast<const StoredWord*>(row);
    for (std::size_t i = 0; i < count; ++i) out[i] = bfloat_to_float(word_of(words[i]));
}

}  // namespace sluice::scalar
