#include <cmath>
#include <vector>

#include "cache/kv_cache.h"
#include "support/catch.h"

using namespace sluice;

namespace {

Config small_config() {
    Config config;
    config.hidden_size = 8;
    config.context_size = 1000;
    config.n_heads = 4;
    config.n_kv_heads = 2;
    config.head_size = 4;
    config.convolution_width = 3;
    config.is_attention = {false, true, false, true};
    return config;
}

KvCache make(MemoryBudget& budget, KvType type, std::uint64_t capacity = 20) {
    auto cache = KvCache::create(small_config(), {capacity, type, type}, budget);
    REQUIRE(cache.ok());
    return std::move(*cache);
}

}  // namespace

TEST_CASE("cache: its size is told beforehand and charged") {
    MemoryBudget budget;
    const KvCacheOptions options{20, KvType::kF32, KvType::kF16};
    const auto planned = KvCache::planned_size(small_config(), options);
    REQUIRE(planned.ok());
    // 2 layers x 2 heads x 20 x 4 values in 4 and in 2 bytes; 2 states of 2 x 8 floats, kept twice.
    CHECK(*planned == 1280 + 640 + 2 * 2 * 16 * 4);
    const auto cache = KvCache::create(small_config(), options, budget);
    REQUIRE(cache.ok());
    CHECK(cache->size() == *planned);
    CHECK(budget.used() == *planned);
}

TEST_CASE("cache: capacities that cannot be are refused") {
    CHECK(KvCache::planned_size(small_config(), {0, KvType::kF32, KvType::kF32}).error().status ==
          SLUICE_E_INVALID_ARGUMENT);
    CHECK(KvCache::planned_size(small_config(), {1001, KvType::kF32, KvType::kF32}).error().status ==
          SLUICE_E_LIMIT);
    CHECK(KvCache::planned_size(small_config(), {std::uint64_t{1} << 63, KvType::kF32, KvType::kF32})
              .error()
              .status == SLUICE_E_LIMIT);
}

TEST_CASE("cache: keys and values come back from their own layer, head and position") {
    for (const KvType type : {KvType::kF32, KvType::kF16}) {
        MemoryBudget budget;
        KvCache cache = make(budget, type);
        // Small integers: exact in float16 too.
        const auto number = [](std::uint32_t layer, std::uint32_t head, std::uint64_t position,
                               std::uint32_t i) {
            return static_cast<float>(layer * 500 + head * 250 + position * 8 + i);
        };
        for (std::uint32_t layer = 0; layer < 2; ++layer) {
            for (std::uint32_t head = 0; head < 2; ++head) {
                for (std::uint64_t position = 0; position < 20; ++position) {
                    std::vector<float> row(4);
                    for (std::uint32_t i = 0; i < 4; ++i) row[i] = number(layer, head, position, i);
                    cache.store_key(layer, head, position, row.data());
                    for (float& x : row) x = -x;
                    cache.store_value(layer, head, position, row.data());
                }
            }
        }
        std::vector<float> scratch(20 * 4);
        for (std::uint32_t layer = 0; layer < 2; ++layer) {
            for (std::uint32_t head = 0; head < 2; ++head) {
                const float* keys = cache.keys(layer, head, 3, 5, scratch.data());
                for (std::uint32_t i = 0; i < 20; ++i)
                    REQUIRE(keys[i] == number(layer, head, 3 + i / 4, i % 4));
                const float* values = cache.values(layer, head, 3, 5, scratch.data());
                for (std::uint32_t i = 0; i < 20; ++i)
                    REQUIRE(values[i] == -number(layer, head, 3 + i / 4, i % 4));
            }
        }
    }
}

TEST_CASE("cache: rolling back restores position and convolution inputs together") {
    MemoryBudget budget;
    KvCache cache = make(budget, KvType::kF32);
    cache.advance(5);
    for (std::uint32_t layer = 0; layer < 2; ++layer) {
        for (float& x : cache.convolution_state(layer)) x = static_cast<float>(layer + 1);
    }
    cache.begin();
    cache.advance(7);
    for (std::uint32_t layer = 0; layer < 2; ++layer) {
        for (float& x : cache.convolution_state(layer)) x = 99.0F;
    }
    cache.roll_back();
    CHECK(cache.position() == 5);
    CHECK(cache.room() == 15);
    for (std::uint32_t layer = 0; layer < 2; ++layer) {
        REQUIRE(cache.convolution_state(layer).size() == 16);
        for (const float x : cache.convolution_state(layer)) CHECK(x == static_cast<float>(layer + 1));
    }
    cache.reset();
    CHECK(cache.position() == 0);
    for (const float x : cache.convolution_state(1)) CHECK(x == 0.0F);
}
