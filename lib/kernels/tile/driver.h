// The loops around a product of integers: panels of 32 rows, 16 blocks of them at a time, and groups of vectors
// over each. The order of the sums is kernels.h's whatever the loops are.
#pragma once

#include "kernels/kernels.h"
#include "kernels/tile/panel.h"

namespace sluice::tile {

// What a panel is multiplied with: up to kMaxTokens vectors, 16 blocks of each.
constexpr std::size_t kMaxTokens = 8;

struct Tokens {
    // [vector][block], or [vector][2 * block + half] of types with halves
    alignas(64) std::int32_t corrections[kMaxTokens][2 * kPanelBlocks];  // - zero point * sum of values
    alignas(64) float offsets[kMaxTokens][2 * kPanelBlocks];             // scale * sum of values
    alignas(64) float scales[kMaxTokens][kPanelBlocks];
    const std::int8_t* values[kMaxTokens];
};

// The numbers of all blocks of a panel at once. As vectors, since compilers make dozens of moves of single
// numbers of the plain loops: they were a quarter of prefill.
typedef float BlockFloats __attribute__((vector_size(4 * kPanelBlocks)));
typedef std::int32_t BlockIntegers __attribute__((vector_size(4 * kPanelBlocks)));
static_assert(kPanelBlocks == 16);

// Fills the entries of vector t from the scales and the sums of 16 blocks.
static inline void gather_numbers(const Form& form, const float* scales, const std::int32_t* sums,
                                  std::size_t t, Tokens& tokens) {
    BlockFloats scale;
    BlockIntegers a;  // sums of halves: of the first eight blocks
    BlockIntegers b;
    __builtin_memcpy(&scale, scales, sizeof(scale));
    __builtin_memcpy(&a, sums, sizeof(a));
    __builtin_memcpy(&b, sums + kPanelBlocks, sizeof(b));
    *reinterpret_cast<BlockFloats*>(tokens.scales[t]) = scale;
    auto* corrections = reinterpret_cast<BlockIntegers*>(tokens.corrections[t]);
    auto* offsets = reinterpret_cast<BlockFloats*>(tokens.offsets[t]);
    if (form.has_halves) {
        corrections[0] = a * -form.zero_point;
        corrections[1] = b * -form.zero_point;
        if (!form.has_minimums) return;
        offsets[0] = __builtin_convertvector(a, BlockFloats) *
                     __builtin_shufflevector(scale, scale, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
        offsets[1] =
            __builtin_convertvector(b, BlockFloats) *
            __builtin_shufflevector(scale, scale, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15);
        return;
    }
    const BlockIntegers both =
        __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30) +
        __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    corrections[0] = both * -form.zero_point;
    if (form.has_minimums) offsets[0] = __builtin_convertvector(both, BlockFloats) * scale;
}

// Fills the entries of `count` vectors from x's vector `first` on, for `n_blocks` blocks from `first_block` on.
static inline void gather_tokens(const Form& form, const QuantisedVectors& x, std::size_t first,
                                 std::size_t count, std::size_t first_block, std::size_t n_blocks,
                                 Tokens& tokens) {
    for (std::size_t t = 0; t < count; ++t) {
        const std::size_t row = x.rows == nullptr ? first + t : x.rows[first + t];
        const std::size_t block = row * (x.size / kQuantisedBlock) + first_block;
        tokens.values[t] = x.values + row * x.size + first_block * kQuantisedBlock;
        const float* scales = x.scales + block;
        const std::int32_t* sums = x.sums + 2 * block;
        if (n_blocks == kPanelBlocks) {
            gather_numbers(form, scales, sums, t, tokens);
        } else {
            float few_scales[kPanelBlocks] = {};
            std::int32_t few_sums[2 * kPanelBlocks] = {};
            __builtin_memcpy(few_scales, scales, n_blocks * sizeof(float));
            __builtin_memcpy(few_sums, sums, 2 * n_blocks * sizeof(std::int32_t));
            gather_numbers(form, few_scales, few_sums, t, tokens);
        }
    }
}

// Asks for what the next group of vectors begins with: their numbers, and 32 sums of each at `out`. They lie
// too far apart for a processor to foresee; waiting for them was a twentieth of prefill. Inlined by force, as
// fetch_ahead: GCC 12 takes a function of nothing but prefetches for one without effect, and drops its calls.
[[gnu::always_inline]] static inline void fetch_group(const QuantisedVectors& x, std::size_t first,
                                                      std::size_t count, std::size_t first_block,
                                                      const float* out, std::size_t out_stride) {
    for (std::size_t t = 0; t < count; ++t) {
        const std::size_t row = x.rows == nullptr ? first + t : x.rows[first + t];
        const std::size_t block = row * (x.size / kQuantisedBlock) + first_block;
        const float* sums = out + t * out_stride;
        __builtin_prefetch(x.scales + block);
        __builtin_prefetch(x.sums + 2 * block);
        __builtin_prefetch(x.sums + 2 * block + kPanelBlocks);
        __builtin_prefetch(sums, 1);
        __builtin_prefetch(sums + 16, 1);
    }
}

// Asks for bytes that will be read after this panel. Addresses past the end are harmless.
[[gnu::always_inline]] static inline void fetch_ahead(const std::byte* at, std::size_t size) {
    for (std::size_t i = 0; i < size; i += 64) __builtin_prefetch(at + i, 0, 2);
}

// Isa has
//   kTokens: vectors of a group, at most kMaxTokens
//   unpack(type, rows, first_block, count, panel)
//   multiply(form, panel, n_blocks, tokens, n_tokens, out, out_stride, n_rows, is_first): adds the products to
//     out[t * out_stride + r], or sets it when is_first.
template <class Isa>
static inline void multiply_panels(const Matrix& w, std::size_t first_row, std::size_t last_row,
                                   const QuantisedVectors& x, float* out, std::size_t out_stride,
                                   std::byte* scratch) {
    auto& panel = *reinterpret_cast<Panel*>(scratch);
    static_assert(sizeof(Panel) + sizeof(Tokens) <= kTileScratchSize);
    auto& tokens = *reinterpret_cast<Tokens*>(scratch + sizeof(Panel));
    const Form form = form_of(w.type);
    const std::size_t n_blocks = w.columns / kQuantisedBlock;
    if (x.count == 0) return;
    const std::size_t n_groups = (x.count + Isa::kTokens - 1) / Isa::kTokens;
    for (std::size_t row = first_row; row < last_row; row += kPanelRows) {
        PanelRows rows = panel_rows(w, row, last_row);
        // Asked for all at once while nothing is computed, the next rows would be waited for: so with several
        // groups each asks for a part before its products, with one the unpacking does.
        const std::size_t next_per_block = rows.next_per_block;
        if (n_groups > 1) rows.next_per_block = 0;
        for (std::size_t block = 0; block < n_blocks; block += kPanelBlocks) {
            const std::size_t count = n_blocks - block < kPanelBlocks ? n_blocks - block : kPanelBlocks;
            const std::size_t next_per_group = (count * next_per_block + n_groups - 1) / n_groups;
            const std::byte* next = rows.next + block * next_per_block;
            Isa::unpack(w.type, rows, block, count, panel);
            const auto group_size = [&](std::size_t v) {
                return x.count - v < Isa::kTokens ? x.count - v : Isa::kTokens;
            };
            for (std::size_t v = 0; v < x.count; v += Isa::kTokens) {
                const std::size_t n_tokens = group_size(v);
                const std::size_t after = v + n_tokens;
                if (n_groups > 1) {
                    fetch_ahead(next, next_per_group);
                    next += next_per_group;
                }
                gather_tokens(form, x, v, n_tokens, block, count, tokens);
                fetch_group(x, after, group_size(after), block, out + after * out_stride + row, out_stride);
                Isa::multiply(form, panel, count, tokens, n_tokens, out + v * out_stride + row, out_stride,
                              rows.count, block == 0);
            }
        }
    }
}

}  // namespace sluice::tile
