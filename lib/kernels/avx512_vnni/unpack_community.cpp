// Stored blocks to panels, for the types that the community makes.
#include "kernels/avx512_vnni/unpack.h"

namespace sluice::avx512_vnni {
namespace {

// Five bits of 16 rows: the lane of a row holds the fifth bits of its 32 weights.
class FifthBits {
public:
    explicit FifthBits(const std::uint32_t* words)
        : words_(_mm512_load_si512(reinterpret_cast<const __m512i*>(words))) {}
    // The values of columns 4 part to 4 part + 3, each with its bit as bit 4.
    __m512i added_to(__m512i nibbles, std::size_t part) const {
        const __m512i first_byte = _mm512_set4_epi32(0x0C0C0C0C, 0x08080808, 0x04040404, 0);
        const __m512i byte = _mm512_add_epi8(first_byte, _mm512_set1_epi8(static_cast<char>(part / 2)));
        const __m512i bits =
            _mm512_set1_epi32(static_cast<std::int32_t>(part % 2 == 0 ? 0x08040201u : 0x80402010u));
        const __mmask64 is_set = _mm512_test_epi8_mask(_mm512_shuffle_epi8(words_, byte), bits);
        return _mm512_mask_add_epi8(nibbles, is_set, nibbles, _mm512_set1_epi8(16));
    }

private:
    __m512i words_;
};

// The fifth bits of all rows, collected as unpack_scales_32 collects scales.
struct FifthWords {
    alignas(64) std::uint32_t at[kPanelBlocks][tile::kPanelRows];

    FifthWords(const PanelRows& rows, std::size_t first, std::size_t count, std::size_t block_size,
               std::size_t offset) {
        for (std::size_t row = 0; row < tile::kPanelRows; ++row) {
            const std::byte* from = rows.at[row] + first * block_size + offset;
            for (std::size_t b = 0; b < count; ++b) __builtin_memcpy(&at[b][row], from + b * block_size, 4);
        }
    }
};

// Levels of nibbles, raised by the zero point.
__m512i levels_of(__m512i nibbles) {
    const __m128i levels = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kIQ4Levels));
    const __m512i raised = _mm512_broadcast_i32x4(_mm_xor_si128(levels, _mm_set1_epi8(-128)));
    return _mm512_shuffle_epi8(raised, nibbles);
}

void unpack_q4_1(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    constexpr std::size_t kSize = sizeof(BlockQ41);
    for (std::size_t b = 0; b < count; ++b) {
        fetch(rows.next + (first + b) * rows.next_per_block, rows.next_per_block);
        for (std::size_t upper = 0; upper < 2; ++upper) {
            const Columns nibbles = load_columns(RowList{rows.at + upper * kLaneRows}, (first + b) * kSize + 4);
            const Values out{values_of(panel, b, upper)};
            for (std::size_t k = 0; k < 4; ++k) {
                out.set(k, low_nibbles(nibbles.c[k]));
                out.set(4 + k, high_nibbles(nibbles.c[k]));
            }
        }
    }
    unpack_scales_32(rows, first, count, kSize, 0, panel.scales);
    unpack_scales_32(rows, first, count, kSize, 2, panel.minimums);
}

template <bool has_minimums>
void unpack_5(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    constexpr std::size_t kSize = has_minimums ? sizeof(BlockQ51) : sizeof(BlockQ50);
    constexpr std::size_t kBits = has_minimums ? 4 : 2;
    const FifthWords words(rows, first, count, kSize, kBits);
    for (std::size_t b = 0; b < count; ++b) {
        fetch(rows.next + (first + b) * rows.next_per_block, rows.next_per_block);
        for (std::size_t upper = 0; upper < 2; ++upper) {
            const Columns nibbles =
                load_columns(RowList{rows.at + upper * kLaneRows}, (first + b) * kSize + kBits + 4);
            const FifthBits bits(&words.at[b][upper * kLaneRows]);
            const Values out{values_of(panel, b, upper)};
#pragma GCC unroll 4
            for (std::size_t k = 0; k < 4; ++k) {
                out.set(k, bits.added_to(low_nibbles(nibbles.c[k]), k));
                out.set(4 + k, bits.added_to(high_nibbles(nibbles.c[k]), 4 + k));
            }
        }
    }
    unpack_scales_32(rows, first, count, kSize, 0, panel.scales);
    if constexpr (has_minimums) unpack_scales_32(rows, first, count, kSize, 2, panel.minimums);
}

