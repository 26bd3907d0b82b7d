// Reads the JSON header of a safetensors file and checks it against the file's size.
#include "model/safetensors.h"

#include <algorithm>
#include <string>

#include "base/checked.h"
#include "base/json.h"
#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice {
namespace {

constexpr std::uint64_t kSizeField = 8;
constexpr std::size_t kMaxDimensions = 8;

struct Dtype {
    const char* name;
    std::uint32_t size;
    std::optional<TensorType> type;
};

constexpr Dtype kDtypes[] = {
    {"F32", 4, TensorType::kF32},
    {"F16", 2, TensorType::kF16},
    {"BF16", 2, TensorType::kBF16},
    {"F64", 8, {}},
    {"I64", 8, {}},
    {"U64", 8, {}},
    {"I32", 4, {}},
    {"U32", 4, {}},
    {"I16", 2, {}},
    {"U16", 2, {}},
    {"I8", 1, {}},
    {"U8", 1, {}},
    {"BOOL", 1, {}},
    {"C64", 8, {}},
    {"F8_E5M2", 1, {}},
    {"F8_E4M3", 1, {}},
    {"F8_E8M0", 1, {}},
};

Error corrupt(std::string_view name, std::string_view what) {
    return error_at(kSizeField, SLUICE_E_CORRUPT, "tensor ", printable(name), " ", what);
}

Result<std::string> read_header(const Source& source) {
    if (source.size() < kSizeField + 2) {
        return error_at(0, SLUICE_E_CORRUPT, "a safetensors file of ", source.size(), " bytes has no header");
    }
    std::uint64_t size = 0;
    SLUICE_TRY(source.read(0, std::as_writable_bytes(std::span(&size, 1))));
    if (size < 2 || size > source.size() - kSizeField) {
        return error_at(0, SLUICE_E_CORRUPT, "the safetensors header claims ", size, " bytes, the file has ",
                        source.size());
    }
    if (size > kMaxSafetensorsHeader) {
        return error_at(0, SLUICE_E_LIMIT, "the safetensors header has ", size, " bytes, at most ",
                        kMaxSafetensorsHeader, " are read");
    }
    std::string header(size, '\0');
    SLUICE_TRY(source.read(kSizeField, std::as_writable_bytes(std::span(header.data(), header.size()))));
    if (header[0] != '{') {
        return error_at(kSizeField, SLUICE_E_CORRUPT, "the safetensors header does not begin with {");
    }
    return header;
}

Done check_metadata(const Json& metadata) {
    const Json::Object* members = metadata.object();
    if (members == nullptr) return corrupt("__metadata__", "is not an object");
    for (const auto& [key, value] : *members) {
        if (value.string() == nullptr) return corrupt("__metadata__", "holds a value that is not a string");
    }
    return Nothing{};
}

Done read_shape(const Json& description, std::string_view name, TensorEntry& entry) {
    const Json* shape = description.find("shape");
    const Json::Array* dimensions = shape == nullptr ? nullptr : shape->array();
    if (dimensions == nullptr) return corrupt(name, "has no shape");
    if (dimensions->size() > kMaxDimensions) return corrupt(name, "has more than 8 dimensions");
    entry.n_elements = 1;
    for (const Json& value : *dimensions) {
        const auto dimension = value.natural();
        if (!dimension) return corrupt(name, "has a dimension that is not a natural number");
        const auto product = checked_mul(entry.n_elements, *dimension);
        if (!product) return corrupt(name, "has more elements than 64 bits count");
        entry.n_elements = *product;
        entry.dimensions.push_back(*dimension);
    }
    std::reverse(entry.dimensions.begin(), entry.dimensions.end());
    return Nothing{};
}

Result<TensorEntry> read_entry(std::string_view name, const Json& description, std::uint64_t data_offset,
                               std::uint64_t data_size) {
    TensorEntry entry;
    entry.name = name;
    entry.header_offset = kSizeField;
    if (description.object() == nullptr) return corrupt(name, "is not described by an object");
    if (description.object()->size() != 3) {
        return corrupt(name, "is not described by dtype, shape and data_offsets alone");
    }
    SLUICE_TRY(read_shape(description, name, entry));
    const Json* dtype_value = description.find("dtype");
    if (dtype_value == nullptr || dtype_value->string() == nullptr) return corrupt(name, "has no dtype");
    const auto dtype = std::find_if(std::begin(kDtypes), std::end(kDtypes),
                                    [&](const Dtype& d) { return *dtype_value->string() == d.name; });
    if (dtype == std::end(kDtypes)) {
        return error_at(kSizeField, SLUICE_E_UNSUPPORTED, "tensor ", printable(name), " has the dtype ",
                        printable(*dtype_value->string()));
    }
    entry.type_name = dtype->name;
    entry.type = dtype->type;
    const auto size = checked_mul(entry.n_elements, dtype->size);
    if (!size) return corrupt(name, "has more bytes than 64 bits count");
    const Json* offsets_value = description.find("data_offsets");
    const Json::Array* offsets = offsets_value == nullptr ? nullptr : offsets_value->array();
    if (offsets == nullptr || offsets->size() != 2) return corrupt(name, "has no two data_offsets");
    const auto begin = (*offsets)[0].natural();
    const auto end = (*offsets)[1].natural();
    if (!begin || !end || *begin > *end || *end > data_size) {
        return error_at(kSizeField, SLUICE_E_CORRUPT, "tensor ", printable(name),
                        " has data_offsets that are reversed or outside the ", data_size, " bytes of data");
    }
    if (*end - *begin != *size) {
        return error_at(kSizeField, SLUICE_E_CORRUPT, "tensor ", printable(name), " takes ", *end - *begin,
                        " bytes, its shape ", shape_text(entry.dimensions), " of ", dtype->name, " needs ",
                        *size);
    }
    entry.size = *size;
    entry.offset = data_offset + *begin;
    return entry;
}

// Every byte of the data belongs to exactly one tensor.
Done check_no_hole(const std::vector<TensorEntry>& entries, std::uint64_t data_offset, std::uint64_t end) {
    SLUICE_TRY(check_no_overlap(entries));
    std::uint64_t sum = 0;
    for (const TensorEntry& entry : entries) sum += entry.size;  // in range and disjoint: cannot wrap
    if (sum == end - data_offset) return Nothing{};
    return error_at(data_offset, SLUICE_E_CORRUPT, "the data has ", end - data_offset, " bytes, of which only ",
                    sum, " belong to a tensor");
}

}  // namespace

