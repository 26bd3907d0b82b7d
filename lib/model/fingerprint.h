// One number for a model's identity: state files and packed weights are refused by another one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "base/source.h"
#include "model/config.h"
#include "model/tensor_table.h"

namespace sluice {

// Of the configuration, every tensor's name, type and shape, and the first 4 KiB of some tensors. Not of
// their places: the same model has the same number however it was split or opened.
// Errors: those of Source::read.
Result<std::uint64_t> fingerprint_of(const Config& config, const TensorTable& table,
                                     std::span<const std::shared_ptr<const Source>> files);

}  // namespace sluice
