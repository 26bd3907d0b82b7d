// Loading stored bytes of rows into registers whose lanes are rows.
#pragma once

#include <arm_neon.h>

#include "kernels/neon_dotprod/panel.h"

namespace sluice::neon_dotprod {
namespace {

// Where the rows of a tile begin.
struct TileRows {
    const std::byte* at[kTileRows];
};

inline TileRows tile_rows(const tile::PanelRows& rows, std::size_t tile) {
    const std::byte* const* at = rows.at + tile * kTileRows;
    return {{at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7]}};
}

inline uint8x16_t load_bytes(const std::byte* at) {
    return vld1q_u8(reinterpret_cast<const std::uint8_t*>(at));
}

// 16 bytes of each of four rows: c[k] holds bytes 4 k to 4 k + 3, a lane for each row.
struct Columns {
    uint32x4_t c[4];
};

inline Columns load_columns(const std::byte* r0, const std::byte* r1, const std::byte* r2,
                            const std::byte* r3) {
    const auto pair = [](uint32x4_t a, uint32x4_t b) {
        return uint64x2x2_t{{vreinterpretq_u64_u32(vtrn1q_u32(a, b)), vreinterpretq_u64_u32(vtrn2q_u32(a, b))}};
    };
    const auto load = [](const std::byte* at) { return vreinterpretq_u32_u8(load_bytes(at)); };
    const uint64x2x2_t r01 = pair(load(r0), load(r1));
    const uint64x2x2_t r23 = pair(load(r2), load(r3));
    return {{vreinterpretq_u32_u64(vzip1q_u64(r01.val[0], r23.val[0])),
             vreinterpretq_u32_u64(vzip1q_u64(r01.val[1], r23.val[1])),
             vreinterpretq_u32_u64(vzip2q_u64(r01.val[0], r23.val[0])),
             vreinterpretq_u32_u64(vzip2q_u64(r01.val[1], r23.val[1]))}};
}

// 16 columns of a tile, in the order in which they are multiplied.
struct Slice {
    uint8x16_t r[8];
};

// What `of` makes of each register.
template <class Of>
inline Slice each(const Slice& a, const Of& of) {
    return {{of(a.r[0]), of(a.r[1]), of(a.r[2]), of(a.r[3]), of(a.r[4]), of(a.r[5]), of(a.r[6]), of(a.r[7])}};
}
template <class Of>
inline Slice each(const Slice& a, const Slice& b, const Of& of) {
    return {{of(a.r[0], b.r[0]), of(a.r[1], b.r[1]), of(a.r[2], b.r[2]), of(a.r[3], b.r[3]), of(a.r[4], b.r[4]),
             of(a.r[5], b.r[5]), of(a.r[6], b.r[6]), of(a.r[7], b.r[7])}};
}

inline void store(const Slice& slice, std::uint8_t* values, std::size_t part) {
    values += part * kTileSize / 2;
    vst1q_u8(values, slice.r[0]);
    vst1q_u8(values + 16, slice.r[1]);
    vst1q_u8(values + 32, slice.r[2]);
    vst1q_u8(values + 48, slice.r[3]);
    vst1q_u8(values + 64, slice.r[4]);
    vst1q_u8(values + 80, slice.r[5]);
    vst1q_u8(values + 96, slice.r[6]);
    vst1q_u8(values + 112, slice.r[7]);
}

inline Slice low_nibbles(const Slice& bytes) {
    const uint8x16_t mask = vdupq_n_u8(15);
    return each(bytes, [&](uint8x16_t b) { return vandq_u8(b, mask); });
}
inline Slice high_nibbles(const Slice& bytes) {
    return each(bytes, [](uint8x16_t b) { return vshrq_n_u8(b, 4); });
}
inline Slice less(const Slice& values, int zero_point) {
    const uint8x16_t zero = vdupq_n_u8(static_cast<std::uint8_t>(zero_point));
    return each(values, [&](uint8x16_t v) { return vsubq_u8(v, zero); });
}
inline Slice shifted_right(const Slice& bytes, int count) {
    const int8x16_t by = vdupq_n_s8(static_cast<std::int8_t>(-count));
    return each(bytes, [&](uint8x16_t b) { return vshlq_u8(b, by); });
}

// The low four bits of `low` with the low bits of `high` above them, as many as the mask has.
inline Slice join(const Slice& low, const Slice& high, int mask) {
    const uint8x16_t wanted = vdupq_n_u8(static_cast<std::uint8_t>(mask));
    return each(low, high, [&](uint8x16_t l, uint8x16_t h) { return vandq_u8(vsliq_n_u8(l, h, 4), wanted); });
}

// Asks for `size` bytes at `at` that will be read after this panel. Addresses past the end are harmless.
inline void fetch(const std::byte* at, std::size_t size) {
    for (std::size_t i = 0; i < size; i += 64) __builtin_prefetch(at + i, 0, 2);
}

}  // namespace
}  // namespace sluice::neon_dotprod
