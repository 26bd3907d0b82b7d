// The steps are named and ordered as in reference/lfm2.md section 2 and transformers' modeling_lfm2_moe.py.
// An activation is a matrix with one column for each token of the chunk.

// A thread of the host may have a stack of 128 KiB, Eigen's default for one temporary.
#define EIGEN_STACK_ALLOCATION_LIMIT 16384

#include "forward/reference/reference.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <numeric>

#include "base/sentence.h"
#include "kernels/scalar/table.h"

namespace sluice {
namespace {

using Eigen::Index;
using Columns = Eigen::MatrixXf;
using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Head = Eigen::Ref<Eigen::VectorXf>;

constexpr std::size_t kPanelRows = 64;  // of a weight matrix, decoded at a time
constexpr float kWeightFloor = 1e-6F;   // as trained

Index index(std::uint64_t n) {
    return static_cast<Index>(n);
}

Eigen::Map<const Eigen::VectorXf> vector_of(const Floats& floats) {
    return {floats.data(), index(floats.size())};
}

// One product for each token, so that a result does not depend on the size of the chunk.
Columns multiply(const Matrix& w, const Columns& x) {
    Columns y(index(w.rows), x.cols());
    Rows panel(index(std::min(kPanelRows, w.rows)), index(w.columns));
    for (std::size_t first = 0; first < w.rows; first += kPanelRows) {
        const std::size_t count = std::min(kPanelRows, w.rows - first);
        for (std::size_t r = 0; r < count; ++r) {
            scalar::decode(w.type, w.data + (first + r) * w.row_bytes(), w.columns, panel.row(index(r)).data());
        }
        for (Index token = 0; token < x.cols(); ++token) {
            y.col(token).segment(index(first), index(count)).noalias() =
                panel.topRows(index(count)) * x.col(token);
        }
    }
    return y;
}

void normalise(Head v, const Floats& weight, float epsilon) {
    const float mean = v.squaredNorm() / static_cast<float>(v.size());
    v = (v * (1.0F / std::sqrt(mean + epsilon))).cwiseProduct(vector_of(weight));
}

Columns rms_norm(const Columns& h, const Floats& weight, float epsilon) {
    Columns normed = h;
    for (Index token = 0; token < h.cols(); ++token) normalise(normed.col(token), weight, epsilon);
    return normed;
}

// Pairs (i, i + d/2), as the checkpoints lay them out; frequency and angle are float32, as trained.
void rotate(Head head, std::uint64_t position, float theta) {
    const Index half = head.size() / 2;
    for (Index i = 0; i < half; ++i) {
        const float exponent = static_cast<float>(2 * i) / static_cast<float>(head.size());
        const float inverse_frequency = 1.0F / std::pow(theta, exponent);
        const float angle = static_cast<float>(position) * inverse_frequency;
        const float a = head[i];
        const float b = head[i + half];
        head[i] = a * std::cos(angle) - b * std::sin(angle);
        head[i + half] = b * std::cos(angle) + a * std::sin(angle);
    }
}

Eigen::VectorXf softmax(const Eigen::VectorXf& scores) {
    const float largest = scores.maxCoeff();
    const Eigen::VectorXf powers = scores.unaryExpr([&](float score) { return std::exp(score - largest); });
    return powers / powers.sum();
}

float sigmoid(float x) {
    return 1.0F / (1.0F + std::exp(-x));
}

Columns attend(const Attention& attention, std::uint32_t layer, const Config& config, const Columns& u,
               KvCache& cache) {
    const Index d = index(config.head_size);
    const std::uint64_t start = cache.position();
    Columns q = multiply(attention.query, u);
    Columns k = multiply(attention.key, u);
    const Columns v = multiply(attention.value, u);

    for (Index token = 0; token < u.cols(); ++token) {
        const std::uint64_t position = start + static_cast<std::uint64_t>(token);
        const auto prepare = [&](const Head& head, const Floats& norm) {
            normalise(head, norm, config.norm_epsilon);
            rotate(head, position, config.rope_theta);
        };
        for (Index head = 0; head < index(config.n_heads); ++head) {
            prepare(q.col(token).segment(head * d, d), attention.query_norm);
        }
        for (std::uint32_t kv_head = 0; kv_head < config.n_kv_heads; ++kv_head) {
            prepare(k.col(token).segment(kv_head * d, d), attention.key_norm);
            cache.store_key(layer, kv_head, position, k.col(token).segment(kv_head * d, d).data());
            cache.store_value(layer, kv_head, position, v.col(token).segment(kv_head * d, d).data());
        }
    }

    const Index history = index(start) + u.cols();
    const Index group = index(config.n_heads / config.n_kv_heads);
    const float scale = 1.0F / std::sqrt(static_cast<float>(d));
    Rows keys(history, d);
    Rows values(history, d);
    Columns attended(q.rows(), q.cols());
    for (std::uint32_t kv_head = 0; kv_head < config.n_kv_heads; ++kv_head) {
        const auto n_rows = static_cast<std::size_t>(history);
        cache.read_keys(layer, kv_head, 0, n_rows, keys.data());
        cache.read_values(layer, kv_head, 0, n_rows, values.data());
        for (Index token = 0; token < u.cols(); ++token) {
            const Index seen = index(start) + token + 1;
            for (Index head = kv_head * group; head < (kv_head + 1) * group; ++head) {
                const Eigen::VectorXf scores = keys.topRows(seen) * q.col(token).segment(head * d, d) * scale;
                attended.col(token).segment(head * d, d).noalias() =
                    values.topRows(seen).transpose() * softmax(scores);
            }
        }
    }
    return multiply(attention.output, attended);
}

Columns convolve(const ShortConvolution& convolution, std::uint32_t layer, const Config& config,
                 const Columns& u, KvCache& cache) {
    const Index hidden = index(config.hidden_size);
    const Index width = index(config.convolution_width);
    const Columns bcx = multiply(convolution.input, u);
    const auto b = bcx.topRows(hidden);
    const auto c = bcx.middleRows(hidden, hidden);
    const auto x = bcx.bottomRows(hidden);

    Eigen::Map<Columns> state(cache.convolution_state(layer).data(), hidden, width - 1);
    Columns z(hidden, width - 1 + u.cols());
    z.leftCols(width - 1) = state;
    z.rightCols(u.cols()) = b.cwiseProduct(x);
    state = z.rightCols(width - 1);
    for (const KvCache::WantedMark& wanted : cache.wanted_marks()) {
        if (wanted.position > cache.position() + static_cast<std::uint64_t>(u.cols())) break;
        Eigen::Map<Columns> marked(cache.mark_state(wanted, layer).data(), hidden, width - 1);
        marked = z.middleCols(index(wanted.position - cache.position()), width - 1);
    }

    const Eigen::Map<const Rows> taps(convolution.taps.data(), hidden, width);
    Columns convolved = Columns::Zero(hidden, u.cols());
    for (Index k = 0; k < width; ++k) convolved += taps.col(k).asDiagonal() * z.middleCols(k, u.cols());
    if (!convolution.bias.empty()) convolved.colwise() += vector_of(convolution.bias);
    return multiply(convolution.output, c.cwiseProduct(convolved));
}

// W2 (silu(W1 v) * W3 v)
Columns feed_forward(const Matrix& gate, const Matrix& up, const Matrix& down, const Columns& v) {
    const Columns silu = multiply(gate, v).unaryExpr([](float x) { return x * sigmoid(x); });
    return multiply(down, silu.cwiseProduct(multiply(up, v)));
}

struct Chosen {
    std::vector<std::int32_t> ids;  // ascending
    std::vector<float> weights;
};

Chosen route(const Eigen::VectorXf& logits, const Floats& bias, const Config& config) {
    const Eigen::VectorXf scores = logits.unaryExpr(&sigmoid);
    // The bias takes part in the choice only. A NaN has no place in an order: it comes last.
    const Eigen::VectorXf appeal = (scores + vector_of(bias)).unaryExpr([](float x) {
        return std::isnan(x) ? -std::numeric_limits<float>::infinity() : x;
    });
    std::vector<std::int32_t> ids(static_cast<std::size_t>(scores.size()));
    std::iota(ids.begin(), ids.end(), 0);
    std::stable_sort(ids.begin(), ids.end(),
                     [&](std::int32_t a, std::int32_t b) { return appeal[a] > appeal[b]; });
    ids.resize(config.n_experts_used);
    std::sort(ids.begin(), ids.end());

    Chosen chosen{ids, {}};
    float sum = 0.0F;
    for (const std::int32_t id : ids) sum += scores[id];
    for (const std::int32_t id : ids) {
        const float weight = config.normalise_expert_weights ? scores[id] / (sum + kWeightFloor) : scores[id];
        chosen.weights.push_back(weight * config.expert_weights_scale);
    }
    return chosen;
}

// Experts outside, tokens inside: a token's experts are still summed in ascending id.
Columns mix_experts(const ExpertFeedForward& experts, const std::vector<Chosen>& chosen, const Columns& v) {
    Columns out = Columns::Zero(v.rows(), v.cols());
    for (std::size_t expert = 0; expert < experts.gate.size(); ++expert) {
        std::vector<Index> tokens;
        std::vector<float> weights;
        for (std::size_t token = 0; token < chosen.size(); ++token) {
            for (std::size_t i = 0; i < chosen[token].ids.size(); ++i) {
                if (chosen[token].ids[i] != static_cast<std::int32_t>(expert)) continue;
                tokens.push_back(index(token));
                weights.push_back(chosen[token].weights[i]);
            }
        }
        if (tokens.empty()) continue;
        const Columns y =
            feed_forward(experts.gate[expert], experts.up[expert], experts.down[expert], v(Eigen::all, tokens));
        for (std::size_t i = 0; i < tokens.size(); ++i) out.col(tokens[i]) += weights[i] * y.col(index(i));
    }
    return out;
}

class Reference final : public ForwardPass {
public:
    Reference(const Config& config, const Weights& weights, std::size_t max_tokens, ExpertCounts* counts)
        : config_(config), weights_(weights), max_tokens_(max_tokens), counts_(counts) {}

