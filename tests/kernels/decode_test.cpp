// Conversion of stored numbers to float: half, bfloat and every block format.
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/blocks.h"
#include "kernels/golden_256_high.h"
#include "kernels/golden_256_low.h"
#include "kernels/golden_32.h"
#include "kernels/select.h"
#include "support/catch.h"

using namespace sluice;

namespace {

const Kernels& scalar() {
    return **select_kernels("scalar");
}

// The definition of IEEE 754: (-1)^s 2^(e - 15) 1.f, or 2^-14 0.f where e is 0.
double half_by_definition(std::uint16_t half) {
    const int exponent = half >> 10 & 31;
    const int fraction = half & 1023;
    const double magnitude =
        exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

std::vector<float> decode_at(std::size_t misalignment, TensorType type, const std::vector<std::byte>& row,
                             std::size_t count) {
    std::vector<std::byte> moved(misalignment + row.size());
    if (!row.empty()) std::memcpy(moved.data() + misalignment, row.data(), row.size());
    std::vector<float> out(count + 1, 42.0F);
    scalar().decode(type, moved.data() + misalignment, count, out.data());
    CHECK(out[count] == 42.0F);
    out.pop_back();
    return out;
}

void check_golden(const GoldenBlocks& golden) {
    const auto expected = float_bits_of(golden);
    for (std::size_t misalignment = 0; misalignment < 4; ++misalignment) {
        const auto values = decode_at(misalignment, golden.type, bytes_of(golden), expected.size());
        std::size_t n_wrong = 0;
        for (std::size_t i = 0; i < values.size(); ++i) {
            n_wrong += std::bit_cast<std::uint32_t>(values[i]) != expected[i];
        }
        INFO(info_of(golden.type).name << " at misalignment " << misalignment);
        CHECK(n_wrong == 0);
    }
}

}  // namespace

TEST_CASE("half: every finite half becomes its exact float") {
    std::size_t n_wrong = 0;
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        const auto half = static_cast<std::uint16_t>(bits);
        if ((half & 0x7C00) == 0x7C00) continue;
        const float value = half_to_float(half);
        const bool same_sign = std::signbit(value) == ((half & 0x8000) != 0);
        n_wrong += !same_sign || static_cast<double>(value) != half_by_definition(half);
    }
    CHECK(n_wrong == 0);
}

TEST_CASE("half: infinities and NaNs stay what they are in both directions") {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    CHECK(half_to_float(0x7C00) == kInfinity);
    CHECK(half_to_float(0xFC00) == -kInfinity);
    CHECK(float_to_half(kInfinity) == 0x7C00);
    CHECK(float_to_half(-kInfinity) == 0xFC00);
    for (std::uint32_t fraction = 1; fraction < 1024; ++fraction) {
        CHECK(std::isnan(half_to_float(static_cast<std::uint16_t>(0x7C00 | fraction))));
    }
    for (const std::uint32_t bits : {0x7F800001u, 0x7FC00000u, 0xFFFFFFFFu, 0xFF802000u}) {
        CHECK((float_to_half(std::bit_cast<float>(bits)) & 0x7FFF) > 0x7C00);
    }
}

TEST_CASE("half: every half survives the way to float and back") {
    std::size_t n_wrong = 0;
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        const auto half = static_cast<std::uint16_t>(bits);
        if ((half & 0x7C00) == 0x7C00) continue;
        n_wrong += float_to_half(half_to_float(half)) != half;
    }
    CHECK(n_wrong == 0);
}

TEST_CASE("half: a float between two halves goes to the nearer one, and a tie to the even one") {
    std::size_t n_wrong = 0;
    for (std::uint16_t half = 0; half < 0x7BFF; ++half) {
        const auto next = static_cast<std::uint16_t>(half + 1);
        const auto middle = static_cast<float>((half_by_definition(half) + half_by_definition(next)) / 2);
        const std::uint16_t even = (half & 1) == 0 ? half : next;
        n_wrong += float_to_half(middle) != even;
        n_wrong += float_to_half(-middle) != (even | 0x8000);
        n_wrong += float_to_half(std::nextafter(middle, 0.0F)) != half;
        n_wrong += float_to_half(std::nextafter(middle, 1e9F)) != next;
    }
    CHECK(n_wrong == 0);
    CHECK(float_to_half(65519.996F) == 0x7BFF);
    CHECK(float_to_half(65520.0F) == 0x7C00);
    CHECK(float_to_half(1e30F) == 0x7C00);
    CHECK(float_to_half(std::numeric_limits<float>::denorm_min()) == 0);
}

