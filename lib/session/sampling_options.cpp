// Which sampling options make sense. Written so that NaN fails every comparison.
#include <cmath>
#include <limits>

#include "base/sentence.h"
#include "session/sampler.h"

namespace sluice {
namespace {

template <class Number>
Error refuse(const char* field, Number value, const char* rule) {
    return make_error(SLUICE_E_INVALID_ARGUMENT, "sampling option ", field, " is ", value, ", it must be ",
                      rule);
}

Done verify_share(const char* field, float value) {
    if (!(value > 0.0F && value <= 1.0F)) return refuse(field, value, "above 0 and at most 1");
    return Nothing{};
}

Done verify_count(const char* field, std::int32_t value) {
    if (value < 0) return refuse(field, value, "at least 0");
    return Nothing{};
}

Done verify_id(const char* field, std::size_t index, TokenId id, std::size_t n_tokens) {
    if (id >= 0 && static_cast<std::size_t>(id) < n_tokens) return Nothing{};
    return make_error(SLUICE_E_INVALID_ARGUMENT, "sampling option ", field, "[", index, "] names token ", id,
                      ", the vocabulary has ", n_tokens);
}

Done verify_cuts(const SamplingOptions& options) {
    if (!(options.temperature > 0.0F && options.temperature <= 100.0F)) {
        return refuse("temperature", options.temperature, "above 0 and at most 100");
    }
    SLUICE_TRY(verify_count("top_k", options.top_k));
    SLUICE_TRY(verify_share("top_p", options.top_p));
    SLUICE_TRY(verify_share("typical_p", options.typical_p));
    if (!(options.min_p >= 0.0F && options.min_p <= 1.0F)) {
        return refuse("min_p", options.min_p, "at least 0 and at most 1");
    }
    return Nothing{};
}

Done verify_penalties(const SamplingOptions& options) {
    if (!(options.repetition_penalty > 0.0F) || !std::isfinite(options.repetition_penalty)) {
        return refuse("repetition_penalty", options.repetition_penalty, "above 0 and finite");
    }
    if (!std::isfinite(options.frequency_penalty)) {
        return refuse("frequency_penalty", options.frequency_penalty, "finite");
    }
    if (!std::isfinite(options.presence_penalty)) {
        return refuse("presence_penalty", options.presence_penalty, "finite");
    }
    SLUICE_TRY(verify_count("penalty_window", options.penalty_window));
    if (!(options.dry_multiplier >= 0.0F) || !std::isfinite(options.dry_multiplier)) {
        return refuse("dry_multiplier", options.dry_multiplier, "at least 0 and finite");
    }
    if (!(options.dry_base >= 1.0F) || !std::isfinite(options.dry_base)) {
        return refuse("dry_base", options.dry_base, "at least 1 and finite");
    }
    if (options.dry_allowed_length < 1) {
        return refuse("dry_allowed_length", options.dry_allowed_length, "at least 1");
    }
    return verify_count("dry_window", options.dry_window);
}

}  // namespace

Done verify_sampling(const SamplingOptions& options, std::size_t n_tokens) {
    SLUICE_TRY(verify_cuts(options));
    SLUICE_TRY(verify_penalties(options));
    for (std::size_t i = 0; i < options.biases.size(); ++i) {
        const LogitBias& bias = options.biases[i];
        SLUICE_TRY(verify_id("logit_biases", i, bias.id, n_tokens));
        if (!(bias.bias <= std::numeric_limits<float>::max())) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "sampling option logit_biases[", i, "] adds ",
                              bias.bias, " to token ", bias.id, ", it must be finite or minus infinity");
        }
    }
    for (std::size_t i = 0; i < options.dry_breakers.size(); ++i) {
        SLUICE_TRY(verify_id("dry_breakers", i, options.dry_breakers[i], n_tokens));
    }
    return Nothing{};
}

}  // namespace sluice
