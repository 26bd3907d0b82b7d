// The plan of all weights: one function per kind of layer, each tensor's shape against the configuration.
#include <array>

#include "base/sentence.h"
#include "base/utf8.h"
#include "model/weights.h"

namespace sluice {
namespace {

constexpr std::size_t kMaxUnexpectedNamed = 8;

// Dimensions of size 1 say nothing: [3, H] and [3, 1, H] are one shape, and so are HF's [H, 1, 3] and
// MLX's [H, 3, 1] convolutions.
std::vector<std::uint64_t> without_ones(std::span<const std::uint64_t> dimensions) {
    std::vector<std::uint64_t> rest;
    for (const std::uint64_t dimension : dimensions) {
        if (dimension != 1) rest.push_back(dimension);
    }
    return rest;
}

class Planner {
public:
    Planner(const TensorNames& names, const Config& config) : names_(names), config_(config) {
        plan_.weights = std::make_unique<Weights>();
        plan_.is_used.assign(names.table().entries().size(), false);
    }

    Result<WeightsPlan> plan(Tie tie) {
        Weights& weights = *plan_.weights;
        SLUICE_TRY(
            matrix(Part::kEmbedding, 0, config_.vocabulary_size, config_.hidden_size, weights.embedding));
        SLUICE_TRY(head(tie));
        SLUICE_TRY(floats(Part::kFinalNorm, 0, config_.hidden_size, weights.final_norm));
        weights.layers.resize(config_.n_layers());
        for (std::uint32_t i = 0; i < config_.n_layers(); ++i) SLUICE_TRY(layer(i, weights.layers[i]));
        SLUICE_TRY(look_at_the_rest());
        return std::move(plan_);
    }

private:
    Done head(Tie tie) {
        SLUICE_ASSIGN(entry, names_.find(Part::kHead));
        Weights& weights = *plan_.weights;
        const bool is_tied = tie.value_or(entry == nullptr);
        plan_.has_own_head = !is_tied;
        return matrix(is_tied ? Part::kEmbedding : Part::kHead, 0, config_.vocabulary_size, config_.hidden_size,
                      weights.head);
    }

    Done layer(std::uint32_t i, Layer& layer) {
        SLUICE_TRY(floats(Part::kMixerNorm, i, config_.hidden_size, layer.mixer_norm));
        SLUICE_TRY(floats(Part::kFeedForwardNorm, i, config_.hidden_size, layer.feed_forward_norm));
        if (config_.is_attention[i]) {
            SLUICE_TRY(absent(Part::kConvolutionInput, i, "attention"));
            SLUICE_TRY(attention(i, layer.mixer.emplace<Attention>()));
        } else {
            SLUICE_TRY(absent(Part::kQuery, i, "a short convolution"));
            SLUICE_TRY(short_convolution(i, layer.mixer.emplace<ShortConvolution>()));
        }
        if (!config_.has_experts(i)) {
            SLUICE_TRY(absent(Part::kRouter, i, "dense"));
            return dense(i, layer.feed_forward.emplace<DenseFeedForward>());
        }
        SLUICE_TRY(absent(Part::kGate, i, "one of experts"));
        return experts(i, layer.feed_forward.emplace<ExpertFeedForward>());
    }

