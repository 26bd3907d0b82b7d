// Rows of a quantised matrix made ready for products of integers, 16 blocks of 32 columns at a time: small
// enough for the first-level cache, and read once for every vector.
//
//   a register of 16 rows x 4 columns:   row 0: c c+1 c+2 c+3 | row 1: c c+1 c+2 c+3 | ... | row 15
//
// So a lane is a row, four bytes of a vector serve all lanes, and no sum ever crosses lanes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/tile/form.h"

namespace sluice::tile {

constexpr std::size_t kPanelRows = 32;
constexpr std::size_t kPanelBlocks = 16;
constexpr std::size_t kLaneRows = 16;

struct Panel {
    // [block][upper 16 rows][four columns][row][column]
    alignas(64) std::uint8_t values[kPanelBlocks][2][8][kLaneRows][4];
    // [block][half of the block][row]; without halves only the first is filled
    alignas(64) float scales[kPanelBlocks][2][kPanelRows];
    alignas(64) float minimums[kPanelBlocks][2][kPanelRows];
};

// Where the rows of a panel begin. Past the last row it is repeated, so that there are always 32.
struct PanelRows {
    const std::byte* at[kPanelRows];
    std::size_t count;           // rows that are wanted
    const std::byte* next;       // what will be read after this panel, to be fetched ahead
    std::size_t next_per_block;  // bytes of it to ask for with each block that is unpacked; may be 0
};

static inline PanelRows panel_rows(const Matrix& w, std::size_t first_row, std::size_t last_row) {
    PanelRows rows;
    const std::size_t row_bytes = w.row_bytes();
    rows.count = last_row - first_row < kPanelRows ? last_row - first_row : kPanelRows;
    for (std::size_t i = 0; i < kPanelRows; ++i) {
        const std::size_t row = first_row + (i < rows.count ? i : rows.count - 1);
        rows.at[i] = w.data + row * row_bytes;
    }
    rows.next = w.data + (first_row + kPanelRows) * row_bytes;
    rows.next_per_block = kPanelRows * row_bytes / (w.columns / 32);
    return rows;
}

}  // namespace sluice::tile
