// Stored blocks to panels.
#include "kernels/avx512_vnni/unpack.h"

#include "kernels/avx512_vnni/table.h"

namespace sluice::avx512_vnni {
namespace {

// Columns of two stored blocks of 32 weights: values of the first begin in the middle of a column, behind its
// scale, so that the other half of the last of its columns is the scale of the second.
template <std::size_t n_columns>
struct Pair {
    const __m512i* c;

    // Column k of the first block's values, from the halves of two.
    __m512i first(std::size_t k) const {
        return _mm512_mask_blend_epi16(0xAAAAAAAAu, _mm512_rol_epi32(c[k], 16), _mm512_rol_epi32(c[k + 1], 16));
    }
    __m512i second(std::size_t k) const { return c[n_columns + 1 + k]; }
    void store_scales(Panel& panel, std::size_t block, std::size_t upper) const {
        _mm512_store_ps(&panel.scales[block][0][upper * kLaneRows], from_low_halves(c[0]));
        _mm512_store_ps(&panel.scales[block + 1][0][upper * kLaneRows],
                        from_low_halves(_mm512_srli_epi32(c[n_columns], 16)));
    }
};

void store_nibbles(const Values& out, std::size_t k, __m512i nibbles) {
    out.set(k, low_nibbles(nibbles));
    out.set(4 + k, high_nibbles(nibbles));
}

void store_two_q4_0(const __m512i* c, Panel& panel, std::size_t block, std::size_t upper) {
    const Pair<4> pair{c};
    const Values first{values_of(panel, block, upper)};
    const Values second{values_of(panel, block + 1, upper)};
#pragma GCC unroll 4
    for (std::size_t k = 0; k < 4; ++k) {
        store_nibbles(first, k, pair.first(k));
        store_nibbles(second, k, pair.second(k));
    }
    pair.store_scales(panel, block, upper);
}

// Eight stored blocks of 16 rows: 36 columns.
void store_eight_q4_0(const RowList& rows, Panel& panel, std::size_t block, std::size_t upper) {
    Run<36> run;
    run.load_line_at(rows, 0);
    store_two_q4_0(run.c, panel, block, upper);
    run.load_line_at(rows, 1);
    store_two_q4_0(run.c + 9, panel, block + 2, upper);
    store_two_q4_0(run.c + 18, panel, block + 4, upper);
    run.load_rest(rows);
    store_two_q4_0(run.c + 27, panel, block + 6, upper);
}

void store_one_q4_0(const RowList& rows, Panel& panel, std::size_t block, std::size_t upper) {
    const Columns nibbles = load_columns(rows, 2);
    for (std::size_t k = 0; k < 4; ++k) store_nibbles({values_of(panel, block, upper)}, k, nibbles.c[k]);
}

// Eight stored blocks of 16 rows: 68 columns, 17 for two.
void store_eight_q8_0(const RowList& rows, Panel& panel, std::size_t block, std::size_t upper) {
    const __m512i flip = _mm512_set1_epi8(-128);
    Run<68> run;
    run.load_line_at(rows, 0);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
        const Pair<8> pair{run.c + 17 * i};
        const Values first{values_of(panel, block + 2 * i, upper)};
        const Values second{values_of(panel, block + 2 * i + 1, upper)};
#pragma GCC unroll 8
        for (std::size_t k = 0; k < 8; ++k) first.set(k, _mm512_xor_si512(pair.first(k), flip));
        if (i < 3) {
            run.load_line_at(rows, i + 1);
        } else {
            run.load_rest(rows);
        }
#pragma GCC unroll 8
        for (std::size_t k = 0; k < 8; ++k) second.set(k, _mm512_xor_si512(pair.second(k), flip));
        pair.store_scales(panel, block + 2 * i, upper);
    }
}

void store_one_q8_0(const RowList& rows, Panel& panel, std::size_t block, std::size_t upper) {
    const Values out{values_of(panel, block, upper)};
    for (std::size_t part = 0; part < 2; ++part) {
        const Columns bytes = load_columns(rows, 2 + 16 * part);
        for (std::size_t k = 0; k < 4; ++k)
            out.set(4 * part + k, _mm512_xor_si512(bytes.c[k], _mm512_set1_epi8(-128)));
    }
}

// Types of 32 weights in a block: eight blocks at a time with their scales, then one by one.
template <class Block, class StoreEight, class StoreOne>
void unpack_32(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel,
               const StoreEight& store_eight, const StoreOne& store_one) {
    const auto store = [&](std::size_t block, std::size_t n_blocks, const auto& store_blocks) {
        fetch(rows.next + (first + block) * rows.next_per_block, n_blocks * rows.next_per_block);
        for (std::size_t upper = 0; upper < 2; ++upper) {
            const RowList from{rows.at + upper * kLaneRows, (first + block) * sizeof(Block)};
            store_blocks(from, panel, block, upper);
        }
    };
    std::size_t block = 0;
    for (; count - block >= 8; block += 8) store(block, 8, store_eight);
    unpack_scales_32(rows, first + block, count - block, sizeof(Block), 0, panel.scales + block);
    for (; block < count; ++block) store(block, 1, store_one);
}

template <bool has_fifth_bits>
void unpack_4k(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    constexpr std::size_t kSize = has_fifth_bits ? sizeof(BlockQ5K) : sizeof(BlockQ4K);
    constexpr std::size_t kNibbles = has_fifth_bits ? 48 : 16;
    for (std::size_t b = 0; b < count; b += 8) {
        const std::size_t offset = (first + b) / 8 * kSize;
        for (std::size_t upper = 0; upper < 2; ++upper) {
            const RowList from{rows.at + upper * kLaneRows};
            fetch(rows.next + (first + b + 4 * upper) * rows.next_per_block, 4 * rows.next_per_block);
            const Scales4K scales(load_columns(from, offset));
            for (int run = 0; run < 8; ++run) {
                const std::size_t block = b + static_cast<std::size_t>(run);
                _mm512_store_ps(&panel.scales[block][0][upper * kLaneRows], scales.scale(run));
                _mm512_store_ps(&panel.minimums[block][0][upper * kLaneRows], scales.minimum(run));
            }
            Columns bits[2] = {};
            if constexpr (has_fifth_bits) {
                bits[0] = load_columns(from, offset + 16);
                bits[1] = load_columns(from, offset + 32);
            }
#pragma GCC unroll 2
            for (std::size_t half = 0; half < 2; ++half) {
                const Line nibbles = load_line(from, offset + kNibbles + 64 * half);
#pragma GCC unroll 16
                for (std::size_t i = 0; i < 16; ++i) {
                    const std::size_t k = i % 8;
                    const auto run = static_cast<int>(4 * half + i / 8 * 2);
                    __m512i low = low_nibbles(nibbles.c[i]);
                    __m512i high = high_nibbles(nibbles.c[i]);
                    if constexpr (has_fifth_bits) {
                        low = _mm512_or_si512(low, fifth_bit(bits[k / 4].c[k % 4], run));
                        high = _mm512_or_si512(high, fifth_bit(bits[k / 4].c[k % 4], run + 1));
                    }
                    const std::size_t even = b + static_cast<std::size_t>(run);
                    Values{values_of(panel, even, upper)}.set(k, low);
                    Values{values_of(panel, even + 1, upper)}.set(k, high);
                }
            }
        }
    }
}

void unpack_q6_k(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    for (std::size_t b = 0; b < count; b += 8) {
        const std::size_t offset = (first + b) / 8 * sizeof(BlockQ6K);
        for (std::size_t upper = 0; upper < 2; ++upper) {
            const RowList from{rows.at + upper * kLaneRows};
            fetch(rows.next + (first + b + 4 * upper) * rows.next_per_block, 4 * rows.next_per_block);
            const Scales6K scales(from, offset);
            for (int group = 0; group < 16; ++group) {
                const std::size_t block = b + static_cast<std::size_t>(group) / 2;
                _mm512_store_ps(&panel.scales[block][group % 2][upper * kLaneRows], scales.scale(group));
            }
            for (std::size_t half = 0; half < 2; ++half) {
                const Columns pairs[2] = {load_columns(from, offset + 128 + 32 * half),
                                          load_columns(from, offset + 128 + 32 * half + 16)};
                const Line nibbles = load_line(from, offset + 64 * half);
#pragma GCC unroll 16
                for (std::size_t i = 0; i < 16; ++i) {
                    const std::size_t k = i % 8;
                    const auto run = static_cast<int>(i / 8);
                    const __m512i pair = pairs[k / 4].c[k % 4];
                    const std::size_t block = b + 4 * half + i / 8;
                    Values{values_of(panel, block, upper)}.set(
                        k, _mm512_or_si512(low_nibbles(nibbles.c[i]), pair_of(pair, run)));
                    Values{values_of(panel, block + 2, upper)}.set(
                        k, _mm512_or_si512(high_nibbles(nibbles.c[i]), pair_of(pair, run + 2)));
                }
            }
        }
    }
}

}  // namespace

void unpack(TensorType type, const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    switch (type) {
        case TensorType::kQ4_0:
            return unpack_32<BlockQ40>(rows, first, count, panel, store_eight_q4_0, store_one_q4_0);
        case TensorType::kQ8_0:
            return unpack_32<BlockQ80>(rows, first, count, panel, store_eight_q8_0, store_one_q8_0);
        case TensorType::kQ4_K:
            return unpack_4k<false>(rows, first, count, panel);
        case TensorType::kQ5_K:
            return unpack_4k<true>(rows, first, count, panel);
        case TensorType::kQ6_K:
            return unpack_q6_k(rows, first, count, panel);
        default:
            return unpack_community(type, rows, first, count, panel);
    }
}

}  // namespace sluice::avx512_vnni
