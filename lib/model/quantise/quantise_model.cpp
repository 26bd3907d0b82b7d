// Plans the source's weights, then streams each through decoder and quantiser into the writer.
#include "model/quantise/quantise_model.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/sentence.h"
#include "base/utf8.h"
#include "kernels/select.h"
#include "model/gguf_writer.h"
#include "model/quantise/description.h"
#include "model/quantise/output_tensors.h"
#include "model/quantise/row_quantisers.h"
#include "model/quantise/tensor_reader.h"
#include "model/weights.h"

namespace sluice::quantise {
namespace {

// Elements that are in memory at once: enough for all threads, and some 10 MB as floats.
constexpr std::uint64_t kElementsAtOnce = 2u << 20;
constexpr std::uint64_t kNoElement = UINT64_MAX;

// The first element of a row that a type cannot hold.
std::uint64_t first_unfit(const float* x, std::uint64_t count, float most) {
    // All at once first: NaN is not less or equal.
    bool fits = true;
    for (std::uint64_t i = 0; i < count; ++i) fits &= std::fabs(x[i]) <= most;
    if (fits) return kNoElement;
    return static_cast<std::uint64_t>(
        std::find_if(x, x + count, [&](float value) { return !(std::fabs(value) <= most); }) - x);
}

// Formats with float16 scales, and float16 itself.
float most_of(TensorType type) {
    const bool is_wide = type == TensorType::kF32 || type == TensorType::kBF16;
    return is_wide ? std::numeric_limits<float>::max() : kLargest;
}

void lower(std::atomic<std::uint64_t>& least, std::uint64_t value) {
    std::uint64_t seen = least.load(std::memory_order_relaxed);
    while (value < seen && !least.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
    }
}

class Pass {
public:
    Pass(const TensorTable& table, const TensorReader& reader, const QuantiseOptions& options, Workers& workers,
         GgufWriter& writer, std::uint64_t total)
        : table_(table),
          reader_(reader),
          options_(options),
          workers_(workers),
          writer_(writer),
          total_(total) {}

    // Takes the memory of the largest step.
    Done take_memory(const std::vector<OutputTensor>& tensors, MemoryBudget& budget) {
        std::uint64_t columns = 0;
        std::uint64_t step = 0;
        for (const OutputTensor& tensor : tensors) {
            columns = std::max(columns, tensor.columns());
            step = std::max(step, rows_at_once(tensor) * tensor.columns());
        }
        // Stored rows on their way in and out, at most 4 bytes an element, and a row of floats per thread.
        const std::uint64_t size = step * 8 + columns * sizeof(float) * workers_.size();
        SLUICE_ASSIGN(charge, Charge::take(budget, size, "rows of weights"));
        charge_ = std::move(charge);
        floats_.resize(columns * workers_.size());
        columns_ = columns;
        return Nothing{};
    }

    Done write(const OutputTensor& tensor) {
        if (tensor.pieces.empty()) return write_zeros(tensor);
        for (std::size_t i = 0; i < tensor.pieces.size(); ++i) {
            const Piece& piece = tensor.pieces[i];
            SLUICE_TRY(weigh(tensor, i));
            const std::uint64_t n_rows = piece.count / tensor.columns();
            const std::uint64_t step = rows_at_once(tensor);
            for (std::uint64_t row = 0; row < n_rows; row += step) {
                SLUICE_TRY(write_rows(tensor, piece, row, std::min(step, n_rows - row)));
            }
        }
        return Nothing{};
    }

private:
    static std::uint64_t rows_at_once(const OutputTensor& tensor) {
        return std::max<std::uint64_t>(1, kElementsAtOnce / tensor.columns());
    }

    // Pieces of a stack of experts are one expert each.
    Done weigh(const OutputTensor& tensor, std::size_t piece) {
        weights_.clear();
        if (options_.importance == nullptr || info_of(tensor.type).block_count == 1) return Nothing{};
        SLUICE_ASSIGN(weights,
                      options_.importance->weights(tensor.name, piece, tensor.pieces.size(), tensor.columns()));
        weights_ = std::move(weights);
        return Nothing{};
    }

    Done write_zeros(const OutputTensor& tensor) {
        std::uint64_t n_elements = 1;
        for (const std::uint64_t dimension : tensor.dimensions) n_elements *= dimension;
        out_.assign(row_size(tensor.type, n_elements), std::byte{0});
        return writer_.write(out_);
    }

    Done write_rows(const OutputTensor& tensor, const Piece& piece, std::uint64_t first_row,
                    std::uint64_t n_rows) {
        const std::uint64_t columns = tensor.columns();
        const std::uint64_t first = piece.first + first_row * columns;
        SLUICE_TRY(reader_.read(piece.tensor, first, columns, n_rows, rows_));
        const std::uint64_t out_size = row_size(tensor.type, columns);
        out_.resize(n_rows * out_size);
        const RowQuantiser quantise = row_quantiser(tensor.type);
        const float most = most_of(tensor.type);
        // What is of this type already keeps its bytes.
        const bool copies =
            table_.entries()[piece.tensor].type == tensor.type && reader_.stored_row(rows_, 0) != nullptr;
        const float* importance = weights_.empty() ? nullptr : weights_.data();
        std::atomic<std::uint64_t> unfit = kNoElement;
        const CancelFlag never{false};
        SLUICE_TRY(
            workers_.for_each(n_rows, 1, never, [&](std::size_t begin, std::size_t end, std::uint32_t worker) {
                float* floats = floats_.data() + worker * columns_;
                for (std::size_t row = begin; row < end; ++row) {
                    reader_.decode(rows_, row, floats);
                    const std::uint64_t bad = first_unfit(floats, columns, most);
                    if (bad != kNoElement) {
                        lower(unfit, row * columns + bad);
                        continue;
                    }
                    std::byte* out = out_.data() + row * out_size;
                    if (copies) {
                        std::memcpy(out, reader_.stored_row(rows_, row), out_size);
                    } else {
                        quantise(floats, importance, columns, out);
                    }
                }
            }));
        if (unfit != kNoElement) return complain(tensor, piece, first, unfit);
        SLUICE_TRY(writer_.write(out_));
        return advance(reader_.stored_size(piece.tensor, n_rows * columns));
    }