    // One sequence after the other. Eigen and the standard library report a failed allocation by an exception;
    // it ends here.
    Done run_batch(std::span<Sequence> sequences, std::span<float> logits, Trace* trace,
                   const CancelFlag& cancel) override {
        try {
            for (const Sequence& sequence : sequences) {
                SLUICE_TRY(sequence.cache->make_room(sequence.tokens.size()));
            }
            for (Sequence& sequence : sequences) {
                const std::size_t n_rows = n_logit_rows(sequence);
                Done done = run_one(sequence, logits, trace, cancel);
                if (!done && done.error().status != SLUICE_E_NUMERIC) return done;
                if (!done) sequence.failure = std::move(done).error();
                logits = logits.subspan(n_rows * weights_.head.rows);
            }
        } catch (const std::bad_alloc&) {
            return Error{SLUICE_E_OUT_OF_MEMORY, "the reference pass found no memory for its activations"};
        }
        return advance(sequences);
    }

    std::size_t max_tokens() const override { return max_tokens_; }
    std::uint64_t size() const override { return 0; }

private:
    static std::size_t n_logit_rows(const Sequence& sequence) {
        if (sequence.rows == LogitRows::kNone) return 0;
        return sequence.rows == LogitRows::kAll ? sequence.tokens.size() : 1;
    }

