// How the golden_*.h are written: hexadecimal digits, two per byte of the blocks, eight per decoded float
// (its bits, most significant digit first).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "kernels/tensor_type.h"

struct GoldenBlocks {
    sluice::TensorType type;
    std::string_view bytes, floats;
};

inline std::uint32_t number_of(std::string_view digits) {
    std::uint32_t number = 0;
    for (const char digit : digits) {
        number = number * 16 + static_cast<std::uint32_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    return number;
}

inline std::vector<std::byte> bytes_of(const GoldenBlocks& golden) {
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i < golden.bytes.size(); i += 2) {
        bytes.push_back(static_cast<std::byte>(number_of(golden.bytes.substr(i, 2))));
    }
    return bytes;
}

inline std::vector<std::uint32_t> float_bits_of(const GoldenBlocks& golden) {
    std::vector<std::uint32_t> bits;
    for (std::size_t i = 0; i < golden.floats.size(); i += 8) {
        bits.push_back(number_of(golden.floats.substr(i, 8)));
    }
    return bits;
}
