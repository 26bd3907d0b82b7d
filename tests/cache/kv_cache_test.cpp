#include <cmath>
#include <cstring>
#include <vector>

#include "cache/kv_cache.h"
#include "kernels/half.h"
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
    // One page: 2 layers x 2 heads x 256 x 4 values in 4 and in 2 bytes; 2 states of 2 x 8 floats, kept twice.
    const std::uint64_t states = 2 * 2 * 16 * 4;
    CHECK(*planned == 16384 + 8192 + states);
    auto cache = KvCache::create(small_config(), options, budget);
    REQUIRE(cache.ok());
    CHECK(cache->size() == states);
    REQUIRE(cache->make_room(1));
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

TEST_CASE("cache: a capacity is planned in whole pages of 256 positions, but ends where it was asked for") {
    const auto size_of = [](std::uint64_t capacity) {
        const auto planned = KvCache::planned_size(small_config(), {capacity, KvType::kF32, KvType::kF16});
        REQUIRE(planned.ok());
        return *planned;
    };
    CHECK(size_of(1) == size_of(256));
    CHECK(size_of(257) == size_of(512));
    CHECK(size_of(257) - size_of(256) == 2 * 2 * 256 * 4 * (4 + 2));
    CHECK(size_of(769) == size_of(1000));
    MemoryBudget budget;
    for (const std::uint64_t capacity : {1u, 15u, 16u, 17u, 20u, 1000u}) {
        const KvCache cache = make(budget, KvType::kF16, capacity);
        CHECK(cache.capacity() == capacity);
        CHECK(cache.room() == capacity);
    }
}

namespace {

// Small integers: exact in float16 too.
float number(std::uint32_t layer, std::uint32_t head, std::uint64_t position, std::uint32_t i) {
    return static_cast<float>(layer * 500 + head * 250 + position * 8 + i);
}

void fill(KvCache& cache) {
    REQUIRE(cache.make_room(cache.capacity()));
    for (std::uint32_t layer = 0; layer < 2; ++layer) {
        for (std::uint32_t head = 0; head < 2; ++head) {
            for (std::uint64_t position = 0; position < cache.capacity(); ++position) {
                std::vector<float> row(4);
                for (std::uint32_t i = 0; i < 4; ++i) row[i] = number(layer, head, position, i);
                cache.store_key(layer, head, position, row.data());
                for (float& x : row) x = -x;
                cache.store_value(layer, head, position, row.data());
            }
        }
    }
}

float element(KvType type, const std::byte* elements, std::size_t i) {
    if (type == KvType::kF16) {
        std::uint16_t half = 0;
        std::memcpy(&half, elements + i * 2, 2);
        return half_to_float(half);
    }
    float x = 0.0F;
    std::memcpy(&x, elements + i * 4, 4);
    return x;
}

}  // namespace

TEST_CASE("cache: keys and values come back from their own layer, head and position, from any position on") {
    for (const KvType type : {KvType::kF32, KvType::kF16}) {
        for (const std::uint64_t capacity : {1u, 15u, 16u, 20u, 33u}) {
            MemoryBudget budget;
            KvCache cache = make(budget, type, capacity);
            fill(cache);
            std::size_t n_wrong = 0;
            for (std::uint32_t layer = 0; layer < 2; ++layer) {
                for (std::uint32_t head = 0; head < 2; ++head) {
                    for (std::uint64_t first = 0; first < capacity; ++first) {
                        for (std::size_t count = 1; first + count <= capacity; ++count) {
                            // One more, to see that it is left alone.
                            std::vector<float> keys(count * 4 + 1, 0.5F);
                            std::vector<float> values(count * 4 + 1, 0.5F);
                            cache.read_keys(layer, head, first, count, keys.data());
                            cache.read_values(layer, head, first, count, values.data());
                            n_wrong += keys.back() != 0.5F;
                            n_wrong += values.back() != 0.5F;
                            for (std::uint32_t i = 0; i < count * 4; ++i) {
                                n_wrong += keys[i] != number(layer, head, first + i / 4, i % 4);
                                n_wrong += values[i] != -number(layer, head, first + i / 4, i % 4);
                            }
                        }
                    }
                }
            }
            INFO("capacity " << capacity);
            CHECK(n_wrong == 0);
        }
    }
}