void set_levels(const Columns& nibbles, const Values& out) {
    for (std::size_t k = 0; k < 4; ++k) {
        out.set(k, levels_of(low_nibbles(nibbles.c[k])));
        out.set(4 + k, levels_of(high_nibbles(nibbles.c[k])));
    }
}

void unpack_iq4_nl(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    constexpr std::size_t kSize = sizeof(BlockIQ4NL);
    for (std::size_t b = 0; b < count; ++b) {
        fetch(rows.next + (first + b) * rows.next_per_block, rows.next_per_block);
        for (std::size_t upper = 0; upper < 2; ++upper) {
            set_levels(load_columns(RowList{rows.at + upper * kLaneRows}, (first + b) * kSize + 2),
                       Values{values_of(panel, b, upper)});
        }
    }
    unpack_scales_32(rows, first, count, kSize, 0, panel.scales);
}

void unpack_iq4_xs(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    for (std::size_t b = 0; b < count; b += 8) {
        const std::size_t offset = (first + b) / 8 * sizeof(BlockIQ4XS);
        for (std::size_t upper = 0; upper < 2; ++upper) {
            const RowList from{rows.at + upper * kLaneRows};
            fetch(rows.next + (first + b + 4 * upper) * rows.next_per_block, 4 * rows.next_per_block);
            // d and the high bits of scales | their low bits
            const Columns head = load_columns(from, offset);
            const __m512 d = from_low_halves(head.c[0]);
            for (std::size_t run = 0; run < 8; ++run) {
                const auto at = static_cast<int>(run);
                const __m512i low = _mm512_and_si512(shifted_right(head.c[1], 4 * at), _mm512_set1_epi32(15));
                const __m512i high =
                    _mm512_and_si512(shifted_right(head.c[0], 16 + 2 * at), _mm512_set1_epi32(3));
                const __m512i joined = _mm512_or_si512(low, _mm512_slli_epi32(high, 4));
                const __m512i scale = _mm512_sub_epi32(joined, _mm512_set1_epi32(32));
                _mm512_store_ps(&panel.scales[b + run][0][upper * kLaneRows],
                                _mm512_mul_ps(d, _mm512_cvtepi32_ps(scale)));
                set_levels(load_columns(from, offset + 8 + 16 * run), Values{values_of(panel, b + run, upper)});
            }
        }
    }
}

// Byte i of each lane.
__m512i byte_of(__m512i lanes, int i) {
    return _mm512_and_si512(shifted_right(lanes, 8 * i), _mm512_set1_epi32(255));
}

// Bits 2 run and 2 run + 1 of each byte.
__m512i pair_at(__m512i pairs, int run) {
    return _mm512_and_si512(shifted_right(pairs, 2 * run), _mm512_set1_epi8(3));
}

// 16 bytes of scales, of groups of 16 weights, and behind the values d and m.
void unpack_scales_2k(const RowList& from, std::size_t offset, std::size_t b, std::size_t upper, Panel& panel) {
    const Columns scales = load_columns(from, offset);
    const __m512i ends = load_columns(from, offset + sizeof(BlockQ2K) - 16).c[3];
    const __m512 d = from_low_halves(ends);
    const __m512 minus_m = _mm512_xor_ps(from_low_halves(_mm512_srli_epi32(ends, 16)), _mm512_set1_ps(-0.0F));
    for (std::size_t group = 0; group < 16; ++group) {
        const __m512i packed = byte_of(scales.c[group / 4], static_cast<int>(group % 4));
        const __m512i s = _mm512_and_si512(packed, _mm512_set1_epi32(15));
        const std::size_t row = upper * kLaneRows;
        _mm512_store_ps(&panel.scales[b + group / 2][group % 2][row], _mm512_mul_ps(d, _mm512_cvtepi32_ps(s)));
        _mm512_store_ps(&panel.minimums[b + group / 2][group % 2][row],
                        _mm512_mul_ps(minus_m, _mm512_cvtepi32_ps(_mm512_srli_epi32(packed, 4))));
    }
}

void unpack_q2_k(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    for (std::size_t b = 0; b < count; b += 8) {
        const std::size_t offset = (first + b) / 8 * sizeof(BlockQ2K);
        for (std::size_t upper = 0; upper < 2; ++upper) {
            const RowList from{rows.at + upper * kLaneRows};
            fetch(rows.next + (first + b + 4 * upper) * rows.next_per_block, 4 * rows.next_per_block);
            unpack_scales_2k(from, offset, b, upper, panel);
            for (std::size_t half = 0; half < 2; ++half) {
                for (std::size_t part = 0; part < 2; ++part) {
                    const Columns pairs = load_columns(from, offset + 16 + 32 * half + 16 * part);
                    for (std::size_t run = 0; run < 4; ++run) {
                        const Values out{values_of(panel, b + 4 * half + run, upper)};
                        for (std::size_t k = 0; k < 4; ++k)
                            out.set(4 * part + k, pair_at(pairs.c[k], static_cast<int>(run)));
                    }
                }
            }
        }
    }
}

