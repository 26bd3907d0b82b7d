// The types that a tensor's elements may have in a file, and the size of their blocks.
#pragma once

#include <cstdint>
#include <optional>

namespace sluice {

// Numbered as in GGUF, so that a file's number converts after a check.
enum class TensorType : std::uint32_t {
    kF32 = 0,
    kF16 = 1,
    kQ4_0 = 2,
    kQ4_1 = 3,
    kQ5_0 = 6,
    kQ5_1 = 7,
    kQ8_0 = 8,
    kQ2_K = 10,
    kQ3_K = 11,
    kQ4_K = 12,
    kQ5_K = 13,
    kQ6_K = 14,
    kIQ4_NL = 20,
    kIQ4_XS = 23,
    kBF16 = 30,
};

struct TensorTypeInfo {
    TensorType type;
    const char* name;           // "Q4_K"
    std::uint32_t block_count;  // elements in a block
    std::uint32_t block_size;   // bytes of a block
};

// Every type, in the order of its number.
constexpr TensorTypeInfo kTensorTypes[] = {
    {TensorType::kF32, "F32", 1, 4},         {TensorType::kF16, "F16", 1, 2},
    {TensorType::kQ4_0, "Q4_0", 32, 18},     {TensorType::kQ4_1, "Q4_1", 32, 20},
    {TensorType::kQ5_0, "Q5_0", 32, 22},     {TensorType::kQ5_1, "Q5_1", 32, 24},
    {TensorType::kQ8_0, "Q8_0", 32, 34},     {TensorType::kQ2_K, "Q2_K", 256, 84},
    {TensorType::kQ3_K, "Q3_K", 256, 110},   {TensorType::kQ4_K, "Q4_K", 256, 144},
    {TensorType::kQ5_K, "Q5_K", 256, 176},   {TensorType::kQ6_K, "Q6_K", 256, 210},
    {TensorType::kIQ4_NL, "IQ4_NL", 32, 18}, {TensorType::kIQ4_XS, "IQ4_XS", 256, 136},
    {TensorType::kBF16, "BF16", 1, 2},
};

constexpr std::uint32_t kMaxBlockCount = 256;

constexpr const TensorTypeInfo& info_of(TensorType type) {
    for (const TensorTypeInfo& info : kTensorTypes) {
        if (info.type == type) return info;
    }
    return kTensorTypes[0];  // unreachable: a TensorType is one of the table's
}

// The type with this GGUF number, if it is one of ours.
constexpr std::optional<TensorType> tensor_type_from_number(std::uint32_t number) {
    for (const TensorTypeInfo& info : kTensorTypes) {
        if (static_cast<std::uint32_t>(info.type) == number) return info.type;
    }
    return std::nullopt;
}

// Bytes of one row. Requires columns to be a multiple of the type's block_count, and the result to fit.
constexpr std::uint64_t row_size(TensorType type, std::uint64_t columns) {
    const TensorTypeInfo& info = info_of(type);
    return columns / info.block_count * info.block_size;
}

}  // namespace sluice