TEST_CASE("cache: kernels find keys in tiles of 16 positions and values in rows") {
    for (const KvType type : {KvType::kF32, KvType::kF16}) {
        MemoryBudget budget;
        KvCache cache = make(budget, type, 40);
        fill(cache);
        for (std::uint32_t layer = 0; layer < 2; ++layer) {
            for (std::uint32_t head = 0; head < 2; ++head) {
                for (std::uint64_t first = 0; first < 40; first += 16) {
                    const std::byte* tiles = cache.key_tiles(layer, head, first);
                    const std::byte* rows = cache.value_rows(layer, head, first);
                    std::size_t n_wrong = 0;
                    for (std::uint64_t position = first; position < 40; ++position) {
                        const std::uint64_t tile = (position - first) / 16;
                        for (std::uint32_t i = 0; i < 4; ++i) {
                            const std::uint64_t key = (tile * 4 + i) * 16 + position % 16;
                            n_wrong += element(type, tiles, key) != number(layer, head, position, i);
                            n_wrong += element(type, rows, (position - first) * 4 + i) !=
                                       -number(layer, head, position, i);
                        }
                    }
                    INFO("from position " << first);
                    CHECK(n_wrong == 0);
                }
            }
        }
    }
}

TEST_CASE(
    "cache: types with blocks come back from their own place, and are refused where heads are no whole "
    "blocks") {
    for (const KvType type : {KvType::kQ8_0, KvType::kQ4_0}) {
        MemoryBudget budget;
        CHECK(KvCache::create(small_config(), {20, type, KvType::kF32}, budget).error().status ==
              SLUICE_E_UNSUPPORTED);
        CHECK(KvCache::planned_size(small_config(), {20, KvType::kF32, type}).error().status ==
              SLUICE_E_UNSUPPORTED);
        Config config = small_config();
        config.head_size = 32;
        // A page of 2 layers x 2 heads x 16 tiles, and the states.
        const std::uint64_t tile = type == KvType::kQ8_0 ? 16 * 34 : 16 * 18;
        CHECK(*KvCache::planned_size(config, {40, type, type}) == 2 * (2 * 2 * 16 * tile) + 2 * 2 * 16 * 4);
        auto cache = KvCache::create(config, {40, type, type}, budget);
        REQUIRE(cache);
        REQUIRE(cache->make_room(40));
        // Each row one number in all its elements. Turned it is a single one, so only its scale is rounded.
        const auto is_near = [](float a, float b) { return std::fabs(a - b) <= 1e-3F * std::fabs(b); };
        const auto row_of = [](std::uint32_t layer, std::uint32_t head, std::uint64_t position) {
            return std::vector<float>(32, number(layer, head, position, 0));
        };
        for (std::uint32_t layer = 0; layer < 2; ++layer) {
            for (std::uint32_t head = 0; head < 2; ++head) {
                for (std::uint64_t position = 0; position < 40; ++position) {
                    cache->store_key(layer, head, position, row_of(layer, head, position).data());
                    cache->store_value(layer, head, position, row_of(1 - layer, head, position).data());
                }
            }
        }
        std::vector<float> rows(40 * 32);
        std::size_t n_wrong = 0;
        for (std::uint32_t layer = 0; layer < 2; ++layer) {
            for (std::uint32_t head = 0; head < 2; ++head) {
                for (const std::uint64_t first : {0u, 7u, 16u, 39u}) {
                    cache->read_keys(layer, head, first, 40 - first, rows.data());
                    for (std::uint64_t position = first; position < 40; ++position) {
                        n_wrong +=
                            !is_near(rows[(position - first) * 32 + 5], row_of(layer, head, position)[0]);
                    }
                    cache->read_values(layer, head, first, 40 - first, rows.data());
                    for (std::uint64_t position = first; position < 40; ++position) {
                        n_wrong +=
                            !is_near(rows[(position - first) * 32 + 31], row_of(1 - layer, head, position)[0]);
                    }
                }
            }
        }
        CHECK(n_wrong == 0);
    }
}

TEST_CASE("cache: storing a key changes that position and no other") {
    MemoryBudget budget;
    KvCache cache = make(budget, KvType::kF32, 20);
    fill(cache);
    const std::vector<float> key = {-1.0F, -2.0F, -3.0F, -4.0F};
    cache.store_key(1, 0, 17, key.data());
    std::vector<float> keys(20 * 4);
    for (std::uint32_t layer = 0; layer < 2; ++layer) {
        for (std::uint32_t head = 0; head < 2; ++head) {
            cache.read_keys(layer, head, 0, 20, keys.data());
            for (std::uint32_t i = 0; i < 80; ++i) {
                const bool is_changed = layer == 1 && head == 0 && i / 4 == 17;
                REQUIRE(keys[i] == (is_changed ? key[i % 4] : number(layer, head, i / 4, i % 4)));
            }
        }
    }
}

TEST_CASE("cache: rolling back restores position and convolution inputs together") {
    MemoryBudget budget;
    KvCache cache = make(budget, KvType::kF32);
    cache.advance(std::vector<TokenId>{1, 2, 3, 4, 5}, TokenRole::kPrompt);
    for (std::uint32_t layer = 0; layer < 2; ++layer) {
        for (float& x : cache.convolution_state(layer)) x = static_cast<float>(layer + 1);
    }
    cache.begin();
    cache.advance(std::vector<TokenId>(7), TokenRole::kGenerated);
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
