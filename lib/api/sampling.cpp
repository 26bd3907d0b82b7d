#include "api/sampling.h"

#include <random>

#include "api/options.h"

namespace sluice {
namespace {

// More than any vocabulary: a larger number is a mistake, not a wish.
constexpr std::uint64_t kMaxBiases = kMaxVocabulary;

std::uint64_t fresh_seed() {
    std::random_device device;
    const std::uint64_t seed = std::uint64_t{device()} << 32 | device();
    // 0 asks for a fresh seed, so it is none.
    return seed == 0 ? 1 : seed;
}

// Fields left zero keep the base's value; -1 switches off those for which 0 would be "off" inside.
void apply_given(const sluice_sampling& given, SamplingOptions& options) {
    const auto set = [](auto value, auto& field) {
        if (value != 0) field = value;
    };
    set(given.temperature, options.temperature);
    set(given.top_p, options.top_p);
    set(given.typical_p, options.typical_p);
    set(given.repetition_penalty, options.repetition_penalty);
    set(given.frequency_penalty, options.frequency_penalty);
    set(given.presence_penalty, options.presence_penalty);
    set(given.penalty_window, options.penalty_window);
    set(given.dry_multiplier, options.dry_multiplier);
    set(given.dry_base, options.dry_base);
    set(given.dry_allowed_length, options.dry_allowed_length);
    set(given.dry_window, options.dry_window);
    if (given.top_k != 0) options.top_k = given.top_k == -1 ? 0 : given.top_k;
    if (given.min_p != 0) options.min_p = given.min_p == -1.0F ? 0.0F : given.min_p;
}

Done copy_lists(const sluice_sampling& given, const Tokenizer* tokenizer, SamplingOptions& options) {
    if (given.n_logit_biases > kMaxBiases || given.n_dry_breakers > kMaxBiases) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "sampling has ", given.n_logit_biases,
                          " logit biases and ", given.n_dry_breakers, " DRY breakers, more than ", kMaxBiases);
    }
    if (given.n_logit_biases > 0) SLUICE_TRY(check_pointer(given.logit_biases, "sampling.logit_biases"));
    for (std::uint32_t i = 0; i < given.n_logit_biases; ++i) {
        options.biases.push_back({given.logit_biases[i].token_id, given.logit_biases[i].bias});
    }
    if (given.n_dry_breakers > 0) SLUICE_TRY(check_pointer(given.dry_breakers, "sampling.dry_breakers"));
    if (given.dry_breakers != nullptr) {
        options.dry_breakers.assign(given.dry_breakers, given.dry_breakers + given.n_dry_breakers);
    } else if (options.dry_multiplier != 0 && tokenizer != nullptr) {
        options.dry_breakers = default_dry_breakers(*tokenizer);
    }
    return Nothing{};
}

}  // namespace

Result<SamplingOptions> read_sampling(const sluice_sampling* given, const Config& config,
                                      const Tokenizer* tokenizer) {
    SLUICE_ASSIGN(known, read_options(given, "sampling"));
    SLUICE_TRY(check_reserved("sampling", known.reserved));
    SamplingOptions options;
    switch (known.mode) {
        case SLUICE_SAMPLING_MODEL:
            options = recommended_sampling(config);
            break;
        case SLUICE_SAMPLING_GREEDY:
            options.greedy = true;
            break;
        case SLUICE_SAMPLING_PLAIN:
            break;
        default:
            return make_error(SLUICE_E_INVALID_ARGUMENT, "sampling.mode is ", known.mode);
    }
    options.seed = known.seed == 0 ? fresh_seed() : known.seed;
    apply_given(known, options);
    SLUICE_TRY(copy_lists(known, tokenizer, options));
    return options;
}

sluice_sampling to_c(const SamplingOptions& options) {
    sluice_sampling sampling = {};
    sampling.mode = options.greedy ? SLUICE_SAMPLING_GREEDY : SLUICE_SAMPLING_PLAIN;
    sampling.temperature = options.temperature;
    sampling.top_k = options.top_k == 0 ? -1 : options.top_k;
    sampling.top_p = options.top_p;
    sampling.min_p = options.min_p == 0.0F ? -1.0F : options.min_p;
    sampling.typical_p = options.typical_p;
    sampling.repetition_penalty = options.repetition_penalty;
    sampling.frequency_penalty = options.frequency_penalty;
    sampling.presence_penalty = options.presence_penalty;
    sampling.penalty_window = options.penalty_window;
    sampling.dry_multiplier = options.dry_multiplier;
    sampling.dry_base = options.dry_base;
    sampling.dry_allowed_length = options.dry_allowed_length;
    sampling.dry_window = options.dry_window;
    return sampling;
}

}  // namespace sluice
