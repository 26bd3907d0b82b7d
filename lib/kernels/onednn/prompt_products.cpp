// The rows of a matrix, decoded, lie as oneDNN wants its first factor, elements side by side, and the turned
// vectors as it wants the second. So nothing is reordered for a product, and a weight is decoded once for all
// vectors.
#include "kernels/prompt_products.h"

#include <algorithm>
#include <exception>
#include <new>
#include <vector>

#include <dnnl_version.h>
#include <dnnl.hpp>

#include "base/sentence.h"
#include "kernels/onednn/one_thread.h"

namespace sluice {
namespace {

using dnnl::memory;
using onednn::OneThread;

constexpr auto kRows = static_cast<memory::dim>(kPromptRows);
constexpr auto kVectors = static_cast<memory::dim>(kPromptVectors);

memory::desc floats(memory::dim rows, memory::dim columns) {
    return {{rows, columns}, memory::data_type::f32, memory::dims{columns, 1}};
}

dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, memory::dim columns) {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const memory::desc rows = floats(kRows, columns);
    const memory::desc vectors = floats(columns, kVectors);
    const memory::desc sums = floats(kRows, kVectors);
#if DNNL_VERSION_MAJOR >= 3
    return {engine, rows, vectors, sums, attributes};
#else
    return {dnnl::matmul::desc(rows, vectors, sums), attributes, engine};
#endif
}

// One number of columns, for one worker.
struct Shape {
    std::size_t columns;
    dnnl::matmul multiply;
    memory rows, vectors, sums, scratchpad;
};

// A worker's own memory: rows that were decoded, and the sums of one call.
constexpr std::size_t room_size(std::size_t most_columns) {
    return (kPromptRows * most_columns + kPromptRows * kPromptVectors) * sizeof(float);
}

std::size_t most_of(std::span<const std::size_t> columns) {
    return columns.empty() ? 0 : *std::max_element(columns.begin(), columns.end());
}

struct Worker {
    Block room;
    dnnl::stream stream;
    std::vector<Shape> shapes;

    float* sums() { return reinterpret_cast<float*>(room.data()); }
    float* rows() { return sums() + kPromptRows * kPromptVectors; }
};

Error out_of_memory() {
    return make_error(SLUICE_E_OUT_OF_MEMORY, "oneDNN's products need more memory than the system gives");
}

class OneDnnProducts final : public PromptProducts {
public:
    explicit OneDnnProducts(const Kernels& kernels) : kernels_(kernels), engine_(dnnl::engine::kind::cpu, 0) {}

    // Throws what oneDNN and the allocator throw.
    Done add_worker(std::span<const std::size_t> columns, MemoryBudget& budget) {
        SLUICE_ASSIGN(
            room, Block::allocate(budget, room_size(most_of(columns)), "the memory for products by oneDNN"));
        workers_.push_back({std::move(room), dnnl::stream(engine_), {}});
        for (const std::size_t n : columns) {
            const auto description = describe(engine_, static_cast<memory::dim>(n));
            workers_.back().shapes.push_back({n, dnnl::matmul(description),
                                              memory(description.src_desc(), engine_, workers_.back().rows()),
                                              memory(description.weights_desc(), engine_, nullptr),
                                              memory(description.dst_desc(), engine_, workers_.back().sums()),
                                              memory(description.scratchpad_desc(), engine_)});
        }
        return Nothing{};
    }

    bool multiply(const Matrix& w, std::size_t first_row, std::size_t last_row, const float* tiles,
                  std::size_t count, float* out, std::size_t out_stride, std::uint32_t worker) override {
        Worker& mine = workers_[worker];
        const auto shape = std::find_if(mine.shapes.begin(), mine.shapes.end(),
                                        [&](const Shape& s) { return s.columns == w.columns; });
        if (shape == mine.shapes.end()) return false;
        // The wall around oneDNN: no exception may leave a kernel.
        try {
            const OneThread one_thread;
            for (std::size_t row = first_row; row < last_row; row += kPromptRows) {
                const std::size_t n_rows = std::min(kPromptRows, last_row - row);
                decode_rows(w, row, n_rows, mine.rows());
                for (std::size_t v = 0; v < count; v += kPromptVectors) {
                    const float* tile = tiles + v / kPromptVectors * prompt_tile_size(w.columns);
                    // oneDNN only reads it.
                    shape->vectors.set_data_handle(const_cast<float*>(tile));
                    shape->multiply.execute(mine.stream, {{DNNL_ARG_SRC, shape->rows},
                                                          {DNNL_ARG_WEIGHTS, shape->vectors},
                                                          {DNNL_ARG_DST, shape->sums},
                                                          {DNNL_ARG_SCRATCHPAD, shape->scratchpad}});
                    mine.stream.wait();
                    const std::size_t n_vectors = std::min(kPromptVectors, count - v);
                    copy_sums(mine.sums(), n_rows, n_vectors, out + v * out_stride + row, out_stride);
                }
            }
        } catch (const std::exception&) {
            return false;
        }
        return true;
    }

private:
    // With zeros behind the last row.
    void decode_rows(const Matrix& w, std::size_t first, std::size_t n_rows, float* room) const {
        kernels_.decode(w.type, w.data + first * w.row_bytes(), n_rows * w.columns, room);
        std::fill(room + n_rows * w.columns, room + kPromptRows * w.columns, 0.0F);
    }

    static void copy_sums(const float* sums, std::size_t n_rows, std::size_t n_vectors, float* out,
                          std::size_t out_stride) {
        for (std::size_t v = 0; v < n_vectors; ++v) {
            for (std::size_t r = 0; r < n_rows; ++r) out[v * out_stride + r] = sums[r * kPromptVectors + v];
        }
    }

    const Kernels& kernels_;
    dnnl::engine engine_;
    std::vector<Worker> workers_;
};

}  // namespace

Result<std::unique_ptr<PromptProducts>> PromptProducts::create(const Kernels& kernels,
                                                               std::span<const std::size_t> columns,
                                                               std::uint32_t n_workers, MemoryBudget& budget) {
    try {
        const OneThread one_thread;
        auto products = std::make_unique<OneDnnProducts>(kernels);
        for (std::uint32_t worker = 0; worker < n_workers; ++worker) {
            SLUICE_TRY(products->add_worker(columns, budget));
        }
        return std::unique_ptr<PromptProducts>(std::move(products));
    } catch (const std::bad_alloc&) {
        return out_of_memory();
    } catch (const dnnl::error& error) {
        if (error.status == dnnl_out_of_memory) return out_of_memory();
        return std::unique_ptr<PromptProducts>();  // nothing for this processor: the tables do it
    }
}

std::uint64_t PromptProducts::planned_size(std::span<const std::size_t> columns, std::uint32_t n_workers) {
    return columns.empty() ? 0 : std::uint64_t{n_workers} * room_size(most_of(columns));
}

}  // namespace sluice
