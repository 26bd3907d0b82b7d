// From a model of any format to a GGUF file of another type, a few rows in memory at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "base/threads.h"
#include "model/model_files.h"
#include "model/quantise/importance.h"

namespace sluice::quantise {

struct QuantiseOptions {
    std::string_view type;                   // a Mix
    const Importance* importance = nullptr;  // null: all inputs of a matrix count alike
    // Told the bytes of weights that were read, after every piece; other than 0 cancels. May be empty.
    std::function<std::int32_t(std::uint64_t done, std::uint64_t total)> progress;
};

// Writes the model to path, which appears there when it is whole and not before; what stood there is then
// replaced. Same source and type, same bytes, whatever the threads.
// Errors: INVALID_ARGUMENT (the type; a path that is one of the source's files, or a folder), CORRUPT and
// UNSUPPORTED (the source, an importance of another model, or what GGUF cannot say), NUMERIC (a weight that is
// NaN, infinite or more than its new type can hold: tensor and element), IO, OUT_OF_MEMORY, CANCELLED,
// CALLBACK_FAILED. Then nothing is written.
Done quantise_model(ModelFiles files, const std::string& path, const QuantiseOptions& options, Workers& workers,
                    MemoryBudget& budget, const Log& log);

}  // namespace sluice::quantise
