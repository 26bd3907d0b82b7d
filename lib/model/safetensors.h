// The header of a safetensors file, held to the format's own strict rules
// (github.com/huggingface/safetensors, README.md, "Format").
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/source.h"
#include "model/tensor_table.h"

namespace sluice {

constexpr std::uint64_t kMaxSafetensorsHeader = 100u << 20;  // the format's own limit, 100 MB

// The tensors of one file: in range, without holes or overlaps, offsets in agreement with type and shape.
// Dimensions are reversed, so that the first one is contiguous as in GGUF. Types other than F32, F16 and
// BF16 are placed but have no `type`.
// Errors: CORRUPT and LIMIT with the byte, UNSUPPORTED (a dtype that the format does not name), those of
// Source::read.
Result<std::vector<TensorEntry>> read_safetensors(const Source& source);

}  // namespace sluice
