// Weights as MLX quantises them: words of 32 bits with small integers in them, and for each group of a row's
// elements a scale and a bias, weight = scale q + bias (mlx.core.quantize, mode "affine").
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "model/tensor_table.h"

namespace sluice {

struct MlxFormat {
    std::uint32_t bits = 0;        // 4 or 8
    std::uint32_t group_size = 0;  // elements that share a scale
};

// What config.json says under "quantization": a format for all, and others for single modules by name.
struct MlxFormats {
    MlxFormat usual;
    std::map<std::string, MlxFormat, std::less<>> of_module;  // "model.layers.2.feed_forward.gate"

    const MlxFormat& of(std::string_view module) const;
};

// Empty where config.json has no such member.
// Errors: CORRUPT, UNSUPPORTED (another number of bits, another mode), naming the member.
Result<std::optional<MlxFormats>> mlx_formats_from_json(const Json& config);

// One packed matrix: columns * bits / 32 words, columns / group_size scales and as many biases for each row.
struct MlxMatrix {
    MlxFormat format;
    TensorEntry words, scales, biases;
};

// Packed matrices by their index in a table.
using MlxMatrices = std::map<std::size_t, MlxMatrix>;

// Replaces the words of each packed matrix by an entry of type F32 with the shape that it has unpacked, without
// bytes of its own, and takes its scales and biases out.
// Errors: CORRUPT, naming the tensor (shapes that do not belong together), UNSUPPORTED (a type of scales).
Result<MlxMatrices> merge_mlx(TensorTable& table, const MlxFormats& formats);

// Unpacks one row. scales and biases are its own, as floats.
void decode_mlx_row(const MlxFormat& format, const std::byte* words, const float* scales, const float* biases,
                    std::size_t columns, float* out);

}  // namespace sluice
