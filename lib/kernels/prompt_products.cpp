#include "kernels/prompt_products.h"

#include <algorithm>

namespace sluice {

void turn_vectors(const Vectors& x, std::size_t first, float* tile) {
    const std::size_t count = std::min(kPromptVectors, x.count - first);
    // Some elements of every vector at a time, so that the tile's lines are written whole while they are near.
    constexpr std::size_t kElements = 16;
    for (std::size_t begin = 0; begin < x.size; begin += kElements) {
        const std::size_t end = std::min(begin + kElements, x.size);
        for (std::size_t v = 0; v < count; ++v) {
            const float* vector = x.vector(first + v);
            for (std::size_t i = begin; i < end; ++i) tile[i * kPromptVectors + v] = vector[i];
        }
        for (std::size_t v = count; v < kPromptVectors; ++v) {
            for (std::size_t i = begin; i < end; ++i) tile[i * kPromptVectors + v] = 0.0F;
        }
    }
}

#if !defined(SLUICE_HAS_ONEDNN)
Result<std::unique_ptr<PromptProducts>> PromptProducts::create(const Kernels&, std::span<const std::size_t>,
                                                               std::uint32_t, MemoryBudget&) {
    return std::unique_ptr<PromptProducts>();
}

std::uint64_t PromptProducts::planned_size(std::span<const std::size_t>, std::uint32_t) {
    return 0;
}
#endif

}  // namespace sluice
