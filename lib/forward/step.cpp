// Work is cut by weight rows: a piece reads its rows once for all vectors, whoever computes it.
#include "forward/step.h"

#include <algorithm>

namespace sluice {
namespace {

// Multiply-adds of one piece of work: about 0.1 ms of scalar code, so that a cancel is seen soon and the
// last piece does not keep the other threads waiting.
constexpr std::size_t kPieceWork = 1u << 17;

// The largest n that keeps n * work near kPieceWork, at least 1.
std::size_t grain_for(std::size_t work) {
    return std::max<std::size_t>(1, kPieceWork / std::max<std::size_t>(1, work));
}

}  // namespace

Done Step::multiply(std::span<const Product> independent) const {
    std::size_t n_rows = 0;
    std::size_t n_multiplications = 0;
    for (const Product& product : independent) {
        n_rows += product.matrix->rows;
        n_multiplications += product.matrix->rows * product.matrix->columns * product.input.count;
    }
    if (n_rows == 0) return Nothing{};
    const std::size_t grain = grain_for(n_multiplications / n_rows);
    return workers.for_each(
        n_rows, grain, cancel, [&](std::size_t first, std::size_t last, std::uint32_t worker) {
            std::size_t begin = 0;  // of the product's rows in the loop's numbering
            for (const Product& product : independent) {
                const std::size_t end = begin + product.matrix->rows;
                if (first < end && begin < last) {
                    kernels.multiply(*product.matrix, std::max(first, begin) - begin,
                                     std::min(last, end) - begin, product.input, product.output,
                                     product.output_stride, work.scratch(worker).data());
                }
                begin = end;
            }
        });
}

Done Step::normalise(const Floats& weight) const {
    return workers.for_each(n_tokens, grain_for(config.hidden_size), cancel,
                            [&](std::size_t first, std::size_t last, std::uint32_t) {
                                for (std::size_t token = first; token < last; ++token) {
                                    kernels.rms_norm(row_of(work.hidden, token).data(), weight.data(),
                                                     config.hidden_size, config.norm_epsilon,
                                                     row_of(work.normed, token).data());
                                }
                            });
}

void Step::add_mixed() const {
    kernels.add(work.hidden.data(), work.mixed.data(), n_tokens * config.hidden_size);
}

}  // namespace sluice
