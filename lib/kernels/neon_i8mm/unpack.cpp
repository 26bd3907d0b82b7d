// Stored blocks to panels: two rows x eight columns in a register.
#include "kernels/neon_dotprod/unpack.h"

#include "kernels/neon_i8mm/table.h"

namespace sluice::neon_i8mm {
namespace {

using neon_dotprod::Slice;
using neon_dotprod::TileRows;

struct ByTwos {
    static Slice load(const TileRows& rows, std::size_t offset) {
        const auto row = [&](int i) {
            return vreinterpretq_u64_u8(neon_dotprod::load_bytes(rows.at[i] + offset));
        };
        const auto low = [](uint64x2_t a, uint64x2_t b) { return vreinterpretq_u8_u64(vzip1q_u64(a, b)); };
        const auto high = [](uint64x2_t a, uint64x2_t b) { return vreinterpretq_u8_u64(vzip2q_u64(a, b)); };
        const uint64x2_t r0 = row(0), r1 = row(1), r2 = row(2), r3 = row(3);
        const uint64x2_t r4 = row(4), r5 = row(5), r6 = row(6), r7 = row(7);
        return {{low(r0, r1), low(r2, r3), low(r4, r5), low(r6, r7), high(r0, r1), high(r2, r3), high(r4, r5),
                 high(r6, r7)}};
    }
};

}  // namespace

void unpack(TensorType type, const tile::PanelRows& rows, std::size_t first, std::size_t count,
            tile::Panel& panel) {
    neon_dotprod::unpack_as<ByTwos>(type, rows, first, count, panel);
}

}  // namespace sluice::neon_i8mm