Result<std::vector<TensorEntry>> read_safetensors(const Source& source) {
    SLUICE_ASSIGN(text, read_header(source));
    JsonLimits limits;
    limits.max_size = kMaxSafetensorsHeader;
    limits.max_depth = 8;
    limits.max_values = 4u << 20;
    auto parsed = Json::parse(text, "the safetensors header", limits);
    if (!parsed) {
        Error error = std::move(parsed).error();
        if (error.file_offset >= 0) error.file_offset += static_cast<std::int64_t>(kSizeField);
        return error;
    }
    const Json::Object* members = parsed->object();
    if (members == nullptr) {
        return error_at(kSizeField, SLUICE_E_CORRUPT, "the safetensors header is not an object");
    }
    if (members->size() > kMaxCheckpointTensors) {
        return error_at(kSizeField, SLUICE_E_LIMIT, "the file has ", members->size(), " tensors, at most ",
                        kMaxCheckpointTensors, " are read");
    }
    const std::uint64_t data_offset = kSizeField + text.size();
    std::vector<TensorEntry> entries;
    entries.reserve(members->size());
    for (const auto& [name, description] : *members) {
        if (name == "__metadata__") {
            SLUICE_TRY(check_metadata(description));
            continue;
        }
        if (name.empty()) return corrupt(name, "has no name");
        SLUICE_ASSIGN(entry, read_entry(name, description, data_offset, source.size() - data_offset));
        entries.push_back(std::move(entry));
    }
    SLUICE_TRY(check_no_hole(entries, data_offset, source.size()));
    return entries;
}

}  // namespace sluice
