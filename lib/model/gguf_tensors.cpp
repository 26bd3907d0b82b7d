// The tensor infos of a GGUF file. Each size is computed once, here, with checked arithmetic.
#include "base/checked.h"
#include "base/sentence.h"
#include "base/utf8.h"
#include "model/gguf.h"

namespace sluice {
namespace {

constexpr std::uint32_t kMaxDimensions = 4;
constexpr std::uint64_t kMaxElements = INT64_MAX;

// Types of ggml/include/ggml.h that kernels/tensor_type.h does not have, so that their tensors can be
// placed, named in messages, and passed over where they are not needed.
constexpr GgufType kOtherTypes[] = {
    {9, "Q8_1", 32, 36},      {15, "Q8_K", 256, 292}, {16, "IQ2_XXS", 256, 66}, {17, "IQ2_XS", 256, 74},
    {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50}, {21, "IQ3_S", 256, 110},  {22, "IQ2_S", 256, 82},
    {24, "I8", 1, 1},         {25, "I16", 1, 2},      {26, "I32", 1, 4},        {27, "I64", 1, 8},
    {28, "F64", 1, 8},        {29, "IQ1_M", 256, 56}, {34, "TQ1_0", 256, 54},   {35, "TQ2_0", 256, 66},
    {39, "MXFP4", 32, 17},    {40, "NVFP4", 64, 36},  {41, "Q1_0", 128, 18},    {42, "Q2_0", 64, 18},
};

constexpr std::size_t kNumberOfOurs = sizeof kTensorTypes / sizeof kTensorTypes[0];

struct OurTypes {
    GgufType types[kNumberOfOurs];
};

constexpr OurTypes kOurTypes = [] {
    OurTypes ours{};
    for (std::size_t i = 0; i < kNumberOfOurs; ++i) {
        const TensorTypeInfo& info = kTensorTypes[i];
        ours.types[i] = {static_cast<std::uint32_t>(info.type), info.name, info.block_count, info.block_size};
    }
    return ours;
}();

Done read_dimensions(Cursor& cursor, TensorEntry& entry) {
    const std::uint64_t offset = cursor.position();
    SLUICE_ASSIGN(n_dimensions, cursor.number<std::uint32_t>("a tensor's number of dimensions"));
    if (n_dimensions == 0 || n_dimensions > kMaxDimensions) {
        return error_at(offset, SLUICE_E_CORRUPT, "tensor ", printable(entry.name), " has ", n_dimensions,
                        " dimensions, expected 1 to ", kMaxDimensions);
    }
    entry.n_elements = 1;
    for (std::uint32_t i = 0; i < n_dimensions; ++i) {
        SLUICE_ASSIGN(dimension, cursor.number<std::uint64_t>("a tensor's dimension"));
        const auto product = checked_mul(entry.n_elements, dimension);
        if (dimension == 0 || !product || *product > kMaxElements) {
            return error_at(offset, SLUICE_E_CORRUPT, "tensor ", printable(entry.name), " has the dimension ",
                            dimension, dimension == 0 ? "" : ", too many elements");
        }
        entry.n_elements = *product;
        entry.dimensions.push_back(dimension);
    }
    return Nothing{};
}

Done read_type(Cursor& cursor, TensorEntry& entry) {
    const std::uint64_t offset = cursor.position();
    SLUICE_ASSIGN(number, cursor.number<std::uint32_t>("a tensor's type"));
    const GgufType* type = gguf_type(number);
    if (type == nullptr) {
        return error_at(offset, SLUICE_E_CORRUPT, "tensor ", printable(entry.name), " has the type number ",
                        number, ", which GGML does not have");
    }
    entry.type_name = type->name;
    entry.type = tensor_type_from_number(number);
    if (entry.dimensions[0] % type->block_count != 0) {
        return error_at(offset, SLUICE_E_CORRUPT, "tensor ", printable(entry.name), " of type ", type->name,
                        " has rows of ", entry.dimensions[0], " elements, not a multiple of ",
                        type->block_count);
    }
    const auto size = checked_mul(entry.n_elements / type->block_count, type->block_size);
    if (!size) {
        return error_at(offset, SLUICE_E_CORRUPT, "tensor ", printable(entry.name), " of ", entry.n_elements,
                        " elements has more bytes than 64 bits count");
    }
    entry.size = *size;
    return Nothing{};
}

}  // namespace

const GgufType* gguf_type(std::uint32_t number) {
    for (const GgufType& type : kOurTypes.types) {
        if (type.number == number) return &type;
    }
    for (const GgufType& type : kOtherTypes) {
        if (type.number == number) return &type;
    }
    return nullptr;
}

Result<std::vector<TensorEntry>> read_tensor_infos(Cursor& cursor, std::uint64_t n_tensors) {
    std::vector<TensorEntry> entries;
    for (std::uint64_t i = 0; i < n_tensors; ++i) {
        TensorEntry entry;
        entry.header_offset = cursor.position();
        SLUICE_ASSIGN(view, read_string(cursor, kMaxKeySize, "a tensor's name"));
        entry.name = view;
        if (entry.name.empty() || entry.name.size() > kMaxTensorNameSize ||
            entry.name.find('\0') != std::string::npos || !is_utf8(entry.name)) {
            return error_at(entry.header_offset, SLUICE_E_CORRUPT, "the name of tensor number ", i, " \"",
                            printable(entry.name), "\" of ", entry.name.size(), " bytes is not a name");
        }
        SLUICE_TRY(read_dimensions(cursor, entry));
        SLUICE_TRY(read_type(cursor, entry));
        SLUICE_ASSIGN(offset, cursor.number<std::uint64_t>("a tensor's offset"));
        entry.offset = offset;
        entries.push_back(std::move(entry));
    }
    return entries;
}

}  // namespace sluice