    Done attention(std::uint32_t i, Attention& attention) {
        const std::uint64_t query_rows = std::uint64_t{config_.n_heads} * config_.head_size;
        const std::uint64_t key_rows = std::uint64_t{config_.n_kv_heads} * config_.head_size;
        const std::uint64_t hidden = config_.hidden_size;
        SLUICE_ASSIGN(fused, names_.find(Part::kQueryKeyValue, i));
        if (fused != nullptr) {
            SLUICE_TRY(absent(Part::kQuery, i, "fused"));
            SLUICE_TRY(check_shape(*fused, {hidden, query_rows + 2 * key_rows}));
            SLUICE_TRY(add_matrix(*fused, 0, query_rows, hidden, attention.query));
            SLUICE_TRY(add_matrix(*fused, query_rows, key_rows, hidden, attention.key));
            SLUICE_TRY(add_matrix(*fused, query_rows + key_rows, key_rows, hidden, attention.value));
        } else {
            SLUICE_TRY(matrix(Part::kQuery, i, query_rows, hidden, attention.query));
            SLUICE_TRY(matrix(Part::kKey, i, key_rows, hidden, attention.key));
            SLUICE_TRY(matrix(Part::kValue, i, key_rows, hidden, attention.value));
        }
        SLUICE_TRY(matrix(Part::kAttentionOutput, i, hidden, query_rows, attention.output));
        SLUICE_TRY(floats(Part::kQueryNorm, i, config_.head_size, attention.query_norm));
        return floats(Part::kKeyNorm, i, config_.head_size, attention.key_norm);
    }

    Done short_convolution(std::uint32_t i, ShortConvolution& convolution) {
        const std::uint64_t hidden = config_.hidden_size;
        SLUICE_TRY(matrix(Part::kConvolutionInput, i, 3 * hidden, hidden, convolution.input));
        SLUICE_TRY(matrix(Part::kConvolutionOutput, i, hidden, hidden, convolution.output));
        SLUICE_ASSIGN(taps, names_.require(Part::kTaps, i));
        SLUICE_TRY(check_shape(*taps, {config_.convolution_width, hidden}));
        SLUICE_TRY(add_floats(*taps, convolution.taps));
        if (!config_.convolution_bias) return Nothing{};
        return floats(Part::kConvolutionBias, i, hidden, convolution.bias);
    }

    Done dense(std::uint32_t i, DenseFeedForward& dense) {
        const std::uint64_t hidden = config_.hidden_size;
        const std::uint64_t size = config_.feed_forward_size;
        SLUICE_TRY(matrix(Part::kGate, i, size, hidden, dense.gate));
        SLUICE_TRY(matrix(Part::kUp, i, size, hidden, dense.up));
        return matrix(Part::kDown, i, hidden, size, dense.down);
    }

    Done experts(std::uint32_t i, ExpertFeedForward& experts) {
        const std::uint64_t hidden = config_.hidden_size;
        const std::uint64_t size = config_.expert_feed_forward_size;
        const std::uint64_t n = config_.n_experts;
        SLUICE_TRY(matrix(Part::kRouter, i, n, hidden, experts.router));
        if (experts.router.type != TensorType::kF32 && experts.router.type != TensorType::kF16 &&
            experts.router.type != TensorType::kBF16) {
            plan_.warnings.push_back(sentence("the router of layer ", i, " is quantised to ",
                                              info_of(experts.router.type).name,
                                              ": it may choose other experts than the trained one"));
        }
        if (config_.use_expert_bias) SLUICE_TRY(floats(Part::kRouterBias, i, n, experts.bias));
        experts.gate.resize(n);
        experts.up.resize(n);
        experts.down.resize(n);
        SLUICE_ASSIGN(gate_up, names_.find(Part::kExpertsGateUp, i));
        SLUICE_ASSIGN(gate, names_.find(Part::kExpertsGate, i));
        const bool is_single = names_.find_expert(i, 0, ExpertPart::kGate) != nullptr;
        if (int{gate_up != nullptr} + int{gate != nullptr} + int{is_single} > 1) {
            return make_error(SLUICE_E_CORRUPT, "the experts of layer ", i, " are there in two layouts");
        }
        if (gate_up != nullptr) {
            SLUICE_TRY(check_shape(*gate_up, {hidden, 2 * size, n}));
            SLUICE_TRY(stack(*gate_up, 2 * size, 0, size, hidden, experts.gate));
            SLUICE_TRY(stack(*gate_up, 2 * size, size, size, hidden, experts.up));
            return stacked(Part::kExpertsDown, i, hidden, size, experts.down);
        }
        if (names_.is_checkpoint() && gate == nullptr) {
            SLUICE_TRY(single_experts(i, ExpertPart::kGate, size, hidden, experts.gate));
            SLUICE_TRY(single_experts(i, ExpertPart::kUp, size, hidden, experts.up));
            return single_experts(i, ExpertPart::kDown, hidden, size, experts.down);
        }
        SLUICE_TRY(stacked(Part::kExpertsGate, i, size, hidden, experts.gate));
        SLUICE_TRY(stacked(Part::kExpertsUp, i, size, hidden, experts.up));
        return stacked(Part::kExpertsDown, i, hidden, size, experts.down);
    }

