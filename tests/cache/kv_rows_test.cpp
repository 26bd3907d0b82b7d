// What a tile gives back of the rows that were stored in it.
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "cache/kv_rows.h"
#include "kernels/half.h"
#include "support/catch.h"

using namespace sluice;

namespace {

constexpr KvType kTypes[] = {KvType::kF32, KvType::kF16, KvType::kQ8_0, KvType::kQ4_0};
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

using Store = void (*)(KvType, std::uint32_t, std::byte*, std::size_t, const float*);
using Read = void (*)(KvType, std::uint32_t, const std::byte*, std::size_t, float*);
struct Kind {
    const char* name;
    Store store;
    Read read;
};
constexpr Kind kKinds[] = {{"keys", store_key, read_key}, {"values", store_value, read_value}};

std::vector<float> random_row(std::uint32_t head_size, std::mt19937& random, float size) {
    std::normal_distribution<float> normal;
    std::vector<float> row(head_size);
    for (float& x : row) x = size * normal(random);
    return row;
}

// Rows of types with blocks are compared turned, as they were rounded.
std::vector<float> as_rounded(KvType type, std::vector<float> row) {
    if (is_turned(type)) turn_head(row.data(), static_cast<std::uint32_t>(row.size()));
    return row;
}

// How far an element may come back from what it was: half a step of its block, what rounding the scale to
// float16 (11 bits, or 2^-24 where it is subnormal) takes from the largest element, and roundings of turning
// and turning back.
float largest_error(KvType type, const std::vector<float>& row, std::size_t d) {
    if (type == KvType::kF32) return 0.0F;
    if (type == KvType::kF16) return std::fabs(row[d]) * 0x1p-11F + 0x1p-25F;
    float largest = 0.0F;
    for (std::size_t i = d / 32 * 32; i < d / 32 * 32 + 32; ++i) largest = std::max(largest, std::fabs(row[i]));
    const float steps = type == KvType::kQ8_0 ? 127.0F : 8.0F;
    // With four bits an element as large as the largest, of the other sign, is cut to 7 steps.
    const float half_or_whole = type == KvType::kQ8_0 ? 0.5F : 1.0F;
    return half_or_whole * largest / steps + largest * (0x1p-11F + 0x1p-18F) + 128.0F * 0x1p-25F;
}

}  // namespace

TEST_CASE("kv rows: what is stored comes back within its type's rounding, for numbers of every size") {
    std::mt19937 random(1);
    for (const Kind& kind : kKinds) {
        for (const KvType type : kTypes) {
            for (const std::uint32_t head_size : {32u, 64u, 96u, 128u}) {
                for (const float size : {1.0F, 1e-7F, 1e-3F, 1e4F}) {
                    std::vector<std::byte> tile(kv_tile_size(type, head_size));
                    std::vector<std::vector<float>> rows;
                    for (std::size_t slot = 0; slot < kKeyTile; ++slot) {
                        rows.push_back(random_row(head_size, random, size));
                        kind.store(type, head_size, tile.data(), slot, rows.back().data());
                    }
                    std::size_t n_wrong = 0;
                    for (std::size_t slot = 0; slot < kKeyTile; ++slot) {
                        std::vector<float> back(head_size);
                        kind.read(type, head_size, tile.data(), slot, back.data());
                        const auto expected = as_rounded(type, rows[slot]);
                        back = as_rounded(type, back);
                        for (std::size_t d = 0; d < head_size; ++d) {
                            n_wrong += !(std::fabs(back[d] - expected[d]) <= largest_error(type, expected, d));
                        }
                    }
                    INFO(kind.name << " of type " << static_cast<int>(type) << ", heads of " << head_size
                                   << ", numbers near " << size);
                    CHECK(n_wrong == 0);
                }
            }
        }
    }
}

TEST_CASE("kv rows: storing one position again changes no other") {
    std::mt19937 random(2);
    for (const Kind& kind : kKinds) {
        for (const KvType type : kTypes) {
            std::vector<std::byte> tile(kv_tile_size(type, 64));
            for (std::size_t slot = 0; slot < kKeyTile; ++slot) {
                kind.store(type, 64, tile.data(), slot, random_row(64, random, 1.0F).data());
            }
            const auto read_all = [&] {
                std::vector<float> all(kKeyTile * 64);
                for (std::size_t slot = 0; slot < kKeyTile; ++slot) {
                    kind.read(type, 64, tile.data(), slot, all.data() + slot * 64);
                }
                return all;
            };
            const auto before = read_all();
            kind.store(type, 64, tile.data(), 9, random_row(64, random, 100.0F).data());
            const auto after = read_all();
            std::size_t n_changed = 0;
            for (std::size_t i = 0; i < after.size(); ++i) {
                n_changed += i / 64 != 9 && after[i] != before[i];
            }
            INFO(kind.name << " of type " << static_cast<int>(type));
            CHECK(n_changed == 0);
            CHECK(std::memcmp(before.data() + 9 * 64, after.data() + 9 * 64, 64 * sizeof(float)) != 0);
        }
    }
}

