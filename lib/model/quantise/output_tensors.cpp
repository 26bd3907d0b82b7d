// Walks the weights as the forward pass knows them, and looks up where each one came from.
#include "model/quantise/output_tensors.h"

#include <map>

namespace sluice::quantise {
namespace {

class Walk {
public:
    Walk(const WeightsPlan& plan, const TensorTable& table, const Config& config, const Mix& mix)
        : plan_(plan), config_(config), mix_(mix) {
        for (const MatrixSlot& slot : plan.matrices) {
            const Matrix& matrix = *slot.target;
            const std::uint64_t row = slot.offset / matrix.row_bytes();
            pieces_[slot.target] = {slot.tensor, row * matrix.columns,
                                    std::uint64_t{matrix.rows} * matrix.columns};
        }
        for (const FloatsSlot& slot : plan.floats) {
            pieces_[slot.target] = {slot.tensor, 0, table.entries()[slot.tensor].n_elements};
        }
    }

    std::vector<OutputTensor> walk() {
        const Weights& weights = *plan_.weights;
        matrix(Part::kEmbedding, 0, weights.embedding);
        if (plan_.has_own_head) matrix(Part::kHead, 0, weights.head);
        floats(Part::kFinalNorm, 0, weights.final_norm, {config_.hidden_size});
        for (std::uint32_t i = 0; i < config_.n_layers(); ++i) layer(i, weights.layers[i]);
        return std::move(tensors_);
    }

private:
    void layer(std::uint32_t i, const Layer& layer) {
        floats(Part::kMixerNorm, i, layer.mixer_norm, {config_.hidden_size});
        if (const auto* attention = std::get_if<Attention>(&layer.mixer)) {
            matrix(Part::kQuery, i, attention->query);
            matrix(Part::kKey, i, attention->key);
            matrix(Part::kValue, i, attention->value);
            matrix(Part::kAttentionOutput, i, attention->output);
            floats(Part::kQueryNorm, i, attention->query_norm, {config_.head_size});
            floats(Part::kKeyNorm, i, attention->key_norm, {config_.head_size});
        }
        if (const auto* convolution = std::get_if<ShortConvolution>(&layer.mixer)) {
            matrix(Part::kConvolutionInput, i, convolution->input);
            floats(Part::kTaps, i, convolution->taps, {config_.convolution_width, config_.hidden_size});
            matrix(Part::kConvolutionOutput, i, convolution->output);
        }
        floats(Part::kFeedForwardNorm, i, layer.feed_forward_norm, {config_.hidden_size});
        if (const auto* dense = std::get_if<DenseFeedForward>(&layer.feed_forward)) {
            matrix(Part::kGate, i, dense->gate);
            matrix(Part::kUp, i, dense->up);
            matrix(Part::kDown, i, dense->down);
        }
        if (const auto* experts = std::get_if<ExpertFeedForward>(&layer.feed_forward)) {
            matrix(Part::kRouter, i, experts->router);
            floats(Part::kRouterBias, i, experts->bias, {config_.n_experts});
            matrices(Part::kExpertsGate, i, experts->gate);
            matrices(Part::kExpertsUp, i, experts->up);
            matrices(Part::kExpertsDown, i, experts->down);
        }
    }

    OutputTensor& add(Part part, std::uint32_t layer, std::vector<std::uint64_t> dimensions) {
        const TensorType wanted =
            wanted_type(mix_, config_, plan_.has_own_head, {part, layer, dimensions.front()});
        const TensorType type = type_that_holds(wanted, dimensions.front());
        tensors_.push_back({gguf_name(part, layer), wanted, type, std::move(dimensions), {}});
        return tensors_.back();
    }

    void matrix(Part part, std::uint32_t layer, const Matrix& matrix) {
        add(part, layer, {matrix.columns, matrix.rows}).pieces.push_back(pieces_.at(&matrix));
    }

    void matrices(Part part, std::uint32_t layer, const std::vector<Matrix>& experts) {
        const Matrix& one = experts.front();
        OutputTensor& tensor = add(part, layer, {one.columns, one.rows, experts.size()});
        for (const Matrix& expert : experts) tensor.pieces.push_back(pieces_.at(&expert));
    }

    // A vector that the model does without is zero.
    void floats(Part part, std::uint32_t layer, const Floats& floats, std::vector<std::uint64_t> dimensions) {
        OutputTensor& tensor = add(part, layer, std::move(dimensions));
        const auto found = pieces_.find(&floats);
        if (found != pieces_.end()) tensor.pieces.push_back(found->second);
    }

    const WeightsPlan& plan_;
    const Config& config_;
    const Mix& mix_;
    std::map<const void*, Piece> pieces_;  // by the weight
    std::vector<OutputTensor> tensors_;
};

}  // namespace

std::vector<OutputTensor> output_tensors(const WeightsPlan& plan, const TensorTable& table,
                                         const Config& config, const Mix& mix) {
    return Walk(plan, table, config, mix).walk();
}

}  // namespace sluice::quantise
