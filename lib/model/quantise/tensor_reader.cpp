// Reads what is stored, and decodes it row by row.
#include "model/quantise/tensor_reader.h"

namespace sluice::quantise {

std::uint64_t TensorReader::stored_size(std::size_t tensor, std::uint64_t n_elements) const {
    const auto packed = mlx_.find(tensor);
    if (packed == mlx_.end()) return row_size(*table_.entries()[tensor].type, n_elements);
    const MlxFormat& format = packed->second.format;
    const std::uint64_t parameter_size = info_of(*packed->second.scales.type).block_size;
    return n_elements * format.bits / 8 + n_elements / format.group_size * 2 * parameter_size;
}

Done TensorReader::read_floats(const TensorEntry& entry, std::uint64_t first, std::uint64_t count,
                               std::vector<float>& out) const {
    std::vector<std::byte> bytes(row_size(*entry.type, count));
    SLUICE_TRY(files_[entry.file]->read(entry.offset + row_size(*entry.type, first), bytes));
    out.resize(count);
    kernels_.decode(*entry.type, bytes.data(), count, out.data());
    return Nothing{};
}

Done TensorReader::read(std::size_t tensor, std::uint64_t first, std::uint64_t columns, std::uint64_t count,
                        Rows& rows) const {
    rows.tensor = tensor;
    rows.columns = columns;
    rows.count = count;
    const std::uint64_t n_elements = columns * count;
    const auto packed = mlx_.find(tensor);
    if (packed == mlx_.end()) {
        const TensorEntry& entry = table_.entries()[tensor];
        rows.bytes.resize(row_size(*entry.type, n_elements));
        return files_[entry.file]->read(entry.offset + row_size(*entry.type, first), rows.bytes);
    }
    const MlxMatrix& matrix = packed->second;
    const MlxFormat& format = matrix.format;
    rows.bytes.resize(n_elements * format.bits / 8);
    SLUICE_TRY(files_[matrix.words.file]->read(matrix.words.offset + first * format.bits / 8, rows.bytes));
    SLUICE_TRY(
        read_floats(matrix.scales, first / format.group_size, n_elements / format.group_size, rows.scales));
    return read_floats(matrix.biases, first / format.group_size, n_elements / format.group_size, rows.biases);
}

void TensorReader::decode(const Rows& rows, std::uint64_t row, float* out) const {
    const std::byte* stored = stored_row(rows, row);
    if (stored != nullptr) {
        kernels_.decode(*table_.entries()[rows.tensor].type, stored, rows.columns, out);
        return;
    }
    const MlxFormat& format = mlx_.at(rows.tensor).format;
    const std::uint64_t group = row * rows.columns / format.group_size;
    decode_mlx_row(format, rows.bytes.data() + row * rows.columns * format.bits / 8, rows.scales.data() + group,
                   rows.biases.data() + group, rows.columns, out);
}

const std::byte* TensorReader::stored_row(const Rows& rows, std::uint64_t row) const {
    if (mlx_.contains(rows.tensor)) return nullptr;
    return rows.bytes.data() + row * row_size(*table_.entries()[rows.tensor].type, rows.columns);
}

}  // namespace sluice::quantise