    Error complain(const OutputTensor& tensor, const Piece& piece, std::uint64_t first, std::uint64_t unfit) {
        reader_.decode(rows_, unfit / tensor.columns(), floats_.data());
        const float value = floats_[unfit % tensor.columns()];
        const std::string name = printable(table_.entries()[piece.tensor].name);
        if (std::isfinite(value)) {
            return make_error(SLUICE_E_NUMERIC, "tensor ", name, " has ", value, " as element ", first + unfit,
                              ", more than ", info_of(tensor.type).name, " can hold");
        }
        return make_error(SLUICE_E_NUMERIC, "tensor ", name, " has ", value, " as element ", first + unfit);
    }

    Done advance(std::uint64_t size) {
        done_ += size;
        if (!options_.progress || options_.progress(done_, total_) == 0) return Nothing{};
        return make_error(SLUICE_E_CANCELLED, "quantising was cancelled after ", done_, " of ", total_,
                          " bytes");
    }

    const TensorTable& table_;
    const TensorReader& reader_;
    const QuantiseOptions& options_;
    Workers& workers_;
    GgufWriter& writer_;
    std::uint64_t total_;
    std::uint64_t done_ = 0;
    Charge charge_;
    std::uint64_t columns_ = 0;
    TensorReader::Rows rows_;
    std::vector<std::byte> out_;
    std::vector<float> floats_;   // a row for each thread
    std::vector<float> weights_;  // importance of the columns; empty: all alike
};

// What a checkpoint folder may hold beside its weights.
constexpr const char* kFolderFiles[] = {
    "config.json",     "model.safetensors.index.json", "tokenizer.json",     "tokenizer_config.json",
    "tokenizer.model", "generation_config.json",       "chat_template.jinja"};

// Writing is by renaming: it would succeed, and the source be gone.
Done check_path(const ModelFiles& files, const std::string& path) {
    if (is_directory(path)) return make_error(SLUICE_E_INVALID_ARGUMENT, printable(path), " is a folder");
    const auto target = identity_of(path);
    if (!target) return Nothing{};
    std::vector<std::optional<FileIdentity>> read;
    for (const auto& source : files.sources) read.push_back(source->identity());
    for (const char* name : kFolderFiles) {
        if (files.is_checkpoint) read.push_back(identity_of(files.folder + "/" + name));
    }
    for (const auto& file : read) {
        if (file == target) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "the output ", printable(path),
                              " is a file of the model that is read");
        }
    }
    return Nothing{};
}

void tell_about_types(const std::vector<OutputTensor>& tensors, const Log& log) {
    for (const OutputTensor& tensor : tensors) {
        if (tensor.type == tensor.wanted) continue;
        log.warning(sentence("tensor ", tensor.name, " has rows of ", tensor.columns(), ", which ",
                             info_of(tensor.wanted).name, " cannot hold: stored as ",
                             info_of(tensor.type).name));
    }
}

void tell_about_source(const WeightsPlan& plan, const TensorTable& table, const MlxMatrices& mlx,
                       const Log& log) {
    const bool is_quantised =
        !mlx.empty() || std::any_of(plan.matrices.begin(), plan.matrices.end(), [&](const MatrixSlot& slot) {
            return info_of(*table.entries()[slot.tensor].type).block_count > 1;
        });
    if (is_quantised) log.warning("the model is quantised already; the errors of both roundings add up");
}

}  // namespace

Done quantise_model(ModelFiles files, const std::string& path, const QuantiseOptions& options, Workers& workers,
                    MemoryBudget& budget, const Log& log) {
    SLUICE_ASSIGN(mix, find_mix(options.type));
    SLUICE_TRY(check_path(files, path));
    MlxMatrices mlx;
    if (files.mlx) {
        SLUICE_ASSIGN(merged, merge_mlx(files.tensors, *files.mlx));
        mlx = std::move(merged);
    }
    SLUICE_ASSIGN(plan, plan_weights(files.names(), files.config, files.tie));
    const std::vector<OutputTensor> tensors = output_tensors(plan, files.tensors, files.config, mix);
    SLUICE_ASSIGN(kernels, select_kernels("scalar"));
    const TensorReader reader(files.tensors, mlx, files.sources, *kernels);
    GgufWriter writer;
    SLUICE_TRY(describe(files, mix, log, writer.metadata()));
    std::uint64_t total = 0;
    for (const OutputTensor& tensor : tensors) {
        SLUICE_TRY(writer.announce(tensor.name, tensor.type, tensor.dimensions));
        for (const Piece& piece : tensor.pieces) total += reader.stored_size(piece.tensor, piece.count);
    }
    Pass pass(files.tensors, reader, options, workers, writer, total);
    SLUICE_TRY(pass.take_memory(tensors, budget));
    SLUICE_ASSIGN(sink, ByteSink::to_file(path));
    for (const std::string& warning : files.warnings) log.warning(warning);
    for (const std::string& warning : plan.warnings) log.warning(warning);
    tell_about_source(plan, files.tensors, mlx, log);
    tell_about_types(tensors, log);
    SLUICE_TRY(writer.begin(std::move(sink)));
    for (const OutputTensor& tensor : tensors) SLUICE_TRY(pass.write(tensor));
    return writer.finish();
}

}  // namespace sluice::quantise
