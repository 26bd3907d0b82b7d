// The rules of llama-quantize, as far as they touch this family (lfm2.md 3.4).
#include "model/quantise/mix.h"

#include <algorithm>

#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice::quantise {
namespace {

constexpr Mix kMixes[] = {
    {"F32", TensorType::kF32, 0, false},     {"F16", TensorType::kF16, 1, false},
    {"Q4_0", TensorType::kQ4_0, 2, false},   {"Q8_0", TensorType::kQ8_0, 7, false},
    {"Q4_K_M", TensorType::kQ4_K, 15, true}, {"Q5_K_M", TensorType::kQ5_K, 17, true},
    {"Q6_K", TensorType::kQ6_K, 18, false},  {"BF16", TensorType::kBF16, 32, false},
};

char upper(char letter) {
    return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
}

// The first eighth, the last eighth, and every third in between.
bool is_raised(std::uint32_t i, std::uint32_t n) {
    return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
}

std::uint32_t attention_layers_before(const Config& config, std::uint32_t layer) {
    return static_cast<std::uint32_t>(
        std::count(config.is_attention.begin(), config.is_attention.begin() + layer, true));
}

// With exactly eight experts, attention is small beside them and kept better (llama-quantize has this rule for
// Mixtral, and applies it to every such model).
constexpr std::uint32_t kFewExperts = 8;

TensorType type_of_matrix(const Mix& mix, const Config& config, bool has_own_head, const TensorRole& role) {
    switch (role.part) {
        case Part::kHead:
        case Part::kEmbedding:
            if (role.part == Part::kEmbedding && has_own_head) return mix.base;
            return mix.base == TensorType::kQ8_0 ? mix.base : TensorType::kQ6_K;
        case Part::kDown:
        case Part::kExpertsDown:
            return mix.raises_some && is_raised(role.layer, config.n_layers()) ? TensorType::kQ6_K : mix.base;
        case Part::kKey:
            return config.n_experts == kFewExperts ? TensorType::kQ8_0 : mix.base;
        case Part::kValue: {
            if (config.n_experts == kFewExperts) return TensorType::kQ8_0;
            const std::uint32_t index = attention_layers_before(config, role.layer);
            return mix.raises_some && is_raised(index, config.n_attention_layers()) ? TensorType::kQ6_K
                                                                                    : mix.base;
        }
        case Part::kAttentionOutput:
            return config.n_experts == kFewExperts && mix.base == TensorType::kQ4_K ? TensorType::kQ5_K
                                                                                    : mix.base;
        default:
            return mix.base;
    }
}

}  // namespace

Result<Mix> find_mix(std::string_view name) {
    std::string wish(name.substr(0, 64));
    std::transform(wish.begin(), wish.end(), wish.begin(), upper);
    for (const Mix& mix : kMixes) {
        if (mix.name == wish) return mix;
    }
    return make_error(SLUICE_E_INVALID_ARGUMENT, "there is no type \"", printable(name),
                      "\" to quantise to; the types are Q4_0, Q4_K_M, Q5_K_M, Q6_K, Q8_0, F16, BF16 and F32");
}

TensorType wanted_type(const Mix& mix, const Config& config, bool has_own_head, const TensorRole& role) {
    switch (role.part) {
        case Part::kRouter:
        case Part::kRouterBias:
        case Part::kFinalNorm:
        case Part::kMixerNorm:
        case Part::kFeedForwardNorm:
        case Part::kQueryNorm:
        case Part::kKeyNorm:
        case Part::kTaps:
        case Part::kConvolutionBias:
            return TensorType::kF32;
        default:
            if (info_of(mix.base).block_count == 1) return mix.base;
            return type_of_matrix(mix, config, has_own_head, role);
    }
}

TensorType type_that_holds(TensorType wanted, std::uint64_t columns) {
    const auto holds = [&](TensorType type) { return columns % info_of(type).block_count == 0; };
    if (holds(wanted)) return wanted;
    TensorType smaller = wanted;
    if (wanted == TensorType::kQ4_K) smaller = TensorType::kQ5_0;
    if (wanted == TensorType::kQ5_K) smaller = TensorType::kQ5_1;
    if (wanted == TensorType::kQ6_K) smaller = TensorType::kQ8_0;
    return holds(smaller) ? smaller : TensorType::kF16;
}

}  // namespace sluice::quantise
