// The block formats of GGUF, as they lie in a file: little-endian, packed, any alignment.
// The layouts are those of the GGUF specification and of the public Python package gguf.
//
// In the diagrams a column is a byte, d and m are float16, and e is an element's number in its block.
// A value is the float nearest to its formula's exact value: every product below fits 24 bits.
#pragma once

#include <cstdint>

#include "kernels/half.h"
#include "kernels/tensor_type.h"

namespace sluice {

struct StoredWord {
    std::uint8_t low, high;
};

static constexpr std::uint16_t word_of(StoredWord word) {
    return static_cast<std::uint16_t>(word.low | word.high << 8);
}
static constexpr float half_of(StoredWord word) {
    return half_to_float(word_of(word));
}

//   0 1 | 2 ............ 17
//    d  | e, e+16 in the low and high nibble of byte 2 + e             value = d (q - 8)
struct BlockQ40 {
    StoredWord scale;
    std::uint8_t nibbles[16];
};

//   0 1 | 2 3 | 4 ............ 19
//    d  |  m  | nibbles as in Q4_0                                     value = d q + m
struct BlockQ41 {
    StoredWord scale, minimum;
    std::uint8_t nibbles[16];
};

//   0 1 | 2 .. 5 | 6 ............ 21
//    d  | bit e  | nibbles as in Q4_0; bit e of the 32 is bit 4 of q   value = d (q - 16)
struct BlockQ50 {
    StoredWord scale;
    StoredWord low_fifth_bits, high_fifth_bits;  // of elements 0 to 15, and 16 to 31
    std::uint8_t nibbles[16];
};

//   0 1 | 2 3 | 4 .. 7 | 8 ............ 23
//    d  |  m  | bit e  | nibbles                                       value = d q + m
struct BlockQ51 {
    StoredWord scale, minimum;
    StoredWord low_fifth_bits, high_fifth_bits;  // of elements 0 to 15, and 16 to 31
    std::uint8_t nibbles[16];
};

//   0 1 | 2 ............ 33
//    d  | signed byte 2 + e                                            value = d q
struct BlockQ80 {
    StoredWord scale;
    std::int8_t values[32];
};

// The K formats hold 256 elements: two halves of 128, each four runs of 32 that share their bytes.
// Below h = e / 128, r = e % 128 / 32, l = e % 32; groups of 16 or 32 elements have their own scale.

//   0 ........ 15 | 16 .............. 79 | 80 81 | 82 83
//   scale, min of | bits 2r, 2r+1 of     |   d   |   m
//   group e / 16: | byte 16 + 32 h + l   |
//   low, high     |                                   value = d scale q - m min
//   nibble        |
struct BlockQ2K {
    std::uint8_t scales[16];
    std::uint8_t pairs[64];
    StoredWord scale, minimum;
};

//   0 ............ 31 | 32 ............ 95 | 96 ..... 107 | 108 109
//   bit 4h + r of     | bits 2r, 2r+1 of   | 16 scales of |    d
//   byte l: bit 2     | byte 32 + 32 h + l | 6 bits       |
//   of q              |
//   Scale i of group e / 16: the low four bits in the nibbles of bytes 96 to 103 (i < 8 low, else high),
//   the high two in bits 2 (i / 4) of byte 104 + i % 4.            value = d (scale - 32) (q - 4)
struct BlockQ3K {
    std::uint8_t third_bits[32];
    std::uint8_t pairs[64];
    std::uint8_t scales[12];
    StoredWord scale;
};

//   0 1 | 2 3 | 4 ....... 15 | 16 ......................... 143
//    d  |  m  | 8 scales and | run s = e / 32: low (s even) or high nibble of byte 16 + 32 (s / 2) + l
//             | 8 mins of 6  |
//             | bits         |                        value = d scale q - m min
//   Scale and min i < 4: the low six bits of bytes 4 + i and 8 + i. For i >= 4: the low four bits are the
//   nibbles of byte 8 + i, the high two are the top bits of bytes i and 4 + i.
struct BlockQ4K {
    StoredWord scale, minimum;
    std::uint8_t scales[12];
    std::uint8_t nibbles[128];
};

//   0 1 | 2 3 | 4 ....... 15 | 16 ..... 47 | 48 ............... 175
//    d  |  m  | as in Q4_K   | bit s of    | nibbles as in Q4_K
//                            | byte 16 + l: bit 4 of q         value = d scale q - m min
struct BlockQ5K {
    StoredWord scale, minimum;
    std::uint8_t scales[12];
    std::uint8_t fifth_bits[32];
    std::uint8_t nibbles[128];
};

//   0 ................ 127 | 128 ............. 191 | 192 ...... 207 | 208 209
//   low (r < 2) or high    | bits 2r, 2r+1 of byte | signed scale   |    d
//   nibble of byte         | 128 + 32 h + l: bits  | of group e/16  |
//   64 h + 32 (r % 2) + l  | 4, 5 of q             |               value = d scale (q - 32)
struct BlockQ6K {
    std::uint8_t nibbles[128];
    std::uint8_t pairs[64];
    std::int8_t scales[16];
    StoredWord scale;
};

// What a nibble stands for in the IQ4 formats: levels that lie closer near zero.
constexpr std::int8_t kIQ4Levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                        1,    13,   25,  38,  53,  69,  89,  113};

//   0 1 | 2 ............ 17
//    d  | nibbles as in Q4_0                                           value = d level[q]
struct BlockIQ4NL {
    StoredWord scale;
    std::uint8_t nibbles[16];
};

//   0 1 | 2 3 ........ | 4 ...... 7 | 8 ......................... 135
//    d  | bits 2s of   | nibble s:  | run s = e / 32: 16 bytes each, nibbles as in Q4_0
//       | the word:    | bits 0..3  |
//       | bits 4, 5 of scale s      |                 value = d (scale - 32) level[q]
struct BlockIQ4XS {
    StoredWord scale;
    StoredWord high_scales;
    std::uint8_t low_scales[4];
    std::uint8_t nibbles[128];
};

template <TensorType type, class Block>
constexpr bool kLiesAsInFile = sizeof(Block) == info_of(type).block_size && alignof(Block) == 1;

static_assert(kLiesAsInFile<TensorType::kQ4_0, BlockQ40>);
static_assert(kLiesAsInFile<TensorType::kQ4_1, BlockQ41>);
static_assert(kLiesAsInFile<TensorType::kQ5_0, BlockQ50>);
static_assert(kLiesAsInFile<TensorType::kQ5_1, BlockQ51>);
static_assert(kLiesAsInFile<TensorType::kQ8_0, BlockQ80>);
static_assert(kLiesAsInFile<TensorType::kQ2_K, BlockQ2K>);
static_assert(kLiesAsInFile<TensorType::kQ3_K, BlockQ3K>);
static_assert(kLiesAsInFile<TensorType::kQ4_K, BlockQ4K>);
static_assert(kLiesAsInFile<TensorType::kQ5_K, BlockQ5K>);
static_assert(kLiesAsInFile<TensorType::kQ6_K, BlockQ6K>);
static_assert(kLiesAsInFile<TensorType::kIQ4_NL, BlockIQ4NL>);
static_assert(kLiesAsInFile<TensorType::kIQ4_XS, BlockIQ4XS>);

}  // namespace sluice
