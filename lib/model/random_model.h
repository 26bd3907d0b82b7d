// Small models with random weights in the real shape: for tests, examples and benchmarks without a download.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice {

// Writes a GGUF file; the same seed gives the same bytes on every machine. kind is
//   "moe"    lfm2moe, hidden 256, 6 layers, 8 experts of which 2 are used, vocabulary 512
//   "dense"  lfm2, hidden 256, 4 layers, vocabulary 512
//   "tiny"   lfm2moe, hidden 32, 3 layers, 4 experts, under 100 KB: for tests that open it very often
// The tokenizer has the family's special tokens, the 256 bytes and some merges; a chat template is included.
// Errors: INVALID_ARGUMENT (an unknown kind), IO.
Done write_random_model(const std::string& path, std::string_view kind, std::uint64_t seed);

// The same in memory.
Result<std::vector<std::byte>> random_model_bytes(std::string_view kind, std::uint64_t seed);

}  // namespace sluice