TEST_CASE("kv rows: zeros come back as zeros, in the place of other numbers too") {
    std::mt19937 random(3);
    for (const Kind& kind : kKinds) {
        for (const KvType type : kTypes) {
            std::vector<std::byte> tile(kv_tile_size(type, 64));
            const std::vector<float> zeros(64, 0.0F);
            std::vector<float> back(64, 1.0F);
            kind.store(type, 64, tile.data(), 3, random_row(64, random, 1.0F).data());
            kind.store(type, 64, tile.data(), 3, zeros.data());
            kind.read(type, 64, tile.data(), 3, back.data());
            CHECK(back == zeros);
        }
    }
}

TEST_CASE("kv rows: one large element costs the others of a row a part of what it would alone") {
    std::mt19937 random(4);
    for (const Kind& kind : kKinds) {
        for (const KvType type : {KvType::kQ8_0, KvType::kQ4_0}) {
            std::vector<std::byte> tile(kv_tile_size(type, 64));
            std::vector<float> row = random_row(64, random, 1.0F);
            row[20] = 100.0F;
            std::vector<float> back(64);
            kind.store(type, 64, tile.data(), 0, row.data());
            kind.read(type, 64, tile.data(), 0, back.data());
            double squares = 0.0;
            for (std::size_t d = 0; d < 64; ++d) squares += std::pow(back[d] - row[d], 2);
            // The step that 100 itself asks for makes a mean square of a twelfth of its square.
            const double step = 100.0 / (type == KvType::kQ8_0 ? 127.0 : 8.0);
            INFO(kind.name << " of type " << static_cast<int>(type));
            CHECK(squares / 64 < step * step / 12.0 / 4.0);
        }
    }
}

TEST_CASE("kv rows: a turned head is its product with the Hadamard matrix, and turned again itself") {
    std::mt19937 random(5);
    for (const std::uint32_t head_size : {32u, 64u, 96u, 128u}) {
        const std::uint32_t run = head_size == 96 ? 32 : head_size;
        const auto row = random_row(head_size, random, 1.0F);
        auto turned = row;
        turn_head(turned.data(), head_size);
        double furthest = 0.0;
        for (std::uint32_t i = 0; i < head_size; ++i) {
            double expected = 0.0;
            for (std::uint32_t k = 0; k < run; ++k) {
                const bool is_minus = std::popcount(i % run & k) % 2 == 1;
                expected += (is_minus ? -1.0 : 1.0) * static_cast<double>(row[i / run * run + k]);
            }
            expected /= std::sqrt(static_cast<double>(run));
            furthest = std::max(furthest, std::fabs(static_cast<double>(turned[i]) - expected));
        }
        turn_head(turned.data(), head_size);
        for (std::uint32_t i = 0; i < head_size; ++i) {
            furthest =
                std::max(furthest, std::fabs(static_cast<double>(turned[i]) - static_cast<double>(row[i])));
        }
        // 2 log2(size) + 2 roundings of numbers below 16.
        INFO("heads of " << head_size);
        CHECK(furthest < 16.0 * 16.0 * 0x1p-24);
    }
}

TEST_CASE("kv rows: what is no number, or too large, does not come back as one") {
    for (const Kind& kind : kKinds) {
        for (const KvType type : kTypes) {
            for (const float wrong : {kNaN, kInfinity, -kInfinity, 3e38F}) {
                if (type == KvType::kF32 && wrong == 3e38F) continue;
                std::vector<std::byte> tile(kv_tile_size(type, 64));
                std::vector<float> row(64, 1.0F);
                row[40] = wrong;
                std::vector<float> back(64);
                kind.store(type, 64, tile.data(), 15, row.data());
                kind.read(type, 64, tile.data(), 15, back.data());
                INFO(kind.name << " of type " << static_cast<int>(type) << " with " << wrong);
                CHECK(!std::isfinite(back[40]));
                CHECK(std::isfinite(back[31]) == !is_turned(type));
            }
        }
    }
}
