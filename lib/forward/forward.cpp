// THE PAGE: the whole model. An embedding; layers of a mixer (attention or short convolution) and a
// feed-forward (dense or experts), each added to the residual stream; a norm; the head.
#include "forward/forward.h"

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
          products_(2 * std::size_t{config_.n_experts}),
          rope_(config_.head_size, config_.rope_theta) {}

    Done run(std::span<const TokenId> tokens, TokenRole role, KvCache& cache, LogitRows rows,
             std::span<float> logits, Trace* trace, const CancelFlag& cancel) override {
        SLUICE_TRY(cache.make_room(tokens.size()));
        PromptRoom* const prompt = role == TokenRole::kPrompt ? prompt_.get() : nullptr;
        Step step{config_,   kernels_, workers_, cancel,        work_,      cache, groups_,
                  products_, counts_,  trace,    tokens.size(), quantises_, prompt};
        std::uint32_t n_attentions = 0;
        std::uint32_t n_convolutions = 0;
        embed(tokens);
        rope_.fill(cache.position(), tokens.size(), work_.cosines, work_.sines);
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
        SLUICE_TRY(compute_logits(step, rows, logits));
        if (counts_ != nullptr) counts_->add_tokens(tokens.size());
        cache.advance(tokens, role);
        return Nothing{};
    }

    std::size_t max_tokens() const override { return max_tokens_; }
    std::uint64_t size() const override {
        return planned_forward_size(config_, prompt_ != nullptr, max_tokens_, workers_.size());
    }

private:
    void embed(std::span<const TokenId> tokens) {
        const Matrix& embedding = weights_.embedding;
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            kernels_.decode(embedding.type,
                            embedding.data + static_cast<std::size_t>(tokens[i]) * embedding.row_bytes(),
                            embedding.columns, work_.hidden.data() + i * embedding.columns);
        }
    }

    // Of every token, also where no logits are asked for: an error must not depend on where a chunk ends.
    static Done check_normed(const Step& step) {
        for (const float x : step.work.normed.first(step.n_tokens * step.config.hidden_size)) {
            if (!std::isfinite(x)) return make_error(SLUICE_E_NUMERIC, "a hidden state is ", x, kCause);
        }
        return Nothing{};
    }

    Done compute_logits(const Step& step, LogitRows rows, std::span<float> logits) const {
        if (rows == LogitRows::kNone) return Nothing{};
        const std::size_t count = rows == LogitRows::kAll ? step.n_tokens : 1;
        const std::size_t hidden = config_.hidden_size;
        const Vectors last{work_.normed.data() + (step.n_tokens - count) * hidden, count, hidden, hidden};
        const Product head{&weights_.head, logits.data(), weights_.head.rows};
        SLUICE_TRY(step.multiply(last, {&head, 1}));
        return check_finite(logits.first(count * weights_.head.rows), weights_.head.rows);
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

Done check_finite(std::span<const float> logits, std::size_t vocabulary_size) {
    for (std::size_t i = 0; i < logits.size(); ++i) {
        if (!std::isfinite(logits[i])) {
            return make_error(SLUICE_E_NUMERIC, "the logit of token ", i % vocabulary_size, " is ", logits[i],
                              kCause);
        }
    }
    return Nothing{};
}

}  // namespace sluice
