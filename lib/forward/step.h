// What every part of the forward pass is given for the tokens of a pass, and the matrix products they share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "base/threads.h"
#include "cache/kv_cache.h"
#include "forward/forward.h"
#include "forward/prompt_room.h"
#include "forward/workspace.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "moe/expert_groups.h"

namespace sluice {

// output = W x for some rows of the input that a group of products shares; output has one row of output_stride
// floats for each of them.
struct Product {
    const Matrix* matrix = nullptr;
    float* output = nullptr;
    std::size_t output_stride = 0;
    // All rows of the input from `first` on: count 0. Otherwise `count` rows from there, or those that `rows`
    // names.
    std::size_t first = 0;
    std::size_t count = 0;
    const std::uint32_t* rows = nullptr;
};

// How an input that meets quantised weights is rounded.
enum class Rounding {
    kOnce,
    // What the first rounding lost is rounded too and multiplied beside it: some 16 bits instead of 8, for
    // twice the arithmetic. Where rounding hurts most: the short convolution with its products of three
    // factors, and the layers before the first router (docs/decisions/0012-rounded-twice.md). Outputs have
    // room for twice the rows.
    kTwice,
};

// Where a token of the pass belongs.
struct Place {
    std::uint32_t sequence = 0;
    std::uint64_t position = 0;  // in its own conversation
};

struct Step {
    const Config& config;
    const Kernels& kernels;
    Workers& workers;
    const CancelFlag& cancel;
    Workspace& work;
    // Their tokens are the rows of `work`, sequence after sequence: first n_generated generated ones, then
    // those of prompts, n_tokens in all.
    std::span<Sequence> sequences;
    std::span<const Place> places;  // of each token
    ExpertGroups& groups;
    std::span<Product> products;  // room for the products of one phase
    ExpertCounts* counts;         // may be null
    Trace* trace;                 // may be null
    std::size_t n_tokens;
    std::size_t n_generated;
    bool quantises;           // activations are rounded to small integers where the weights have blocks
    PromptRoom* prompt;       // oneDNN's, for float matrices and prompts; null: the kernels multiply them
    std::uint32_t layer = 0;  // that is computed, for messages

    // work.normed as the input of a product.
    Vectors normed() const { return {work.normed.data(), n_tokens, config.hidden_size, config.hidden_size}; }
    std::span<float> row_of(std::span<float> rows, std::size_t token) const {
        return rows.subspan(token * config.hidden_size, config.hidden_size);
    }

    // Computes products of one input that do not depend on each other, in one parallel loop over all their
    // rows. tokens[i] is the token that row i of the input belongs to; null: token i. A row that is not finite
    // fails its token, where that is looked at. Errors: CANCELLED, CALLBACK_FAILED, INTERNAL, those of fail.
    Done multiply(const Vectors& input, std::span<const Product> independent,
                  Rounding rounding = Rounding::kOnce, const std::uint32_t* tokens = nullptr) const;

    bool has_failed(std::size_t token) const { return sequences[places[token].sequence].failure.has_value(); }
    // Gives the token's sequence a failure, if it has none yet. Its rows are computed on, without meaning, so
    // that no other sequence's row changes its place. Errors: the failure, when no sequence is left.
    Done fail(std::size_t token, Error failure) const;

    // work.normed = RMSNorm(work.hidden; weight), row by row.
    Done normalise(const Floats& weight) const;

    // work.hidden += work.mixed.
    Done add_mixed() const;

    // Calls body(token) for all tokens, shared out where that is worth it; `cost` is one token's, as below.
    template <class Body>
    Done for_each_token(std::size_t cost, const Body& body) const {
        return workers.for_each(n_tokens, grain_for(cost), cancel,
                                [&](std::size_t first, std::size_t last, std::uint32_t) {
                                    for (std::size_t token = first; token < last; ++token) body(token);
                                });
    }

    // How many things of this cost, in multiply-adds or bytes of memory, make a piece of work that is worth a
    // thread's while: some ten microseconds.
    static std::size_t grain_for(std::size_t cost);

private:
    bool is_by_onednn(const Product& product) const;
    std::size_t rows_together(const Product& product) const;
    std::size_t units_of(const Product& product) const;
    Vectors vectors_of(const Product& product, const Vectors& input) const;
    std::span<const Product> split_by_role(std::span<const Product> independent, std::span<Product> room) const;
    Done turn(const Vectors& input) const;
    void note_inputs(const Vectors& input, std::span<const Product> products_of_input) const;
    Done quantise(const Vectors& input, Rounding rounding, const std::uint32_t* tokens) const;
    Done fail_rows(const Vectors& input, Rounding rounding, const std::uint32_t* tokens) const;
    bool quantise_row(const float* row, std::size_t size, std::size_t index) const;
    bool multiply_rows(const Vectors& input, const Product& product, Rounding rounding, std::size_t first_row,
                       std::size_t last_row, std::uint32_t worker) const;
};

}  // namespace sluice
