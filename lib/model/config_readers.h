// Configurations from the two file formats. Both are verified before they are returned.
#pragma once

#include <cstdint>
#include <optional>

#include "base/json.h"
#include "base/result.h"
#include "model/config.h"
#include "model/gguf_metadata.h"

namespace sluice {

// From GGUF metadata: the keys of lfm2.md 3.1. embedding_rows stands in for an absent vocab_size.
// Errors: CORRUPT (a key missing, contradicting, out of range), UNSUPPORTED (another architecture or a key
// with a meaning that the family does not have), naming the key.
Result<Config> config_from_gguf(const Metadata& metadata, std::optional<std::uint64_t> embedding_rows);

// From config.json, in the old and the new spelling. gate_rows is the height of the first dense w1 matrix:
// it decides which reading of the feed-forward size is meant, where there are several.
// Errors: the same, naming the member.
Result<Config> config_from_json(const Json& json, std::optional<std::uint64_t> gate_rows);

// Whether config.json says that the output matrix is the embedding; empty when it does not say.
std::optional<bool> ties_embedding(const Json& json);

}  // namespace sluice