    // When the pass is known not to fail as a whole.
    Done advance(std::span<Sequence> sequences) {
        bool goes_on = false;
        for (const Sequence& sequence : sequences) {
            if (sequence.failure) continue;
            goes_on = true;
            if (counts_ != nullptr) counts_->add_tokens(sequence.tokens.size());
            sequence.cache->advance(sequence.tokens, sequence.role);
        }
        return goes_on ? Done(Nothing{}) : Done(*sequences.front().failure);
    }

    Done run_one(const Sequence& sequence, std::span<float> logits, Trace* trace, const CancelFlag& cancel) {
        KvCache& cache = *sequence.cache;
        const float epsilon = config_.norm_epsilon;
        std::uint32_t n_attentions = 0;
        std::uint32_t n_convolutions = 0;
        Columns h = embed(sequence.tokens);
        record(trace, 0, h);
        for (std::uint32_t layer = 0; layer < weights_.layers.size(); ++layer) {
            if (cancel.load(std::memory_order_relaxed)) {
                return make_error(SLUICE_E_CANCELLED, "cancelled before layer ", layer);
            }
            const Layer& weights = weights_.layers[layer];

            const Columns u = rms_norm(h, weights.mixer_norm, epsilon);
            if (const auto* attention = std::get_if<Attention>(&weights.mixer)) {
                h += attend(*attention, n_attentions++, config_, u, cache);
            } else {
                const auto& convolution = *std::get_if<ShortConvolution>(&weights.mixer);
                h += convolve(convolution, n_convolutions++, config_, u, cache);
            }

            const Columns v = rms_norm(h, weights.feed_forward_norm, epsilon);
            if (const auto* dense = std::get_if<DenseFeedForward>(&weights.feed_forward)) {
                h += feed_forward(dense->gate, dense->up, dense->down, v);
            } else {
                const auto& experts = *std::get_if<ExpertFeedForward>(&weights.feed_forward);
                h += mix_experts(experts, choose(experts, layer, v, trace), v);
            }
            record(trace, layer + 1, h);
        }

        const Columns y = rms_norm(h, weights_.final_norm, epsilon);
        record(trace, weights_.layers.size(), y);
        return compute_logits(y, n_logit_rows(sequence), logits);
    }

