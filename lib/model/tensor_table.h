// The tensors of a model's files: names, types, shapes and verified places. None of their bytes is read here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "kernels/tensor_type.h"

namespace sluice {

// One tensor. Its bytes [offset, offset + size) lie inside its file and belong to no other tensor.
struct TensorEntry {
    std::string name;
    std::string type_name;                  // "Q4_K"; also of types that sluice cannot compute with
    std::optional<TensorType> type;         // empty for those
    std::vector<std::uint64_t> dimensions;  // the first one is contiguous
    std::uint64_t n_elements = 0;
    std::uint64_t size = 0;           // bytes
    std::uint64_t offset = 0;         // from the start of its file
    std::uint64_t header_offset = 0;  // where the file describes it, for messages
    std::uint32_t file = 0;           // index of its file
};

constexpr std::uint64_t kMaxGgufTensors = 4096;
constexpr std::uint64_t kMaxCheckpointTensors = 65536;  // one matrix per expert: 24B-A2B has about 7,500

// Tensors by name. Immutable once a model is open.
class TensorTable {
public:
    // Errors: CORRUPT for a name that is there already.
    Done add(TensorEntry entry);

    // Null when there is none.
    const TensorEntry* find(std::string_view name) const;
    const std::vector<TensorEntry>& entries() const { return entries_; }
    // Requires an entry of this table.
    std::size_t index_of(const TensorEntry& entry) const {
        return static_cast<std::size_t>(&entry - entries_.data());
    }

private:
    std::vector<TensorEntry> entries_;
    std::unordered_map<std::string, std::size_t> by_name_;
};

// "2048x1792x32", the contiguous dimension first; "scalar" for none.
std::string shape_text(std::span<const std::uint64_t> dimensions);

// The verified extents of tensors in one file: sorts by offset, refuses two that share a byte.
// Errors: CORRUPT, naming both tensors. Empty tensors share nothing.
Done check_no_overlap(std::span<const TensorEntry> entries);

}  // namespace sluice
