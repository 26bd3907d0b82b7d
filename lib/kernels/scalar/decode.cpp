// Finds the decoder of a type.
#include "kernels/scalar/decode.h"

#include "kernels/scalar/table.h"

namespace sluice::scalar {

void decode(TensorType type, const std::byte* row, std::size_t count, float* out) {
    switch (type) {
        case TensorType::kF32:
            return decode_f32(row, count, out);
        case TensorType::kF16:
            return decode_f16(row, count, out);
        case TensorType::kBF16:
            return decode_bf16(row, count, out);
        case TensorType::kQ4_0:
            return decode_q4_0(row, count, out);
        case TensorType::kQ4_1:
            return decode_q4_1(row, count, out);
        case TensorType::kQ5_0:
            return decode_q5_0(row, count, out);
        case TensorType::kQ5_1:
            return decode_q5_1(row, count, out);
        case TensorType::kQ8_0:
            return decode_q8_0(row, count, out);
        case TensorType::kQ2_K:
            return decode_q2_k(row, count, out);
        case TensorType::kQ3_K:
            return decode_q3_k(row, count, out);
        case TensorType::kQ4_K:
            return decode_q4_k(row, count, out);
        case TensorType::kQ5_K:
            return decode_q5_k(row, count, out);
        case TensorType::kQ6_K:
            return decode_q6_k(row, count, out);
        case TensorType::kIQ4_NL:
            return decode_iq4_nl(row, count, out);
        case TensorType::kIQ4_XS:
            return decode_iq4_xs(row, count, out);
    }
}

}  // namespace sluice::scalar
