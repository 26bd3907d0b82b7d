// Stored blocks to panels.
#include "kernels/avx512_vnni/unpack.h"

#include "kernels/avx512_vnni/table.h"

namespace sluice::avx512_vnni {
namespace {

void unpack_q4_0(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    constexpr std::size_t kSize = sizeof(BlockQ40);
    for (std::size_t b = 0; b < count; ++b) {
        fetch(rows.next + (first + b) * rows.next_per_block, rows.next_per_block);
        for (std::size_t upper = 0; upper < 2; ++upper) {
            const Columns nibbles = load_columns(RowList{rows.at + upper * kLaneRows}, (first + b) * kSize + 2);
            const Values out{values_of(panel, b, upper)};
            for (std::size_t k = 0; k < 4; ++k) {
                out.set(k, low_nibbles(nibbles.c[k]));
                out.set(4 + k, high_nibbles(nibbles.c[k]));
            }
        }
    }
    unpack_scales_32(rows, first, count, kSize, 0, panel.scales);
}

void unpack_q8_0(const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    constexpr std::size_t kSize = sizeof(BlockQ80);
    const __m512i flip = _mm512_set1_epi8(-128);
    for (std::size_t b = 0; b < count; ++b) {
        fetch(rows.next + (first + b) * rows.next_per_block, rows.next_per_block);
        for (std::size_t upper = 0; upper < 2; ++upper) {
            const Values out{values_of(panel, b, upper)};
            for (std::size_t part = 0; part < 2; ++part) {
                const Columns bytes =
                    load_columns(RowList{rows.at + upper * kLaneRows}, (first + b) * kSize + 2 + 16 * part);
                for (std::size_t k = 0; k < 4; ++k) out.set(4 * part + k, _mm512_xor_si512(bytes.c[k], flip));
            }
        }
    }
    unpack_scales_32(rows, first, count, kSize, 0, panel.scales);
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
            for (std::size_t part = 0; part < 2; ++part) {
                Columns bits{};
                if constexpr (has_fifth_bits) bits = load_columns(from, offset + 16 + 16 * part);
                for (int pair = 0; pair < 4; ++pair) {
                    const auto even = b + 2 * static_cast<std::size_t>(pair);
                    const Columns nibbles =
                        load_columns(from, offset + kNibbles + 32 * static_cast<std::size_t>(pair) + 16 * part);
                    const Values low{values_of(panel, even, upper)};
                    const Values high{values_of(panel, even + 1, upper)};
                    for (std::size_t k = 0; k < 4; ++k) {
                        __m512i l = low_nibbles(nibbles.c[k]);
                        __m512i h = high_nibbles(nibbles.c[k]);
                        if constexpr (has_fifth_bits) {
                            l = _mm512_or_si512(l, fifth_bit(bits.c[k], 2 * pair));
                            h = _mm512_or_si512(h, fifth_bit(bits.c[k], 2 * pair + 1));
                        }
                        low.set(4 * part + k, l);
                        high.set(4 * part + k, h);
                    }
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
                for (std::size_t part = 0; part < 2; ++part) {
                    const Columns pairs = load_columns(from, offset + 128 + 32 * half + 16 * part);
                    for (int odd = 0; odd < 2; ++odd) {
                        const Columns nibbles = load_columns(
                            from, offset + 64 * half + 32 * static_cast<std::size_t>(odd) + 16 * part);
                        const std::size_t run = b + 4 * half + static_cast<std::size_t>(odd);
                        const Values low{values_of(panel, run, upper)};
                        const Values high{values_of(panel, run + 2, upper)};
                        for (std::size_t k = 0; k < 4; ++k) {
                            low.set(4 * part + k,
                                    _mm512_or_si512(low_nibbles(nibbles.c[k]), pair_of(pairs.c[k], odd)));
                            high.set(4 * part + k,
                                     _mm512_or_si512(high_nibbles(nibbles.c[k]), pair_of(pairs.c[k], odd + 2)));
                        }
                    }
                }
            }
        }
    }
}

}  // namespace

void unpack(TensorType type, const PanelRows& rows, std::size_t first, std::size_t count, Panel& panel) {
    switch (type) {
        case TensorType::kQ4_0:
            return unpack_q4_0(rows, first, count, panel);
        case TensorType::kQ8_0:
            return unpack_q8_0(rows, first, count, panel);
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
