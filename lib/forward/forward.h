// The forward pass: tokens in, logits out, the KV cache moved on.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/memory.h"
#include "base/result.h"
#include "base/threads.h"
#include "cache/kv_cache.h"
#include "kernels/kernels.h"
#include "model/model.h"
#include "moe/expert_counts.h"

namespace sluice {

enum class LogitRows {
    kNone,
    kLast,  // of the last token
    kAll,   // of every token
};

struct InputSquares;

// What a run leaves behind for inspection. Sized by the caller; an empty member is not filled.
struct Trace {
    // n_layers + 1 entries of [tokens x hidden]: the embedding, then the sum after each layer; the last one
    // is replaced by its final norm.
    std::vector<std::vector<float>> hidden;
    // n_layers entries of [tokens x n_experts_used]; those of layers without experts stay empty.
    std::vector<std::vector<std::int32_t>> experts;
    std::vector<std::vector<float>> weights;
    // Sums of squares of what each of its matrices is multiplied with; null: none. Borrowed.
    InputSquares* inputs = nullptr;
};

// One conversation's tokens in a pass.
struct Sequence {
    std::span<const TokenId> tokens;  // for the positions after the cache's; at least 1, and valid
    TokenRole role = TokenRole::kPrompt;
    LogitRows rows = LogitRows::kLast;
    KvCache* cache = nullptr;  // with room for the tokens. Borrowed
    // Filled by the pass: NUMERIC, when this sequence met a number that is not finite.
    std::optional<Error> failure;
};

// One thread at a time; the workers may be shared.
class ForwardPass {
public:
    virtual ~ForwardPass() = default;

    // Computes the tokens of several conversations and advances each cache by its own: every weight is read
    // once for all, and the bits of a sequence are those that it has alone. `logits` has room for the rows
    // that they ask for, vocabulary_size floats each, sequence after sequence.
    // Requires 1 to max_tokens() tokens together, a cache for each sequence, those of generated tokens first,
    // and a trace for a single sequence only.
    // A sequence with a `failure` was not advanced and its logits mean nothing; the others were computed.
    // Errors, of the pass as a whole: OUT_OF_MEMORY (a page of a cache; before anything was changed),
    // CANCELLED, CALLBACK_FAILED, INTERNAL, and NUMERIC where every sequence failed (the failure of one of
    // them). No cache was then advanced. Whatever was not advanced is to be rolled back by the caller, who
    // called begin() of every cache.
    virtual Done run_batch(std::span<Sequence> sequences, std::span<float> logits, Trace* trace,
                           const CancelFlag& cancel) = 0;

    // The same for one sequence. Errors: those, its own among them.
    Done run(std::span<const TokenId> tokens, TokenRole role, KvCache& cache, LogitRows rows,
             std::span<float> logits, Trace* trace, const CancelFlag& cancel);

    virtual std::size_t max_tokens() const = 0;
    virtual std::uint64_t size() const = 0;  // bytes of working memory
};

// The pass that people use. With `quantises` the activations that meet quantised weights are rounded to small
// integers, otherwise all are floats. counts may be null. Everything given outlives the pass.
// Errors: OUT_OF_MEMORY.
Result<std::unique_ptr<ForwardPass>> make_forward_pass(const Model& model, const Kernels& kernels,
                                                       bool quantises, Workers& workers, std::size_t max_tokens,
                                                       MemoryBudget& budget, ExpertCounts* counts);

// Bytes of working memory that make_forward_pass would take, for a model that has float matrices
// (ModelSizes::has_float_matrices) or none.
std::uint64_t planned_forward_size(const Config& config, bool has_float_matrices, std::size_t max_tokens,
                                   std::uint32_t n_threads);

// Of one row. Errors: NUMERIC, naming the first logit that is NaN or infinite.
Done check_finite(std::span<const float> logits);

}  // namespace sluice
