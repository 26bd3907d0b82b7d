// Reads and writes the files of llama-imatrix.
#include "model/quantise/importance.h"

#include <algorithm>
#include <cmath>

#include "base/sentence.h"
#include "base/utf8.h"
#include "model/gguf.h"
#include "model/gguf_writer.h"

namespace sluice::quantise {
namespace {

constexpr std::string_view kSums = ".in_sum2";
constexpr std::string_view kCounts = ".counts";

// Of the mean importance of a matrix.
constexpr double kLeastShare = 1e-3;

Result<std::vector<float>> read_floats(const Source& source, const TensorEntry& entry) {
    if (entry.type != TensorType::kF32) {
        return error_at(entry.header_offset, SLUICE_E_CORRUPT, "tensor ", printable(entry.name), " is of type ",
                        entry.type_name, ", expected F32");
    }
    std::vector<float> values(entry.n_elements);
    SLUICE_TRY(source.read(entry.offset, std::as_writable_bytes(std::span(values))));
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i] >= 0 && std::isfinite(values[i])) continue;
        return error_at(entry.offset, SLUICE_E_CORRUPT, "tensor ", printable(entry.name), " has ", values[i],
                        " as element ", i);
    }
    return values;
}

}  // namespace

Result<Importance> Importance::read(const Source& source) {
    SLUICE_ASSIGN(file, read_gguf(source));
    SLUICE_ASSIGN(type, file.metadata.text("general.type"));
    if (!type || *type != "imatrix") {
        return make_error(SLUICE_E_CORRUPT, printable(source.name()),
                          " is not an importance matrix: its general.type is ",
                          type ? printable(*type) : std::string("missing"));
    }
    std::map<std::string, const TensorEntry*, std::less<>> by_name;
    for (const TensorEntry& entry : file.tensors) by_name[entry.name] = &entry;
    Importance importance;
    for (const TensorEntry& entry : file.tensors) {
        if (!entry.name.ends_with(kSums)) continue;
        const std::string name = entry.name.substr(0, entry.name.size() - kSums.size());
        const auto counts = by_name.find(name + std::string(kCounts));
        if (counts == by_name.end()) {
            return error_at(entry.header_offset, SLUICE_E_CORRUPT, "tensor ", printable(name), kCounts,
                            " is missing");
        }
        Inputs inputs;
        inputs.columns = entry.dimensions[0];
        SLUICE_ASSIGN(sums, read_floats(source, entry));
        SLUICE_ASSIGN(numbers, read_floats(source, *counts->second));
        inputs.sums = std::move(sums);
        inputs.counts = std::move(numbers);
        if (inputs.counts.size() * inputs.columns != inputs.sums.size()) {
            return error_at(entry.header_offset, SLUICE_E_CORRUPT, "tensor ", printable(entry.name),
                            " of shape ", shape_text(entry.dimensions), " does not belong to ",
                            inputs.counts.size(), " counts");
        }
        importance.inputs_.emplace(name, std::move(inputs));
    }
    return importance;
}

Done Importance::write(const std::string& path, std::uint32_t chunk_size, std::uint32_t n_chunks) const {
    GgufWriter writer;
    writer.metadata().set("general.type", MetadataValue::string("imatrix"));
    writer.metadata().set("imatrix.datasets", MetadataValue::strings({"text"}));
    writer.metadata().set("imatrix.chunk_count", MetadataValue::uint32(n_chunks));
    writer.metadata().set("imatrix.chunk_size", MetadataValue::uint32(chunk_size));
    for (const auto& [name, inputs] : inputs_) {
        SLUICE_TRY(writer.announce(name + std::string(kSums), TensorType::kF32,
                                   {inputs.columns, inputs.counts.size()}));
        SLUICE_TRY(writer.announce(name + std::string(kCounts), TensorType::kF32, {1, inputs.counts.size()}));
    }
    SLUICE_ASSIGN(sink, ByteSink::to_file(path));
    SLUICE_TRY(writer.begin(std::move(sink)));
    for (const auto& [name, inputs] : inputs_) {
        SLUICE_TRY(writer.write(std::as_bytes(std::span(inputs.sums))));
        SLUICE_TRY(writer.write(std::as_bytes(std::span(inputs.counts))));
    }
    return writer.finish();
}

Result<std::vector<float>> Importance::weights(std::string_view name, std::uint64_t index,
                                               std::uint64_t n_matrices, std::uint64_t columns) const {
    const auto found = inputs_.find(name);
    if (found == inputs_.end()) return std::vector<float>();
    const Inputs& inputs = found->second;
    if (inputs.columns != columns || inputs.counts.size() != n_matrices) {
        return make_error(SLUICE_E_CORRUPT, "the importance of ", printable(name), " is of ",
                          inputs.counts.size(), " matrices with ", inputs.columns, " columns, the model has ",
                          n_matrices, " with ", columns);
    }
    const auto first = inputs.sums.begin() + static_cast<std::ptrdiff_t>(index * columns);
    double mean = 0;
    for (std::uint64_t i = 0; i < columns; ++i) mean += first[static_cast<std::ptrdiff_t>(i)];
    mean /= static_cast<double>(columns);
    if (!(mean > 0) || !std::isfinite(mean)) return std::vector<float>();  // an expert that nothing woke
    std::vector<float> weights(columns);
    std::transform(first, first + static_cast<std::ptrdiff_t>(columns), weights.begin(),
                   [&](float sum) { return static_cast<float>(std::max(sum / mean, kLeastShare)); });
    return weights;
}

}  // namespace sluice::quantise