TEST_CASE("bfloat: the nearest one is chosen, a tie goes to the even one, a NaN stays a NaN") {
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        const auto bfloat = static_cast<std::uint16_t>(bits);
        if ((bfloat & 0x7F80) == 0x7F80) continue;
        REQUIRE(std::bit_cast<std::uint32_t>(bfloat_to_float(bfloat)) == bits << 16);
        REQUIRE(float_to_bfloat(std::bit_cast<float>(bits << 16 | 0x7FFF)) == bfloat);
        REQUIRE(float_to_bfloat(std::bit_cast<float>(bits << 16 | 0x8000)) == bfloat + (bfloat & 1));
        REQUIRE(float_to_bfloat(std::bit_cast<float>(bits << 16 | 0x8001)) == bfloat + 1);
    }
    CHECK(float_to_bfloat(std::numeric_limits<float>::infinity()) == 0x7F80);
    CHECK((float_to_bfloat(std::bit_cast<float>(0x7F800001u)) & 0x7FFF) > 0x7F80);
}

TEST_CASE("decode: every block format gives the floats of the public implementation, at any alignment") {
    for (const GoldenBlocks& golden : kGolden32) check_golden(golden);
    for (const GoldenBlocks& golden : kGolden256Low) check_golden(golden);
    for (const GoldenBlocks& golden : kGolden256High) check_golden(golden);
}

TEST_CASE("decode: there are golden blocks for every type that has blocks") {
    for (const TensorTypeInfo& info : kTensorTypes) {
        if (info.block_count == 1) continue;
        std::size_t n_found = 0;
        for (const GoldenBlocks& golden : kGolden32) n_found += golden.type == info.type;
        for (const GoldenBlocks& golden : kGolden256Low) n_found += golden.type == info.type;
        for (const GoldenBlocks& golden : kGolden256High) n_found += golden.type == info.type;
        INFO(info.name);
        CHECK(n_found == 1);
    }
}

TEST_CASE("decode: types without blocks are converted one by one, at any alignment and length") {
    std::mt19937 random(7);
    for (const std::size_t count : {0u, 1u, 3u, 15u, 16u, 17u, 101u}) {
        for (std::size_t misalignment = 0; misalignment < 4; ++misalignment) {
            std::vector<std::byte> row(count * 4);
            for (std::byte& byte : row) byte = static_cast<std::byte>(random() & 0x3B);  // no NaN
            const auto floats = decode_at(misalignment, TensorType::kF32, row, count);
            const auto halves = decode_at(misalignment, TensorType::kF16, row, count);
            const auto bfloats = decode_at(misalignment, TensorType::kBF16, row, count);
            for (std::size_t i = 0; i < count; ++i) {
                float value = 0.0F;
                std::memcpy(&value, &row[4 * i], 4);
                std::uint16_t word = 0;
                std::memcpy(&word, &row[2 * i], 2);
                CHECK(floats[i] == value);
                CHECK(static_cast<double>(halves[i]) == half_by_definition(word));
                CHECK(bfloats[i] == bfloat_to_float(word));
            }
        }
    }
}

TEST_CASE("decode: a scale that is NaN makes its whole block NaN, and no other block") {
    for (const TensorTypeInfo& info : kTensorTypes) {
        if (info.block_count == 1) continue;
        const std::string name = info.name;
        const bool scale_is_last = name == "Q3_K" || name == "Q6_K";
        const std::size_t at = scale_is_last ? info.block_size - 2 : name == "Q2_K" ? 80 : 0;
        std::vector<std::byte> row(3 * info.block_size, std::byte{0x11});
        row[info.block_size + at] = std::byte{0x01};
        row[info.block_size + at + 1] = std::byte{0x7E};
        const auto values = decode_at(0, info.type, row, 3 * info.block_count);
        std::size_t n_wrong = 0;
        for (std::size_t i = 0; i < values.size(); ++i) {
            n_wrong += std::isnan(values[i]) != (i / info.block_count == 1);
        }
        INFO(name);
        CHECK(n_wrong == 0);
    }
}