    Done stacked(Part part, std::uint32_t i, std::uint64_t rows, std::uint64_t columns,
                 std::vector<Matrix>& targets) {
        SLUICE_ASSIGN(entry, names_.require(part, i));
        SLUICE_TRY(check_shape(*entry, {columns, rows, targets.size()}));
        return stack(*entry, rows, 0, rows, columns, targets);
    }

    // Expert e takes `rows` rows from row e * step + first.
    Done stack(const TensorEntry& entry, std::uint64_t step, std::uint64_t first, std::uint64_t rows,
               std::uint64_t columns, std::vector<Matrix>& targets) {
        for (std::size_t e = 0; e < targets.size(); ++e) {
            SLUICE_TRY(add_matrix(entry, e * step + first, rows, columns, targets[e]));
        }
        return Nothing{};
    }

    Done single_experts(std::uint32_t i, ExpertPart part, std::uint64_t rows, std::uint64_t columns,
                        std::vector<Matrix>& targets) {
        for (std::uint32_t e = 0; e < targets.size(); ++e) {
            const TensorEntry* entry = names_.find_expert(i, e, part);
            if (entry == nullptr) {
                return make_error(SLUICE_E_CORRUPT, "tensor ", names_.expert_name(i, e, part), " is missing");
            }
            SLUICE_TRY(check_shape(*entry, {columns, rows}));
            SLUICE_TRY(add_matrix(*entry, 0, rows, columns, targets[e]));
        }
        return Nothing{};
    }

    Done matrix(Part part, std::uint32_t i, std::uint64_t rows, std::uint64_t columns, Matrix& target) {
        SLUICE_ASSIGN(entry, names_.require(part, i));
        SLUICE_TRY(check_shape(*entry, {columns, rows}));
        return add_matrix(*entry, 0, rows, columns, target);
    }

    Done floats(Part part, std::uint32_t i, std::uint64_t size, Floats& target) {
        SLUICE_ASSIGN(entry, names_.require(part, i));
        SLUICE_TRY(check_shape(*entry, {size}));
        return add_floats(*entry, target);
    }

    // The type comes first: a type of other block sizes often has other rows too.
    Done check_shape(const TensorEntry& entry, std::initializer_list<std::uint64_t> expected) const {
        SLUICE_TRY(check_type(entry));
        if (without_ones(entry.dimensions) == without_ones(expected)) return Nothing{};
        return error_at(entry.header_offset, SLUICE_E_CORRUPT, "tensor ", printable(entry.name), " has shape ",
                        shape_text(entry.dimensions), ", expected ", shape_text(expected));
    }

    // Requires a checked type and shape, so that the rows are inside the tensor.
    Done add_matrix(const TensorEntry& entry, std::uint64_t first_row, std::uint64_t rows,
                    std::uint64_t columns, Matrix& target) {
        const std::size_t index = names_.table().index_of(entry);
        plan_.is_used[index] = true;
        target = {*entry.type, static_cast<std::size_t>(rows), static_cast<std::size_t>(columns), nullptr};
        plan_.matrices.push_back({&target, index, first_row * target.row_bytes()});
        return Nothing{};
    }

    Done add_floats(const TensorEntry& entry, Floats& target) {
        if (info_of(*entry.type).block_count != 1) {
            return error_at(entry.header_offset, SLUICE_E_UNSUPPORTED, "tensor ", printable(entry.name),
                            " is quantised to ", entry.type_name, ", expected F32, F16 or BF16");
        }
        const std::size_t index = names_.table().index_of(entry);
        plan_.is_used[index] = true;
        plan_.floats.push_back({&target, index});
        return Nothing{};
    }

