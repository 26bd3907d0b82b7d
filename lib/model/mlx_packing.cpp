// Finds what belongs together in an MLX checkpoint, and unpacks it.
#include "model/mlx_packing.h"

#include <cstring>

#include "base/checked.h"
#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice {
namespace {

constexpr std::string_view kWeight = ".weight";

Result<MlxFormat> read_format(const Json& json, std::string_view where) {
    const auto number = [&](std::string_view name) -> std::uint64_t {
        const Json* value = json.find(name);
        return value == nullptr ? 0 : value->natural().value_or(0);
    };
    const std::uint64_t bits = number("bits");
    const std::uint64_t group_size = number("group_size");
    const Json* mode = json.find("mode");
    if (mode != nullptr && (mode->string() == nullptr || *mode->string() != "affine")) {
        return make_error(SLUICE_E_UNSUPPORTED, "config.json: the mode of ", printable(where), " is ",
                          printable(mode->dump(), 40), "; only \"affine\" is read");
    }
    if (bits != 4 && bits != 8) {
        return make_error(SLUICE_E_UNSUPPORTED, "config.json: ", printable(where), " has ", bits,
                          " bits; 4 and 8 are read");
    }
    if (group_size != 32 && group_size != 64 && group_size != 128) {
        return make_error(SLUICE_E_UNSUPPORTED, "config.json: ", printable(where), " has groups of ",
                          group_size, "; 32, 64 and 128 are read");
    }
    return MlxFormat{static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(group_size)};
}

Error mismatch(const TensorEntry& words, const TensorEntry& other) {
    return error_at(words.header_offset, SLUICE_E_CORRUPT, "tensor ", printable(other.name), " of shape ",
                    shape_text(other.dimensions), " does not belong to ", printable(words.name), " of shape ",
                    shape_text(words.dimensions));
}

// The entry as it is once unpacked.
Result<TensorEntry> unpacked_entry(const MlxMatrix& matrix) {
    const TensorEntry& words = matrix.words;
    const MlxFormat& format = matrix.format;
    for (const TensorEntry* other : {&matrix.scales, &matrix.biases}) {
        if (!other->type || info_of(*other->type).block_count != 1) {
            return error_at(other->header_offset, SLUICE_E_UNSUPPORTED, "tensor ", printable(other->name),
                            " is of type ", other->type_name, ", expected F32, F16 or BF16");
        }
        if (other->dimensions.size() != words.dimensions.size() || words.dimensions.size() < 2) {
            return mismatch(words, *other);
        }
        for (std::size_t i = 1; i < words.dimensions.size(); ++i) {
            if (other->dimensions[i] != words.dimensions[i]) return mismatch(words, *other);
        }
        const auto columns = checked_mul(other->dimensions[0], format.group_size);
        const auto bits = checked_mul(words.dimensions[0], 32);
        if (!columns || !bits || *columns * format.bits != *bits || *columns > UINT32_MAX) {
            return mismatch(words, *other);
        }
    }
    TensorEntry entry = words;
    entry.type = TensorType::kF32;
    entry.dimensions[0] = matrix.scales.dimensions[0] * format.group_size;
    const auto n_elements = checked_mul(words.n_elements, 32 / format.bits);
    const auto size = checked_mul(n_elements.value_or(UINT64_MAX), sizeof(float));
    if (!n_elements || !size) return mismatch(words, matrix.scales);
    entry.n_elements = *n_elements;
    entry.size = *size;
    return entry;
}

}  // namespace

const MlxFormat& MlxFormats::of(std::string_view module) const {
    const auto found = of_module.find(module);
    return found == of_module.end() ? usual : found->second;
}

Result<std::optional<MlxFormats>> mlx_formats_from_json(const Json& config) {
    const Json* json = config.find("quantization");
    if (json == nullptr || json->is_null()) return std::optional<MlxFormats>();
    if (json->object() == nullptr) {
        return make_error(SLUICE_E_CORRUPT, "config.json: quantization is not an object");
    }
    MlxFormats formats;
    SLUICE_ASSIGN(usual, read_format(*json, "quantization"));
    formats.usual = usual;
    for (const auto& [module, value] : *json->object()) {
        if (value.object() == nullptr) continue;  // a number above, or false: a module that is not quantised
        SLUICE_ASSIGN(format, read_format(value, module));
        formats.of_module.emplace(module, format);
    }
    return std::optional<MlxFormats>(std::move(formats));
}

Result<MlxMatrices> merge_mlx(TensorTable& table, const MlxFormats& formats) {
    MlxMatrices matrices;
    TensorTable merged;
    // Words first, so that their scales and biases are known when they come by.
    std::map<std::string, bool> is_taken;
    for (const TensorEntry& entry : table.entries()) {
        if (entry.type_name != "U32" || !entry.name.ends_with(kWeight)) continue;
        const std::string module = entry.name.substr(0, entry.name.size() - kWeight.size());
        for (const char* part : {".scales", ".biases"}) {
            if (table.find(module + part) == nullptr) {
                return error_at(entry.header_offset, SLUICE_E_CORRUPT, "tensor ", printable(module), part,
                                " is missing");
            }
            is_taken[module + part] = true;
        }
    }
    for (const TensorEntry& entry : table.entries()) {
        if (is_taken.contains(entry.name)) continue;
        if (entry.type_name != "U32" || !entry.name.ends_with(kWeight)) {
            SLUICE_TRY(merged.add(entry));
            continue;
        }
        const std::string module = entry.name.substr(0, entry.name.size() - kWeight.size());
        MlxMatrix matrix{formats.of(module), entry, *table.find(module + ".scales"),
                         *table.find(module + ".biases")};
        SLUICE_ASSIGN(unpacked, unpacked_entry(matrix));
        matrices.emplace(merged.entries().size(), std::move(matrix));
        SLUICE_TRY(merged.add(std::move(unpacked)));
    }
    table = std::move(merged);
    return matrices;
}

void decode_mlx_row(const MlxFormat& format, const std::byte* words, const float* scales, const float* biases,
                    std::size_t columns, float* out) {
    const std::size_t per_word = 32 / format.bits;
    const std::uint32_t mask = (1u << format.bits) - 1;
    for (std::size_t i = 0; i < columns; ++i) {
        std::uint32_t word;
        std::memcpy(&word, words + i / per_word * sizeof word, sizeof word);
        const std::uint32_t q = word >> i % per_word * format.bits & mask;
        const std::size_t group = i / format.group_size;
        out[i] = scales[group] * static_cast<float>(q) + biases[group];
    }
}

}  // namespace sluice
