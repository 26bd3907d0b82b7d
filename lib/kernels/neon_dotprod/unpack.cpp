// Stored blocks to panels: four rows x four columns in a register, rows 0 to 3 and 4 to 7 in turn.
#include "kernels/neon_dotprod/unpack.h"

#include "kernels/neon_dotprod/table.h"

namespace sluice::neon_dotprod {
namespace {

struct ByFours {
    static Slice load(const TileRows& rows, std::size_t offset) {
        const std::byte* const* at = rows.at;
        const Columns a = load_columns(at[0] + offset, at[1] + offset, at[2] + offset, at[3] + offset);
        const Columns b = load_columns(at[4] + offset, at[5] + offset, at[6] + offset, at[7] + offset);
        const auto bytes = [](uint32x4_t lanes) { return vreinterpretq_u8_u32(lanes); };
        return {{bytes(a.c[0]), bytes(b.c[0]), bytes(a.c[1]), bytes(b.c[1]), bytes(a.c[2]), bytes(b.c[2]),
                 bytes(a.c[3]), bytes(b.c[3])}};
    }
};

}  // namespace

void unpack(TensorType type, const tile::PanelRows& rows, std::size_t first, std::size_t count,
            tile::Panel& panel) {
    unpack_as<ByFours>(type, rows, first, count, panel);
}

}  // namespace sluice::neon_dotprod