// The last 16 bytes of the block, read as columns: two bytes of values, 12 of scales, d.
void unpack_scales_3k(const Columns& tail, std::size_t b, std::size_t upper, Panel& panel) {
    const auto join = [](__m512i left, __m512i right) {
        return _mm512_or_si512(_mm512_srli_epi32(left, 16), _mm512_slli_epi32(right, 16));
    };
    const __m512i low[2] = {join(tail.c[0], tail.c[1]), join(tail.c[1], tail.c[2])};
    const __m512i high = join(tail.c[2], tail.c[3]);
    const __m512 d = from_low_halves(_mm512_srli_epi32(tail.c[3], 16));
    for (std::size_t four = 0; four < 4; ++four) {
        const int shift = static_cast<int>(four);
        const __m512i l = _mm512_and_si512(shifted_right(low[four % 2], shift / 2 * 4), _mm512_set1_epi8(15));
        const __m512i h = _mm512_slli_epi32(pair_at(high, shift), 4);
        const __m512i scales = _mm512_or_si512(l, h);
        for (std::size_t i = 0; i < 4; ++i) {
            const std::size_t group = 4 * four + i;
            const __m512i s = _mm512_sub_epi32(byte_of(scales, static_cast<int>(i)), _mm512_set1_epi32(32));
            _mm512_store_ps(&panel.scales[b + group / 2][group % 2][upper * kLaneRows],
                            _mm512_mul_ps(d, _mm512_cvtepi32_ps(s)));
        }
    }
}

// Bit `run` of each byte, moved to bit 2.
__m512i third_bit(__m512i bits, int run) {
    const __m512i moved = run <= 2 ? shifted_left(bits, 2 - run) : shifted_right(bits, run - 2);
    return _mm512_and_si512(moved, _mm512_set1_epi8(4));
}

void unpack_q3_k(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    for (std::size_t b = 0; b < count; b += 8) {
        const std::size_t offset = (first + b) / 8 * sizeof(BlockQ3K);
        for (std::size_t upper = 0; upper < 2; ++upper) {
            const RowList from{rows.at + upper * kLaneRows};
            fetch(rows.next + (first + b + 4 * upper) * rows.next_per_block, 4 * rows.next_per_block);
            unpack_scales_3k(load_columns(from, offset + sizeof(BlockQ3K) - 16), b, upper, panel);
            for (std::size_t part = 0; part < 2; ++part) {
                const Columns bits = load_columns(from, offset + 16 * part);
                for (std::size_t half = 0; half < 2; ++half) {
                    const Columns pairs = load_columns(from, offset + 32 + 32 * half + 16 * part);
                    for (std::size_t run = 0; run < 4; ++run) {
                        const Values out{values_of(panel, b + 4 * half + run, upper)};
                        const auto at = static_cast<int>(run);
                        const auto bit = static_cast<int>(4 * half + run);
                        for (std::size_t k = 0; k < 4; ++k) {
                            out.set(4 * part + k,
                                    _mm512_or_si512(pair_at(pairs.c[k], at), third_bit(bits.c[k], bit)));
                        }
                    }
                }
            }
        }
    }
}

}  // namespace

void unpack_community(TensorType type, const PanelRows& rows, std::size_t first, std::size_t count,
                      Panel& panel) {
    switch (type) {
        case TensorType::kQ4_1:
            return unpack_q4_1(rows, first, count, panel);
        case TensorType::kQ5_0:
            return unpack_5<false>(rows, first, count, panel);
        case TensorType::kQ5_1:
            return unpack_5<true>(rows, first, count, panel);
        case TensorType::kIQ4_NL:
            return unpack_iq4_nl(rows, first, count, panel);
        case TensorType::kIQ4_XS:
            return unpack_iq4_xs(rows, first, count, panel);
        case TensorType::kQ2_K:
            return unpack_q2_k(rows, first, count, panel);
        case TensorType::kQ3_K:
            return unpack_q3_k(rows, first, count, panel);
        default:
            return;  // unreachable: unpack has the others
    }
}

}  // namespace sluice::avx512_vnni
