// Work is cut by weight rows: a piece reads its rows once for all vectors, whoever computes it.
#include "forward/step.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>

#include "base/sentence.h"
#include "forward/input_squares.h"

namespace sluice {
namespace {

// A piece takes some ten microseconds, so that a cancel is seen soon, also where a thread takes several at
// once, and the last piece keeps nobody waiting.
constexpr std::size_t kPieceCost = 1u << 17;

// A byte of a quantised matrix takes as long to read as this many products take to compute, roughly.
constexpr std::size_t kProductsOfByte = 32;

// Most products of one input that all of its rows take part in: those of queries, keys and values.
constexpr std::size_t kMostWholeProducts = 3;

std::size_t count_of(const Product& product, const Vectors& input) {
    return product.count == 0 ? input.count - product.first : product.count;
}

}  // namespace

std::size_t Step::grain_for(std::size_t cost) {
    return std::max<std::size_t>(1, kPieceCost / std::max<std::size_t>(1, cost));
}

// Whole inputs only: an expert sees few tokens of a short prompt, and a matrix of few rows, as a router's, is
// not worth oneDNN's whole tiles either.
bool Step::is_by_onednn(const Product& product) const {
    return prompt != nullptr && product.count == 0 && product.matrix->rows >= kPromptRows &&
           !can_multiply_quantised(product.matrix->type);
}

// Rows that are always computed together: what kernels make panels of, or some rows of floats, so that a small
// matrix as the router is shared out too.
std::size_t Step::rows_together(const Product& product) const {
    if (is_by_onednn(product)) return kPromptRows;
    return can_multiply_quantised(product.matrix->type) ? 32 : 8;
}

std::size_t Step::units_of(const Product& product) const {
    const std::size_t together = rows_together(product);
    return (product.matrix->rows + together - 1) / together;
}

Vectors Step::vectors_of(const Product& product, const Vectors& input) const {
    const float* data = input.data + (product.rows == nullptr ? product.first * input.stride : 0);
    return {data, count_of(product, input), input.size, input.stride, product.rows};
}

// Generated tokens have the kernels' sums, also where oneDNN computes those of the prompts beside them.
std::span<const Product> Step::split_by_role(std::span<const Product> independent,
                                             std::span<Product> room) const {
    const bool splits = n_generated > 0 && independent.size() * 2 <= room.size() &&
                        std::any_of(independent.begin(), independent.end(),
                                    [&](const Product& product) { return is_by_onednn(product); });
    if (!splits) return independent;
    std::size_t n_products = 0;
    for (const Product& product : independent) {
        if (!is_by_onednn(product)) {
            room[n_products++] = product;
            continue;
        }
        Product& generated = room[n_products++] = product;
        generated.count = n_generated;
        Product& prompts = room[n_products++] = product;
        prompts.first = n_generated;
        prompts.output += n_generated * product.output_stride;
    }
    return room.first(n_products);
}

// To prompt->tiles: the rows of prompts.
Done Step::turn(const Vectors& all) const {
    const Vectors input{all.data + n_generated * all.stride, all.count - n_generated, all.size, all.stride};
    const std::size_t tile_size = prompt_tile_size(input.size);
    const std::size_t n_tiles = (input.count + kPromptVectors - 1) / kPromptVectors;
    return workers.for_each(
        n_tiles, grain_for(tile_size), cancel, [&](std::size_t first, std::size_t last, std::uint32_t) {
            for (std::size_t tile = first; tile < last; ++tile) {
                turn_vectors(input, tile * kPromptVectors, prompt->tiles.data() + tile * tile_size);
            }
        });
}

// To row `index` of work.quantised.
bool Step::quantise_row(const float* row, std::size_t size, std::size_t index) const {
    const std::size_t n_blocks = size / kQuantisedBlock;
    return kernels.quantise(row, size, work.quantised.data() + index * size,
                            work.quantised_scales.data() + index * n_blocks,
                            work.quantised_sums.data() + index * n_blocks * 2);
}

Done Step::quantise(const Vectors& input, Rounding rounding, const std::uint32_t* tokens) const {
    std::atomic<bool> is_finite = true;
    const auto quantise_one = [&](std::size_t index, float* rest) {
        const float* row = input.data + index * input.stride;
        if (!quantise_row(row, input.size, index)) is_finite.store(false, std::memory_order_relaxed);
        if (rounding == Rounding::kOnce) return;
        const std::int8_t* values = work.quantised.data() + index * input.size;
        const float* scales = work.quantised_scales.data() + index * (input.size / kQuantisedBlock);
        for (std::size_t i = 0; i < input.size; ++i) {
            rest[i] = row[i] - scales[i / kQuantisedBlock] * static_cast<float>(values[i]);
        }
        quantise_row(rest, input.size, input.count + index);
    };
    SLUICE_TRY(workers.for_each(input.count, grain_for(2 * input.size), cancel,
                                [&](std::size_t first, std::size_t last, std::uint32_t worker) {
                                    for (std::size_t row = first; row < last; ++row) {
                                        quantise_one(row, work.scratch(worker).data());
                                    }
                                }));
    return is_finite.load(std::memory_order_relaxed) ? Nothing{} : fail_rows(input, rounding, tokens);
}

// What was rounded from rows that are not finite means nothing; as zeros it at least is in the kernels' range.
Done Step::fail_rows(const Vectors& input, Rounding rounding, const std::uint32_t* tokens) const {
    const std::size_t n_blocks = input.size / kQuantisedBlock;
    const auto clear = [&](std::size_t index) {
        std::fill_n(work.quantised.data() + index * input.size, input.size, std::int8_t{0});
        std::fill_n(work.quantised_scales.data() + index * n_blocks, n_blocks, 0.0F);
        std::fill_n(work.quantised_sums.data() + index * n_blocks * 2, n_blocks * 2, 0);
    };
    for (std::size_t index = 0; index < input.count; ++index) {
        const float* row = input.data + index * input.stride;
        if (std::all_of(row, row + input.size, [](float x) { return std::isfinite(x); })) continue;
        clear(index);
        if (rounding == Rounding::kTwice) clear(input.count + index);
        SLUICE_TRY(fail(tokens == nullptr ? index : tokens[index],
                        make_error(SLUICE_E_NUMERIC, "an activation in layer ", layer,
                                   " is not finite: a weight of the model is not, or too large")));
    }
    return Nothing{};
}

Done Step::fail(std::size_t token, Error failure) const {
    std::optional<Error>& known = sequences[places[token].sequence].failure;
    if (!known) known = std::move(failure);
    const bool goes_on = std::any_of(sequences.begin(), sequences.end(),
                                     [](const Sequence& sequence) { return !sequence.failure; });
    return goes_on ? Done(Nothing{}) : Done(*known);
}

// False if oneDNN failed.
bool Step::multiply_rows(const Vectors& input, const Product& product, Rounding rounding, std::size_t first_row,
                         std::size_t last_row, std::uint32_t worker) const {
    const Matrix& matrix = *product.matrix;
    const std::size_t count = count_of(product, input);
    float* scratch = work.scratch(worker).data();
    if (is_by_onednn(product)) {
        return prompt->products->multiply(matrix, first_row, last_row, prompt->tiles.data(), count,
                                          product.output, product.output_stride, worker);
    }
    if (!quantises || !can_multiply_quantised(matrix.type)) {
        kernels.multiply(matrix, first_row, last_row, vectors_of(product, input), product.output,
                         product.output_stride, scratch);
        return true;
    }
    const std::size_t first = product.rows == nullptr ? product.first : 0;
    const std::size_t first_block = first * (input.size / kQuantisedBlock);
    const std::size_t n_vectors = rounding == Rounding::kTwice ? 2 * count : count;
    kernels.multiply_quantised(
        matrix, first_row, last_row,
        {work.quantised.data() + first * input.size, work.quantised_scales.data() + first_block,
         work.quantised_sums.data() + 2 * first_block, n_vectors, input.size, product.rows},
        product.output, product.output_stride, reinterpret_cast<std::byte*>(scratch));
    if (rounding == Rounding::kOnce) return true;
    for (std::size_t v = 0; v < count; ++v) {
        float* sums = product.output + v * product.output_stride;
        const float* rests = sums + count * product.output_stride;
        kernels.add(sums + first_row, rests + first_row, last_row - first_row);
    }
    return true;
}

void Step::note_inputs(const Vectors& input, std::span<const Product> products_of_input) const {
    for (const Product& product : products_of_input) {
        trace->inputs->add(*product.matrix, vectors_of(product, input));
    }
}

Done Step::multiply(const Vectors& input, std::span<const Product> wanted, Rounding rounding,
                    const std::uint32_t* tokens) const {
    std::array<Product, 2 * kMostWholeProducts> room;
    const std::span<const Product> independent = split_by_role(wanted, room);
    std::size_t n_units = 0;
    std::size_t cost = 0;
    bool wants_quantised = false;
    bool turns = false;
    for (const Product& product : independent) {
        const Matrix& matrix = *product.matrix;
        n_units += units_of(product);
        cost += matrix.size() + matrix.rows * matrix.columns * count_of(product, input) / kProductsOfByte;
        wants_quantised = wants_quantised || can_multiply_quantised(matrix.type);
        turns = turns || is_by_onednn(product);
    }
    if (n_units == 0) return Nothing{};
    if (trace != nullptr && trace->inputs != nullptr) note_inputs(input, independent);
    if (quantises && wants_quantised) SLUICE_TRY(quantise(input, rounding, tokens));
    if (turns) SLUICE_TRY(turn(input));
    std::atomic<bool> has_failed = false;
    SLUICE_TRY(
        workers.for_each(n_units, grain_for(cost / n_units), cancel,
                         [&](std::size_t first, std::size_t last, std::uint32_t worker) {
                             std::size_t begin = 0;  // of the product's units in the loop's numbering
                             for (const Product& product : independent) {
                                 const std::size_t end = begin + units_of(product);
                                 if (first < end && begin < last) {
                                     const std::size_t together = rows_together(product);
                                     const std::size_t first_row = (std::max(first, begin) - begin) * together;
                                     const std::size_t last_row = (std::min(last, end) - begin) * together;
                                     if (!multiply_rows(input, product, rounding, first_row,
                                                        std::min(last_row, product.matrix->rows), worker)) {
                                         has_failed.store(true, std::memory_order_relaxed);
                                     }
                                 }
                                 begin = end;
                             }
                         }));
    if (!has_failed.load(std::memory_order_relaxed)) return Nothing{};
    return make_error(SLUICE_E_INTERNAL, "oneDNN failed to multiply in layer ", layer);
}

Done Step::normalise(const Floats& weight) const {
    return for_each_token(2 * config.hidden_size, [&](std::size_t token) {
        kernels.rms_norm(row_of(work.hidden, token).data(), weight.data(), config.hidden_size,
                         config.norm_epsilon, row_of(work.normed, token).data());
    });
}

Done Step::add_mixed() const {
    return for_each_token(config.hidden_size, [&](std::size_t token) {
        kernels.add(row_of(work.hidden, token).data(), row_of(work.mixed, token).data(), config.hidden_size);
    });
}

}  // namespace sluice
