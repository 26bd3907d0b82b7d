// The makers' sampling for a checkpoint, told by its sizes: files carry no sampling defaults, and
// general.name may be a bare commit hash, so a name only decides where sizes cannot.
//
//   checkpoint                               told by                         temperature  cut         source
//   LFM2.5-8B-A1B, LFM2.5-2.6B               128,000 tokens, theta 5e6, 1e7  0.2          top_k 80    [1] [2]
//   LFM2-8B-A1B, LFM2-24B-A2B                other mixtures of experts       0.3          min_p 0.15  [3]
//   LFM2.5-230M                              14 layers                       0.1          top_k 50    [4]
//   LFM2.5-350M, -1.2B-Instruct, -JP-202606  name                            0.1          top_k 50    [4]
//   LFM2.5-1.2B-Thinking                     name                            0.05         top_k 50    [4]
//   LFM2.5-1.2B-JP, LFM2.5-1.2B-Base         name                            0.3          min_p 0.15  [4]
//   LFM2 dense family                        everything else                 0.3          min_p 0.15  [3]
//
// All with repetition penalty 1.05; its window is not stated, we take the whole history as Hugging Face
// transformers do. [1] huggingface.co/LiquidAI/LFM2.5-8B-A1B [2] docs.liquid.ai, lfm25-2.6b
// [3] docs.liquid.ai, lfm2-8b-a1b [4] SGLang cookbook, LFM2.5.
//
// Limits: an LFM2.5-350M or -1.2B without its name gets the values of LFM2, which has the same sizes. A
// fine-tune gets those of what it was tuned from. For LFM2-24B-A2B nothing is published.
#include <string>
#include <string_view>

#include "session/sampler.h"

namespace sluice {
namespace {

// Lower case, and without what people put between the parts of a name.
std::string plain_name(std::string_view name) {
    std::string plain;
    for (const char letter : name.substr(0, 1024)) {
        if (letter == ' ' || letter == '-' || letter == '_') continue;
        const bool is_upper = letter >= 'A' && letter <= 'Z';
        plain += is_upper ? static_cast<char>(letter - 'A' + 'a') : letter;
    }
    return plain;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

SamplingOptions with_top_k(float temperature, std::int32_t top_k) {
    SamplingOptions options;
    options.temperature = temperature;
    options.top_k = top_k;
    options.repetition_penalty = 1.05F;
    return options;
}

SamplingOptions with_min_p(float temperature, float min_p) {
    SamplingOptions options;
    options.temperature = temperature;
    options.min_p = min_p;
    options.repetition_penalty = 1.05F;
    return options;
}

}  // namespace

SamplingOptions recommended_sampling(const Config& config) {
    // Tokens added or removed by a fine-tune move the vocabulary a little: 65,536 and 128,000 stay apart.
    const bool has_large_vocabulary = config.vocabulary_size >= 100'000 || config.rope_theta > 2e6F;
    if (has_large_vocabulary) return with_top_k(0.2F, 80);
    if (config.n_experts > 0) return with_min_p(0.3F, 0.15F);

    const std::string name = plain_name(config.name);
    const bool is_lfm25 = contains(name, "lfm2.5") || contains(name, "lfm25");
    if (!is_lfm25) return config.n_layers() == 14 ? with_top_k(0.1F, 50) : with_min_p(0.3F, 0.15F);
    if (contains(name, "thinking")) return with_top_k(0.05F, 50);
    const bool is_first_japanese = contains(name, "jp") && !contains(name, "202606");
    if (is_first_japanese || contains(name, "base")) return with_min_p(0.3F, 0.15F);
    return with_top_k(0.1F, 50);
}

}  // namespace sluice
