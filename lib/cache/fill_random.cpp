#include "cache/fill_random.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/sentence.h"

namespace sluice {
namespace {

// Steele, Lea and Flood (2014): SplitMix64.
class Numbers {
public:
    explicit Numbers(std::uint64_t seed) : state_(seed) {}

    void fill(std::span<float> out) {
        for (float& x : out) x = static_cast<float>(static_cast<std::int64_t>(next()) >> 40) * kStep;
    }
    std::uint64_t next() {
        std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
        z = (z ^ z >> 27) * 0x94D049BB133111EBu;
        return z ^ z >> 31;
    }

private:
    static constexpr float kStep = 1.7320508F * 0x1p-23F;  // even in [-sqrt 3, sqrt 3)

    std::uint64_t state_;
};

}  // namespace

Done fill_random(KvCache& cache, const Config& config, std::uint64_t n_tokens, std::uint64_t seed) {
    if (n_tokens > cache.room()) {
        return make_error(SLUICE_E_CONTEXT_FULL, n_tokens, " tokens do not fit: ", cache.position(), " of ",
                          cache.capacity(), " are used");
    }
    SLUICE_TRY(cache.make_room(n_tokens));
    std::array<float, kMaxHeadSize> numbers;
    const std::span<float> row = std::span(numbers).first(config.head_size);
    const std::uint64_t end = cache.position() + n_tokens;
    for (std::uint64_t position = cache.position(); position < end; ++position) {
        Numbers random(Numbers(seed ^ position * 0xD1342543DE82EF95u).next());
        for (std::uint32_t layer = 0; layer < config.n_attention_layers(); ++layer) {
            for (std::uint32_t head = 0; head < config.n_kv_heads; ++head) {
                random.fill(row);
                cache.store_key(layer, head, position, row.data());
                random.fill(row);
                cache.store_value(layer, head, position, row.data());
            }
        }
    }
    Numbers random(seed ^ end);
    for (std::uint32_t layer = 0; layer < config.n_layers() - config.n_attention_layers(); ++layer) {
        random.fill(cache.convolution_state(layer));
    }
    constexpr std::array<TokenId, kPageTokens> kIds = {};
    while (cache.position() < end) {
        const auto count = std::min<std::uint64_t>(kIds.size(), end - cache.position());
        cache.advance(std::span(kIds).first(static_cast<std::size_t>(count)), TokenRole::kPrompt);
    }
    return Nothing{};
}

}  // namespace sluice
