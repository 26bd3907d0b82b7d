// A forward pass over the text with sums for each matrix, then the sums under the names of GGUF.
#include "forward/collect_importance.h"

#include <algorithm>

#include "base/sentence.h"
#include "forward/forward.h"
#include "forward/input_squares.h"
#include "model/tensor_names.h"

namespace sluice {
namespace {

struct NamedMatrices {
    std::string name;
    std::vector<const Matrix*> matrices;  // several: a stack of experts
};

std::vector<const Matrix*> all_of(const std::vector<Matrix>& experts) {
    std::vector<const Matrix*> matrices;
    for (const Matrix& expert : experts) matrices.push_back(&expert);
    return matrices;
}

std::vector<NamedMatrices> matrices_of(const Weights& weights) {
    std::vector<NamedMatrices> all;
    for (std::uint32_t i = 0; i < weights.layers.size(); ++i) {
        const auto add = [&](Part part, std::vector<const Matrix*> matrices) {
            all.push_back({gguf_name(part, i), std::move(matrices)});
        };
        const Layer& layer = weights.layers[i];
        if (const auto* attention = std::get_if<Attention>(&layer.mixer)) {
            add(Part::kQuery, {&attention->query});
            add(Part::kKey, {&attention->key});
            add(Part::kValue, {&attention->value});
            add(Part::kAttentionOutput, {&attention->output});
        }
        if (const auto* convolution = std::get_if<ShortConvolution>(&layer.mixer)) {
            add(Part::kConvolutionInput, {&convolution->input});
            add(Part::kConvolutionOutput, {&convolution->output});
        }
        if (const auto* dense = std::get_if<DenseFeedForward>(&layer.feed_forward)) {
            add(Part::kGate, {&dense->gate});
            add(Part::kUp, {&dense->up});
            add(Part::kDown, {&dense->down});
        }
        if (const auto* experts = std::get_if<ExpertFeedForward>(&layer.feed_forward)) {
            add(Part::kExpertsGate, all_of(experts->gate));
            add(Part::kExpertsUp, all_of(experts->up));
            add(Part::kExpertsDown, all_of(experts->down));
        }
    }
    return all;
}

quantise::Importance gathered(const std::vector<NamedMatrices>& all, const InputSquares& squares) {
    quantise::Importance importance;
    for (const NamedMatrices& named : all) {
        quantise::Importance::Inputs inputs;
        inputs.columns = named.matrices.front()->columns;
        for (const Matrix* matrix : named.matrices) {
            const InputSquares::Sums& sums = squares.of_matrix.at(matrix);
            for (const double square : sums.squares) inputs.sums.push_back(static_cast<float>(square));
            inputs.counts.push_back(static_cast<float>(sums.count));
        }
        importance.inputs().emplace(named.name, std::move(inputs));
    }
    return importance;
}

Done check(const Model& model, std::span<const TokenId> ids, const ImportanceOptions& options) {
    constexpr std::uint32_t kMostWindow = 4096;  // of a chunk, session.h
    if (ids.empty()) return make_error(SLUICE_E_INVALID_ARGUMENT, "there are no ids to read");
    if (options.window == 0 || options.window > kMostWindow) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "the window is ", options.window, " tokens, 1 to ",
                          kMostWindow, " are possible");
    }
    const std::uint32_t n_tokens = model.config().vocabulary_size;
    for (const TokenId id : ids) {
        if (id >= 0 && static_cast<std::uint32_t>(id) < n_tokens) continue;
        return make_error(SLUICE_E_INVALID_ARGUMENT, "token ", id, " is outside the vocabulary of ", n_tokens);
    }
    return Nothing{};
}

}  // namespace

Result<quantise::Importance> collect_importance(const Model& model, std::span<const TokenId> ids,
                                                const ImportanceOptions& options, const Kernels& kernels,
                                                Workers& workers, MemoryBudget& budget) {
    SLUICE_TRY(check(model, ids, options));
    const bool adds_bos = model.tokenizer() != nullptr && model.tokenizer()->adds_bos();
    const std::size_t room = std::min<std::size_t>(options.window, ids.size()) + (adds_bos ? 1 : 0);
    if (room > model.config().context_size) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "a window of ", room,
                          " tokens is longer than the model's context of ", model.config().context_size);
    }
    SLUICE_ASSIGN(pass, make_forward_pass(model, kernels, false, workers, room, budget, nullptr));
    KvCacheOptions cache_options;
    cache_options.capacity = room;
    SLUICE_ASSIGN(cache, KvCache::create(model.config(), cache_options, budget));
    const std::vector<NamedMatrices> all = matrices_of(model.weights());
    InputSquares squares;
    for (const NamedMatrices& named : all) {
        for (const Matrix* matrix : named.matrices) squares.of_matrix[matrix].squares.resize(matrix->columns);
    }
    Trace trace;
    trace.inputs = &squares;
    const CancelFlag never{false};
    std::vector<TokenId> window;
    for (std::size_t first = 0; first < ids.size(); first += options.window) {
        const std::size_t count = std::min<std::size_t>(options.window, ids.size() - first);
        window.clear();
        if (adds_bos) window.push_back(model.tokenizer()->bos());
        window.insert(window.end(), ids.begin() + static_cast<std::ptrdiff_t>(first),
                      ids.begin() + static_cast<std::ptrdiff_t>(first + count));
        cache.reset();
        cache.begin();
        SLUICE_TRY(pass->run(window, TokenRole::kPrompt, cache, LogitRows::kNone, {}, &trace, never));
        if (options.progress && options.progress(first + count, ids.size()) != 0) {
            return make_error(SLUICE_E_CANCELLED, "collecting was cancelled after ", first + count, " of ",
                              ids.size(), " tokens");
        }
    }
    return gathered(all, squares);
}

}  // namespace sluice
