// What sluice bench says: one JSON object for programs, of which rows for eyes are made.
#pragma once

#include <vector>

#include "bench_batch.h"
#include "bench_measure.h"
#include "output.h"

namespace command {

// Shares of what the machine can do are null where that is unknown.
Json prefill_json(const PrefillResult& result);
Json decode_json(const DecodeResult& result);
// With how many times the tokens of `first`, the first of them, that is; the median over repetitions.
Json batch_json(const BatchResult& result, const BatchResult& first);

// Rows of text for the whole object that bench.cpp puts together.
std::string bench_text(const Json& json);

}  // namespace command