    Columns embed(std::span<const TokenId> tokens) const {
        const Matrix& embedding = weights_.embedding;
        Columns h(index(embedding.columns), index(tokens.size()));
        for (std::size_t i = 0; i < tokens.size(); ++i) {
            const std::byte* row = embedding.data + static_cast<std::size_t>(tokens[i]) * embedding.row_bytes();
            scalar::decode(embedding.type, row, embedding.columns, h.col(index(i)).data());
        }
        return h;
    }

    std::vector<Chosen> choose(const ExpertFeedForward& experts, std::uint32_t layer, const Columns& v,
                               Trace* trace) const {
        const Columns router_logits = multiply(experts.router, v);
        std::vector<Chosen> chosen;
        for (Index token = 0; token < v.cols(); ++token) {
            chosen.push_back(route(router_logits.col(token), experts.bias, config_));
            const Chosen& last = chosen.back();
            if (counts_ != nullptr) counts_->add(layer, last.ids, last.weights);
            if (trace == nullptr || trace->experts.empty()) continue;
            const std::ptrdiff_t at = token * index(config_.n_experts_used);
            std::copy(last.ids.begin(), last.ids.end(), trace->experts[layer].begin() + at);
            std::copy(last.weights.begin(), last.weights.end(), trace->weights[layer].begin() + at);
        }
        return chosen;
    }

    Done compute_logits(const Columns& y, std::size_t n_rows, std::span<float> logits) const {
        if (n_rows == 0) return Nothing{};
        const std::size_t n_logits = weights_.head.rows;
        Eigen::Map<Columns>(logits.data(), index(n_logits), index(n_rows)) =
            multiply(weights_.head, y.rightCols(index(n_rows)));
        for (std::size_t row = 0; row < n_rows; ++row) {
            SLUICE_TRY(check_finite(logits.subspan(row * n_logits, n_logits)));
        }
        return Nothing{};
    }

    static void record(Trace* trace, std::size_t at, const Columns& h) {
        if (trace == nullptr || trace->hidden.empty()) return;
        trace->hidden[at].assign(h.data(), h.data() + h.size());
    }

    const Config& config_;
    const Weights& weights_;
    std::size_t max_tokens_;
    ExpertCounts* counts_;
};

}  // namespace

std::unique_ptr<ForwardPass> make_reference_pass(const Config& config, const Weights& weights,
                                                 std::size_t max_tokens, ExpertCounts* counts) {
    return std::make_unique<Reference>(config, weights, max_tokens, counts);
}

}  // namespace sluice
