// THE PAGE: the whole model, for the tokens of one conversation or of several. An embedding; layers of a mixer
// (attention or short convolution) and a feed-forward (dense or experts), each added to the residual stream; a
// norm; the head.
#include "forward/forward.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/sentence.h"
#include "forward/layers.h"
#include "forward/rope.h"
#include "forward/step.h"

namespace sluice {
namespace {

constexpr std::string_view kCause = ": a weight or an activation is not finite";

class Forward final : public ForwardPass {
public:
    Forward(const Model& model, const Kernels& kernels, bool quantises, Workers& workers,
            std::size_t max_tokens, ExpertCounts* counts, Workspace work, std::unique_ptr<PromptRoom> prompt)
        : config_(model.config()),
          weights_(model.weights()),
          kernels_(kernels),
          quantises_(quantises),
          workers_(workers),
          max_tokens_(max_tokens),
          counts_(counts),
          work_(std::move(work)),
          prompt_(std::move(prompt)),
          groups_(config_.n_experts, config_.n_experts_used, max_tokens),
          places_(max_tokens),
          wanted_(max_tokens),
          products_(2 * std::size_t{config_.n_experts}),
          rope_(config_.head_size, config_.rope_theta) {}

    Done run_batch(std::span<Sequence> sequences, std::span<float> logits, Trace* trace,
                   const CancelFlag& cancel) override {
        for (const Sequence& sequence : sequences) {
            SLUICE_TRY(sequence.cache->make_room(sequence.tokens.size()));
        }
        const auto [n_tokens, n_generated] = place(sequences);
        PromptRoom* const prompt = n_generated < n_tokens ? prompt_.get() : nullptr;
        Step step{config_,   kernels_, workers_, cancel,   work_,       sequences,  places_, groups_,
                  products_, counts_,  trace,    n_tokens, n_generated, quantises_, prompt};
        std::uint32_t n_attentions = 0;
        std::uint32_t n_convolutions = 0;
        embed(sequences);
        record(step, 0, work_.hidden);

        for (std::uint32_t layer = 0; layer < weights_.layers.size(); ++layer) {
            const Layer& weights = weights_.layers[layer];
            step.layer = layer;

            SLUICE_TRY(step.normalise(weights.mixer_norm));
            if (const auto* attention = std::get_if<Attention>(&weights.mixer)) {
                SLUICE_TRY(run_attention(*attention, n_attentions++, step));
            } else {
                SLUICE_TRY(
                    run_short_convolution(std::get<ShortConvolution>(weights.mixer), n_convolutions++, step));
            }
            SLUICE_TRY(step.add_mixed());

            SLUICE_TRY(step.normalise(weights.feed_forward_norm));
            if (const auto* dense = std::get_if<DenseFeedForward>(&weights.feed_forward)) {
                SLUICE_TRY(run_dense_feed_forward(*dense, step));
            } else {
                SLUICE_TRY(
                    run_expert_feed_forward(std::get<ExpertFeedForward>(weights.feed_forward), layer, step));
            }
            SLUICE_TRY(step.add_mixed());
            record(step, layer + 1, work_.hidden);
        }

        SLUICE_TRY(step.normalise(weights_.final_norm));
        record(step, weights_.layers.size(), work_.normed);
        SLUICE_TRY(check_normed(step));
        step.prompt = nullptr;  // the head's sums are the same for every role: one row is not worth whole tiles
        SLUICE_TRY(compute_logits(step, logits));
        advance(sequences);
        return Nothing{};
    }

    std::size_t max_tokens() const override { return max_tokens_; }
    std::uint64_t size() const override {
        return planned_forward_size(config_, prompt_ != nullptr, max_tokens_, workers_.size());
    }

private:
    struct Counts {
        std::size_t n_tokens = 0;
        std::size_t n_generated = 0;
    };

    // Gives every token its place and the angles of its position.
    Counts place(std::span<const Sequence> sequences) {
        const std::size_t half = config_.head_size / 2;
        Counts counts;
        for (std::uint32_t i = 0; i < sequences.size(); ++i) {
            const Sequence& sequence = sequences[i];
            const std::size_t count = sequence.tokens.size();
            const std::uint64_t begin = sequence.cache->position();
            const std::size_t first = counts.n_tokens;
            for (std::size_t token = 0; token < count; ++token) places_[first + token] = {i, begin + token};
            rope_.fill(begin, count, work_.cosines.subspan(first * half), work_.sines.subspan(first * half));
            counts.n_tokens += count;
            if (sequence.role == TokenRole::kGenerated) counts.n_generated += count;
        }
        return counts;
    }

    void embed(std::span<const Sequence> sequences) {
        const Matrix& embedding = weights_.embedding;
        float* row = work_.hidden.data();
        for (const Sequence& sequence : sequences) {
            for (const TokenId token : sequence.tokens) {
                kernels_.decode(embedding.type,
                                embedding.data + static_cast<std::size_t>(token) * embedding.row_bytes(),
                                embedding.columns, row);
                row += embedding.columns;
            }
        }
    }