    Done check_type(const TensorEntry& entry) const {
        if (entry.type) return Nothing{};
        return error_at(entry.header_offset, SLUICE_E_UNSUPPORTED, "tensor ", printable(entry.name),
                        " is of type ", entry.type_name, ", which sluice does not compute with");
    }

    Done absent(Part part, std::uint32_t i, std::string_view kind) const {
        SLUICE_ASSIGN(entry, names_.find(part, i));
        if (entry == nullptr) return Nothing{};
        return error_at(entry->header_offset, SLUICE_E_CORRUPT, "layer ", i, " is ", kind,
                        " by the configuration, but the file has tensor ", entry->name);
    }

    Done look_at_the_rest() {
        std::size_t n_unexpected = 0;
        const auto& entries = names_.table().entries();
        for (std::size_t i = 0; i < entries.size(); ++i) {
            if (plan_.is_used[i]) continue;
            const TensorEntry& entry = entries[i];
            if (changes_computation(entry.name)) {
                return error_at(entry.header_offset, SLUICE_E_UNSUPPORTED, "tensor ", printable(entry.name),
                                " would change what the model computes");
            }
            if (++n_unexpected <= kMaxUnexpectedNamed) {
                plan_.warnings.push_back(sentence("tensor ", printable(entry.name), " is not used"));
            }
        }
        if (n_unexpected > kMaxUnexpectedNamed) {
            plan_.warnings.push_back(
                sentence(n_unexpected - kMaxUnexpectedNamed, " further tensors are not used"));
        }
        return Nothing{};
    }

    const TensorNames& names_;
    const Config& config_;
    WeightsPlan plan_;
};

}  // namespace

Result<WeightsPlan> plan_weights(const TensorNames& names, const Config& config, Tie tie) {
    return Planner(names, config).plan(tie);
}

ModelSizes sizes_of(const WeightsPlan& plan, const TensorTable& table, const Config& config, bool access_maps) {
    ModelSizes sizes;
    const auto& entries = table.entries();
    for (const TensorEntry& entry : entries) sizes.weights += entry.size;
    std::vector<bool> is_matrix(entries.size(), false);
    for (const MatrixSlot& slot : plan.matrices) is_matrix[slot.tensor] = true;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (!plan.is_used[i]) continue;
        sizes.parameters += entries[i].n_elements;
        if (!is_matrix[i]) {
            sizes.memory += entries[i].n_elements * sizeof(float);
        } else if (access_maps) {
            sizes.mapped += entries[i].size;
        } else {
            sizes.memory += entries[i].size;
        }
    }
    for (const MatrixSlot& slot : plan.matrices) {
        const bool is_vocabulary =
            slot.target == &plan.weights->embedding || slot.target == &plan.weights->head;
        const bool is_router = slot.target->rows == config.n_experts;
        if (!is_vocabulary && !is_router && !can_multiply_quantised(slot.target->type)) {
            sizes.has_float_matrices = true;
        }
    }
    // A token reads every matrix but the embedding, of which it needs one row, and the experts that sleep.
    sizes.parameters_used = sizes.parameters;
    for (const MatrixSlot& slot : plan.matrices) sizes.token_read += slot.target->size();
    sizes.token_read -= plan.weights->embedding.size();
    const std::uint64_t n_asleep = config.n_experts - config.n_experts_used;
    for (const Layer& layer : plan.weights->layers) {
        const auto* experts = std::get_if<ExpertFeedForward>(&layer.feed_forward);
        if (experts == nullptr) continue;
        for (const auto* matrices : {&experts->gate, &experts->up, &experts->down}) {
            const Matrix& one = matrices->front();
            sizes.token_read -= n_asleep * one.size();
            sizes.parameters_used -= n_asleep * one.rows * one.columns;
        }
    }
    return sizes;
}

}  // namespace sluice
