// Stored blocks to panels, for the types that the community makes.
#include "kernels/avx2/unpack.h"

namespace sluice::avx2 {
namespace {

// The lane of a row holds the fifth bits of its 32 weights; 8 rows.
class FifthBits {
public:
    explicit FifthBits(const std::uint32_t* words)
        : words_(_mm256_load_si256(reinterpret_cast<const __m256i*>(words))) {}
    // The values of columns 4 part to 4 part + 3, each with its bit as bit 4.
    __m256i added_to(__m256i nibbles, std::size_t part) const {
        const __m256i first_byte =
            _mm256_broadcastsi128_si256(_mm_setr_epi32(0, 0x04040404, 0x08080808, 0x0C0C0C0C));
        const __m256i byte = _mm256_add_epi8(first_byte, _mm256_set1_epi8(static_cast<char>(part / 2)));
        const __m256i bits =
            _mm256_set1_epi32(static_cast<std::int32_t>(part % 2 == 0 ? 0x08040201u : 0x80402010u));
        const __m256i one_each = _mm256_and_si256(_mm256_shuffle_epi8(words_, byte), bits);
        const __m256i is_set = _mm256_cmpeq_epi8(one_each, bits);
        return _mm256_or_si256(nibbles, _mm256_and_si256(is_set, _mm256_set1_epi8(16)));
    }

private:
    __m256i words_;
};

// The fifth bits of all rows, collected as unpack_scales_32 collects scales.
struct FifthWords {
    alignas(64) std::uint32_t at[kPanelBlocks][kPanelRows];

    FifthWords(const PanelRows& rows, std::size_t first, std::size_t count, std::size_t block_size,
               std::size_t offset) {
        for (std::size_t row = 0; row < kPanelRows; ++row) {
            const std::byte* from = rows.at[row] + first * block_size + offset;
            for (std::size_t b = 0; b < count; ++b) __builtin_memcpy(&at[b][row], from + b * block_size, 4);
        }
    }
};

// Levels of nibbles, raised by the zero point.
__m256i levels_of(__m256i nibbles) {
    const __m128i levels = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kIQ4Levels));
    const __m256i raised = _mm256_broadcastsi128_si256(_mm_xor_si128(levels, _mm_set1_epi8(-128)));
    return _mm256_shuffle_epi8(raised, nibbles);
}

