// A GGUF file's header, verified: versions 2 and 3, little-endian (ggml/docs/gguf.md).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/source.h"
#include "model/cursor.h"
#include "model/gguf_metadata.h"
#include "model/tensor_table.h"

namespace sluice {

struct GgufFile {
    std::uint32_t version = 0;
    Metadata metadata;
    std::vector<TensorEntry> tensors;  // offsets from the start of the file; file is 0
    std::uint64_t alignment = 32;
    std::uint64_t data_offset = 0;
    std::vector<std::string> warnings;  // things that are odd but harmless
};

constexpr std::uint64_t kMinAlignment = 8;
constexpr std::uint64_t kMaxAlignment = 1u << 20;
constexpr std::uint64_t kMaxTensorNameSize = 63;  // GGML_MAX_NAME with its closing zero

// Reads and verifies everything in front of the weights: afterwards every tensor lies inside the file, on
// the alignment, alone.
// Errors: CORRUPT and LIMIT with the byte, UNSUPPORTED (version 1, above 3, or big-endian), those of
// Source::read.
Result<GgufFile> read_gguf(const Source& source);

// The tensor infos at the cursor; offsets still count from the start of the data section.
// Errors: CORRUPT.
Result<std::vector<TensorEntry>> read_tensor_infos(Cursor& cursor, std::uint64_t n_tensors);

// A type that a GGUF file may name, ours or not.
struct GgufType {
    std::uint32_t number;
    const char* name;
    std::uint32_t block_count;
    std::uint32_t block_size;
};

// Null for numbers that GGML never gave or took back.
const GgufType* gguf_type(std::uint32_t number);

// The parts of a split file, in order. For the path of any "-00001-of-00003.gguf" part, all of them;
// otherwise the path itself.
// Errors: LIMIT (over kMaxParts), CORRUPT (a number of 0 or above the count).
Result<std::vector<std::string>> gguf_part_paths(const std::string& path);
constexpr std::uint64_t kMaxParts = 1024;

}  // namespace sluice
