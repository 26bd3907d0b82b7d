// Brings the planned weights into reach: mapped where they lie or read into blocks, and scanned on request.
#include <algorithm>
#include <cmath>

#include "base/sentence.h"
#include "base/utf8.h"
#include "kernels/select.h"
#include "model/weights.h"

namespace sluice {
namespace {

constexpr std::uint64_t kPiece = 8u << 20;  // between two looks at a cancellation

class Progress {
public:
    Progress(const ModelOptions& options, std::uint64_t total) : options_(options), total_(total) {}

    Done advance(std::uint64_t size) {
        done_ += size;
        if (!options_.progress || options_.progress(done_, total_) == 0) return Nothing{};
        return make_error(SLUICE_E_CANCELLED, "opening the model was cancelled after ", done_, " of ", total_,
                          " bytes");
    }

private:
    const ModelOptions& options_;
    std::uint64_t total_;
    std::uint64_t done_ = 0;
};

class Loader {
public:
    Loader(const WeightsPlan& plan, const TensorTable& table,
           std::span<const std::shared_ptr<const Source>> files, const ModelOptions& options,
           MemoryBudget& budget, const Kernels& kernels)
        : plan_(plan),
          table_(table),
          files_(files),
          options_(options),
          budget_(budget),
          kernels_(kernels),
          progress_(options, work_size()),
          data_(table.entries().size(), nullptr) {}

    Result<WeightBlocks> load() {
        for (const MatrixSlot& slot : plan_.matrices) {
            if (data_[slot.tensor] == nullptr) SLUICE_TRY(load_tensor(slot.tensor));
            slot.target->data = data_[slot.tensor] + slot.offset;
        }
        for (const FloatsSlot& slot : plan_.floats) SLUICE_TRY(load_floats(slot));
        SLUICE_TRY(progress_.advance(0));
        return std::move(blocks_);
    }

private:
    // Matrices that are read, once more what is scanned, and all vectors.
    std::uint64_t work_size() const {
        std::uint64_t size = 0;
        std::vector<bool> is_counted(table_.entries().size(), false);
        for (const MatrixSlot& slot : plan_.matrices) {
            if (is_counted[slot.tensor]) continue;
            is_counted[slot.tensor] = true;
            const TensorEntry& entry = table_.entries()[slot.tensor];
            size += (is_mapped(entry) ? 0 : entry.size) + (options_.scan ? entry.size : 0);
        }
        for (const FloatsSlot& slot : plan_.floats) size += table_.entries()[slot.tensor].size;
        return size;
    }

    bool is_mapped(const TensorEntry& entry) const {
        return options_.access == Access::kMap && !files_[entry.file]->bytes().empty();
    }

    Done load_tensor(std::size_t index) {
        const TensorEntry& entry = table_.entries()[index];
        const Source& file = *files_[entry.file];
        if (is_mapped(entry)) {
            data_[index] = file.bytes().data() + entry.offset;
        } else {
            SLUICE_ASSIGN(block, Block::allocate(budget_, entry.size, printable(entry.name)));
            for (std::uint64_t done = 0; done < entry.size; done += kPiece) {
                const std::uint64_t size = std::min(kPiece, entry.size - done);
                SLUICE_TRY(file.read(entry.offset + done, {block.data() + done, size}));
                SLUICE_TRY(progress_.advance(size));
            }
            data_[index] = block.data();
            blocks_.push_back(std::move(block));
        }
        return options_.scan ? scan(entry, data_[index]) : Done(Nothing{});
    }

    Done scan(const TensorEntry& entry, const std::byte* data) {
        const TensorTypeInfo& info = info_of(*entry.type);
        // A whole number of blocks of any type.
        constexpr std::uint64_t kElements = 16u * kMaxBlockCount;
        decoded_.resize(kElements);
        std::uint64_t not_reported = 0;
        for (std::uint64_t first = 0; first < entry.n_elements; first += kElements) {
            const std::uint64_t n = std::min(kElements, entry.n_elements - first);
            const std::uint64_t place = first / info.block_count * info.block_size;
            kernels_.decode(*entry.type, data + place, n, decoded_.data());
            SLUICE_TRY(check_finite(entry, first, std::span(decoded_).first(n)));
            not_reported += n / info.block_count * info.block_size;
            if (not_reported < kPiece) continue;
            SLUICE_TRY(progress_.advance(not_reported));
            not_reported = 0;
        }
        return progress_.advance(not_reported);
    }

    static Done check_finite(const TensorEntry& entry, std::uint64_t first, std::span<const float> values) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (std::isfinite(values[i])) continue;
            return error_at(entry.offset, SLUICE_E_NUMERIC, "tensor ", printable(entry.name), " has ",
                            values[i], " as element ", first + i);
        }
        return Nothing{};
    }

    Done load_floats(const FloatsSlot& slot) {
        const TensorEntry& entry = table_.entries()[slot.tensor];
        std::vector<std::byte> bytes(entry.size);
        SLUICE_TRY(files_[entry.file]->read(entry.offset, bytes));
        slot.target->resize(entry.n_elements);
        kernels_.decode(*entry.type, bytes.data(), entry.n_elements, slot.target->data());
        if (options_.scan) SLUICE_TRY(check_finite(entry, 0, *slot.target));
        return progress_.advance(entry.size);
    }

    const WeightsPlan& plan_;
    const TensorTable& table_;
    std::span<const std::shared_ptr<const Source>> files_;
    const ModelOptions& options_;
    MemoryBudget& budget_;
    const Kernels& kernels_;
    Progress progress_;
    std::vector<const std::byte*> data_;  // of each tensor that is a matrix
    std::vector<float> decoded_;
    WeightBlocks blocks_;
};

}  // namespace

Result<WeightBlocks> load_weights(WeightsPlan& plan, const TensorTable& table,
                                  std::span<const std::shared_ptr<const Source>> files,
                                  const ModelOptions& options, MemoryBudget& budget) {
    SLUICE_ASSIGN(kernels, select_kernels("scalar"));
    Loader loader(plan, table, files, options, budget, *kernels);
    SLUICE_ASSIGN(blocks, loader.load());
    for (Layer& layer : plan.weights->layers) {
        auto* experts = std::get_if<ExpertFeedForward>(&layer.feed_forward);
        if (experts != nullptr) experts->bias.resize(experts->gate.size(), 0.0F);
    }
    return std::move(blocks);
}

}  // namespace sluice
