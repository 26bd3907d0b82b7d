// Products of integers for one vector to eight, as decoding has them: 16 rows at a time go from memory
// through registers into their sums, and no panel is written. The sums and their order are those of the panels.
#include "kernels/avx512_vnni/few_256.h"
#include "kernels/avx512_vnni/few_32.h"
#include "kernels/avx512_vnni/table.h"
#include "kernels/tile/form.h"

namespace sluice::avx512_vnni {
namespace {

template <int n>
using MultiplyRows = void(RowsAt rows, std::size_t n_blocks, const Few<n>& few, Ahead& ahead, Sums<n>& sums);

template <int n>
MultiplyRows<n>* kernel_of(TensorType type) {
    switch (type) {
        case TensorType::kQ4_0:
            return multiply_q4_0<n>;
        case TensorType::kQ8_0:
            return multiply_q8_0<n>;
        case TensorType::kQ4_K:
            return multiply_4k<n, false>;
        case TensorType::kQ5_K:
            return multiply_4k<n, true>;
        case TensorType::kQ6_K:
            return multiply_q6_k<n>;
        default:
            return nullptr;
    }
}

// Where the numbers of one vector are kept while a matrix is multiplied with it.
struct Room {
    std::int32_t* corrections;
    float* offsets;
    std::int8_t* values;
};

// More vectors are faster by panels, which are unpacked once for all.
constexpr std::size_t kMostFew = 8;

// The vector in row `row` of x, its values copied to where bytes before them may be read.
template <int n>
void prepare(const tile::Form& form, const QuantisedVectors& x, std::size_t row, const Room& room, int v,
             Few<n>& few) {
    const std::size_t n_blocks = x.size / kQuantisedBlock;
    const std::int32_t* sums = x.sums + row * 2 * n_blocks;
    const float* scales = x.scales + row * n_blocks;
    if (form.has_halves) {
        for (std::size_t i = 0; i < 2 * n_blocks; ++i) room.corrections[i] = -form.zero_point * sums[i];
    } else {
        for (std::size_t b = 0; b < n_blocks; ++b) {
            const std::int32_t both = sums[2 * b] + sums[2 * b + 1];
            room.corrections[b] = -form.zero_point * both;
            if (form.has_minimums) room.offsets[b] = scales[b] * static_cast<float>(both);
        }
    }
    __builtin_memcpy(room.values, x.values + row * x.size, x.size);
    few.values[v] = room.values;
    few.scales[v] = scales;
    few.corrections[v] = room.corrections;
    few.offsets[v] = room.offsets;
}

std::size_t room_size_of(const Matrix& w) {
    return 2 * (2 * w.columns / kQuantisedBlock * sizeof(float)) + 64 + w.columns;
}

// n vectors from `first` on.
template <int n>
void multiply_rows(const Matrix& w, std::size_t first_row, std::size_t last_row, const QuantisedVectors& x,
                   std::size_t first, float* out, std::size_t out_stride, std::byte* scratch) {
    MultiplyRows<n>* const kernel = kernel_of<n>(w.type);
    const std::size_t n_blocks = w.columns / kQuantisedBlock;
    const std::size_t room_size = room_size_of(w);
    const tile::Form form = tile::form_of(w.type);
    Few<n> few;
    for (int v = 0; v < n; ++v) {
        std::byte* at = scratch + static_cast<std::size_t>(v) * room_size;
        auto* corrections = reinterpret_cast<std::int32_t*>(at);
        auto* offsets = reinterpret_cast<float*>(corrections + 2 * n_blocks);
        auto* values = reinterpret_cast<std::int8_t*>(offsets + 2 * n_blocks) + 64;
        const std::size_t index = first + static_cast<std::size_t>(v);
        prepare(form, x, x.rows == nullptr ? index : x.rows[index], {corrections, offsets, values}, v, few);
    }
    const std::size_t row_bytes = w.row_bytes();
    for (std::size_t r = first_row; last_row - r >= 16; r += 16) {
        const std::byte* at = w.data + r * row_bytes;
        Sums<n> sums = {};
        Ahead ahead{at + 16 * row_bytes};
        kernel(RowsAt(at, row_bytes), n_blocks, few, ahead, sums);
        for (int v = 0; v < n; ++v) {
            _mm512_storeu_ps(out + (first + static_cast<std::size_t>(v)) * out_stride + r, sums.of[v]);
        }
    }
}

}  // namespace

std::size_t multiply_few(const Matrix& w, std::size_t first_row, std::size_t last_row,
                         const QuantisedVectors& x, float* out, std::size_t out_stride, std::byte* scratch) {
    const std::size_t n_fit = kTileScratchSize / room_size_of(w);
    if (x.count > kMostFew || n_fit == 0 || kernel_of<1>(w.type) == nullptr) return first_row;
    const std::size_t most = n_fit < kMostFew ? n_fit : kMostFew;
    for (std::size_t v = 0; v < x.count;) {
        const std::size_t n = x.count - v < most ? x.count - v : most;
        const auto run = [&]<int n_vectors>() {
            multiply_rows<n_vectors>(w, first_row, last_row, x, v, out, out_stride, scratch);
        };
        switch (n) {
            case 1:
                run.template operator()<1>();
                break;
            case 2:
                run.template operator()<2>();
                break;
            case 3:
                run.template operator()<3>();
                break;
            case 4:
                run.template operator()<4>();
                break;
            case 5:
                run.template operator()<5>();
                break;
            case 6:
                run.template operator()<6>();
                break;
            case 7:
                run.template operator()<7>();
                break;
            default:
                run.template operator()<8>();
        }
        v += n;
    }
    return first_row + (last_row - first_row) / 16 * 16;
}

}  // namespace sluice::avx512_vnni