void unpack_q4_1(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    constexpr std::size_t kSize = sizeof(BlockQ41);
    for (std::size_t b = 0; b < count; ++b) {
        fetch(rows.next + (first + b) * rows.next_per_block, rows.next_per_block);
        for (std::size_t row = 0; row < kPanelRows; row += kEight) {
            const Columns nibbles = load_columns(rows.at + row, (first + b) * kSize + 4);
            const Values out(panel, b, row);
#pragma GCC unroll 4
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
        for (std::size_t row = 0; row < kPanelRows; row += kEight) {
            const Columns nibbles = load_columns(rows.at + row, (first + b) * kSize + kBits + 4);
            const FifthBits bits(&words.at[b][row]);
            const Values out(panel, b, row);
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
#pragma GCC unroll 4
    for (std::size_t k = 0; k < 4; ++k) {
        out.set(k, levels_of(low_nibbles(nibbles.c[k])));
        out.set(4 + k, levels_of(high_nibbles(nibbles.c[k])));
    }
}

void unpack_iq4_nl(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    constexpr std::size_t kSize = sizeof(BlockIQ4NL);
    for (std::size_t b = 0; b < count; ++b) {
        fetch(rows.next + (first + b) * rows.next_per_block, rows.next_per_block);
        for (std::size_t row = 0; row < kPanelRows; row += kEight) {
            set_levels(load_columns(rows.at + row, (first + b) * kSize + 2), Values(panel, b, row));
        }
    }
    unpack_scales_32(rows, first, count, kSize, 0, panel.scales);
}

void unpack_iq4_xs(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    for (std::size_t b = 0; b < count; b += 8) {
        const std::size_t offset = (first + b) / 8 * sizeof(BlockIQ4XS);
        for (std::size_t row = 0; row < kPanelRows; row += kEight) {
            const std::byte* const* from = rows.at + row;
            fetch(rows.next + (first + b + row / 4) * rows.next_per_block, 2 * rows.next_per_block);
            // d and the high bits of scales | their low bits
            const Columns head = load_columns(from, offset);
            const __m256 d = low_halves(head.c[0]);
            for (std::size_t run = 0; run < 8; ++run) {
                const auto at = static_cast<int>(run);
                const __m256i low = _mm256_and_si256(shifted(head.c[1], -(4 * at)), _mm256_set1_epi32(15));
                const __m256i high = _mm256_and_si256(shifted(head.c[0], -(16 + 2 * at)), _mm256_set1_epi32(3));
                const __m256i joined = _mm256_or_si256(low, _mm256_slli_epi32(high, 4));
                const __m256i scale = _mm256_sub_epi32(joined, _mm256_set1_epi32(32));
                _mm256_store_ps(&panel.scales[b + run][0][row], _mm256_mul_ps(d, _mm256_cvtepi32_ps(scale)));
                set_levels(load_columns(from, offset + 8 + 16 * run), Values(panel, b + run, row));
            }
        }
    }
}

// Bits 2 run and 2 run + 1 of each byte.
__m256i pair_at(__m256i pairs, int run) {
    return _mm256_and_si256(shifted(pairs, -(2 * run)), _mm256_set1_epi8(3));
}

// 16 bytes of scales, of groups of 16 weights, and behind the values d and m.
void unpack_scales_2k(const std::byte* const* from, std::size_t offset, std::size_t b, std::size_t row,
                      Panel& panel) {
    const Columns scales = load_columns(from, offset);
    const __m256i ends = load_columns(from, offset + sizeof(BlockQ2K) - 16).c[3];
    const __m256 d = low_halves(ends);
    const __m256 minus_m = _mm256_xor_ps(low_halves(_mm256_srli_epi32(ends, 16)), _mm256_set1_ps(-0.0F));
    for (std::size_t group = 0; group < 16; ++group) {
        const __m256i packed = byte_of(scales.c[group / 4], static_cast<int>(group % 4));
        const __m256i s = _mm256_and_si256(packed, _mm256_set1_epi32(15));
        _mm256_store_ps(&panel.scales[b + group / 2][group % 2][row], _mm256_mul_ps(d, _mm256_cvtepi32_ps(s)));
        _mm256_store_ps(&panel.minimums[b + group / 2][group % 2][row],
                        _mm256_mul_ps(minus_m, _mm256_cvtepi32_ps(_mm256_srli_epi32(packed, 4))));
    }
}

void unpack_q2_k(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    for (std::size_t b = 0; b < count; b += 8) {
        const std::size_t offset = (first + b) / 8 * sizeof(BlockQ2K);
        for (std::size_t row = 0; row < kPanelRows; row += kEight) {
            const std::byte* const* from = rows.at + row;
            fetch(rows.next + (first + b + row / 4) * rows.next_per_block, 2 * rows.next_per_block);
            unpack_scales_2k(from, offset, b, row, panel);
            for (std::size_t half = 0; half < 2; ++half) {
                for (std::size_t part = 0; part < 2; ++part) {
                    const Columns pairs = load_columns(from, offset + 16 + 32 * half + 16 * part);
                    for (std::size_t run = 0; run < 4; ++run) {
                        const Values out(panel, b + 4 * half + run, row);
#pragma GCC unroll 4
                        for (std::size_t k = 0; k < 4; ++k)
                            out.set(4 * part + k, pair_at(pairs.c[k], static_cast<int>(run)));
                    }
                }
            }
        }
    }
}

// The last 16 bytes of the block, read as columns: two bytes of values, 12 of scales, d.
void unpack_scales_3k(const Columns& tail, std::size_t b, std::size_t row, Panel& panel) {
    const auto join = [](__m256i left, __m256i right) {
        return _mm256_or_si256(_mm256_srli_epi32(left, 16), _mm256_slli_epi32(right, 16));
    };
    const __m256i low[2] = {join(tail.c[0], tail.c[1]), join(tail.c[1], tail.c[2])};
    const __m256i high = join(tail.c[2], tail.c[3]);
    const __m256 d = low_halves(_mm256_srli_epi32(tail.c[3], 16));
    for (std::size_t four = 0; four < 4; ++four) {
        const int shift = static_cast<int>(four);
        const __m256i l = _mm256_and_si256(shifted(low[four % 2], -(shift / 2 * 4)), _mm256_set1_epi8(15));
        const __m256i h = _mm256_slli_epi32(pair_at(high, shift), 4);
        const __m256i scales = _mm256_or_si256(l, h);
        for (std::size_t i = 0; i < 4; ++i) {
            const std::size_t group = 4 * four + i;
            const __m256i s = _mm256_sub_epi32(byte_of(scales, static_cast<int>(i)), _mm256_set1_epi32(32));
            _mm256_store_ps(&panel.scales[b + group / 2][group % 2][row],
                            _mm256_mul_ps(d, _mm256_cvtepi32_ps(s)));
        }
    }
}

// Bit `run` of each byte, moved to bit 2.
__m256i third_bit(__m256i bits, int run) {
    return _mm256_and_si256(shifted(bits, 2 - run), _mm256_set1_epi8(4));
}

void unpack_q3_k(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    for (std::size_t b = 0; b < count; b += 8) {
        const std::size_t offset = (first + b) / 8 * sizeof(BlockQ3K);
        for (std::size_t row = 0; row < kPanelRows; row += kEight) {
            const std::byte* const* from = rows.at + row;
            fetch(rows.next + (first + b + row / 4) * rows.next_per_block, 2 * rows.next_per_block);
            unpack_scales_3k(load_columns(from, offset + sizeof(BlockQ3K) - 16), b, row, panel);
            for (std::size_t part = 0; part < 2; ++part) {
                const Columns bits = load_columns(from, offset + 16 * part);
                for (std::size_t half = 0; half < 2; ++half) {
                    const Columns pairs = load_columns(from, offset + 32 + 32 * half + 16 * part);
                    for (std::size_t run = 0; run < 4; ++run) {
                        const Values out(panel, b + 4 * half + run, row);
                        const auto at = static_cast<int>(run);
                        const auto bit = static_cast<int>(4 * half + run);
#pragma GCC unroll 4
                        for (std::size_t k = 0; k < 4; ++k) {
                            out.set(4 * part + k,
                                    _mm256_or_si256(pair_at(pairs.c[k], at), third_bit(bits.c[k], bit)));
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

}  // namespace sluice::avx2
