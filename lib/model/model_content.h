// What an open model holds. Made by open.cpp, sealed by Model.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/memory.h"
#include "base/source.h"
#include "model/model.h"

namespace sluice {

struct Model::Content {
    Charge charge;                                       // vectors of floats and the vocabulary
    std::vector<std::shared_ptr<const Source>> sources;  // those whose mappings the weights lie in
    std::vector<Block> blocks;                           // weights that were read
    Config config;
    std::unique_ptr<Weights> weights = std::make_unique<Weights>();
    std::shared_ptr<const Tokenizer> tokenizer;
    ModelSizes sizes;
    std::uint64_t fingerprint = 0;
    std::string format;
    std::string quantisation;
    std::vector<TensorRecord> tensors;
    std::map<std::string, std::optional<std::string>, std::less<>> metadata;
};

}  // namespace sluice