    // Of every token, also where no logits are asked for: an error must not depend on where a chunk ends.
    static Done check_normed(const Step& step) {
        for (std::size_t token = 0; token < step.n_tokens; ++token) {
            for (const float x : step.row_of(step.work.normed, token)) {
                if (std::isfinite(x)) continue;
                SLUICE_TRY(step.fail(token, make_error(SLUICE_E_NUMERIC, "a hidden state is ", x, kCause)));
                break;
            }
        }
        return Nothing{};
    }

    // The tokens whose logits are asked for, in order.
    std::span<const std::uint32_t> wanted_rows(std::span<const Sequence> sequences) {
        std::size_t n_wanted = 0;
        std::size_t end = 0;
        for (const Sequence& sequence : sequences) {
            const std::size_t count = sequence.tokens.size();
            end += count;
            const std::size_t n_rows = sequence.rows == LogitRows::kAll    ? count
                                       : sequence.rows == LogitRows::kLast ? 1
                                                                           : 0;
            for (std::size_t row = end - n_rows; row < end; ++row) {
                wanted_[n_wanted++] = static_cast<std::uint32_t>(row);
            }
        }
        return {wanted_.data(), n_wanted};
    }

    Done compute_logits(const Step& step, std::span<float> logits) {
        const std::span<const std::uint32_t> wanted = wanted_rows(step.sequences);
        const std::size_t hidden = config_.hidden_size;
        const std::size_t n_logits = weights_.head.rows;
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            const auto row = step.row_of(work_.normed, wanted[i]);
            std::copy(row.begin(), row.end(), step.row_of(work_.mixed, i).begin());
        }
        const Product head{&weights_.head, logits.data(), n_logits};
        if (wanted.empty()) return Nothing{};
        SLUICE_TRY(step.multiply({work_.mixed.data(), wanted.size(), hidden, hidden}, {&head, 1},
                                 Rounding::kOnce, wanted.data()));
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            if (step.has_failed(wanted[i])) continue;
            Done finite = check_finite(logits.subspan(i * n_logits, n_logits));
            if (!finite) SLUICE_TRY(step.fail(wanted[i], std::move(finite).error()));
        }
        return Nothing{};
    }

    void advance(std::span<const Sequence> sequences) {
        for (const Sequence& sequence : sequences) {
            if (sequence.failure) continue;
            if (counts_ != nullptr) counts_->add_tokens(sequence.tokens.size());
            sequence.cache->advance(sequence.tokens, sequence.role);
        }
    }

    static void record(const Step& step, std::size_t index, std::span<const float> rows) {
        if (step.trace == nullptr || step.trace->hidden.empty()) return;
        const std::size_t size = step.n_tokens * step.config.hidden_size;
        step.trace->hidden[index].assign(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(size));
    }

    const Config& config_;
    const Weights& weights_;
    const Kernels& kernels_;
    bool quantises_;
    Workers& workers_;
    std::size_t max_tokens_;
    ExpertCounts* counts_;
    Workspace work_;
    std::unique_ptr<PromptRoom> prompt_;  // null: the kernels multiply float matrices too
    ExpertGroups groups_;
    std::vector<Place> places_;
    std::vector<std::uint32_t> wanted_;
    std::vector<Product> products_;
    Rope rope_;
};

}  // namespace

Result<std::unique_ptr<ForwardPass>> make_forward_pass(const Model& model, const Kernels& kernels,
                                                       bool quantises, Workers& workers, std::size_t max_tokens,
                                                       MemoryBudget& budget, ExpertCounts* counts) {
    SLUICE_ASSIGN(work, Workspace::create(model.config(), max_tokens, workers.size(), budget));
    std::unique_ptr<PromptRoom> prompt;
    if (model.sizes().has_float_matrices) {
        SLUICE_ASSIGN(room, PromptRoom::create(model.config(), kernels, max_tokens, workers.size(), budget));
        prompt = std::move(room);
    }
    return std::unique_ptr<ForwardPass>(std::make_unique<Forward>(
        model, kernels, quantises, workers, max_tokens, counts, std::move(work), std::move(prompt)));
}

std::uint64_t planned_forward_size(const Config& config, bool has_float_matrices, std::size_t max_tokens,
                                   std::uint32_t n_threads) {
    const std::uint64_t prompt =
        has_float_matrices ? PromptRoom::planned_size(config, max_tokens, n_threads) : 0;
    return Workspace::planned_size(config, max_tokens, n_threads) + prompt;
}

Done ForwardPass::run(std::span<const TokenId> tokens, TokenRole role, KvCache& cache, LogitRows rows,
                      std::span<float> logits, Trace* trace, const CancelFlag& cancel) {
    Sequence sequence{tokens, role, rows, &cache, {}};
    return run_batch({&sequence, 1}, logits, trace, cancel);
}

Done check_finite(std::span<const float> logits) {
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (std::isfinite(logits[i])) continue;
        return make_error(SLUICE_E_NUMERIC, "the logit of token ", i, " is ", logits[i], kCause);
    }
    return Nothing{};
}

}  // namespace sluice
