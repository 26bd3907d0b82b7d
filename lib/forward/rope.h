// Angles of the rotary position embedding (Su et al. 2021), as transformers computes them: frequencies and
// angles in float32. The model was trained with these roundings.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sluice {

class Rope {
public:
    // Requires an even head_size.
    Rope(std::size_t head_size, float theta) : frequencies_(head_size / 2) {
        for (std::size_t i = 0; i < frequencies_.size(); ++i) {
            const float exponent = static_cast<float>(2 * i) / static_cast<float>(head_size);
            frequencies_[i] = 1.0F / std::pow(theta, exponent);
        }
    }

    // Fills n_positions rows of head_size / 2 for the positions from `first` on.
    void fill(std::uint64_t first, std::size_t n_positions, std::span<float> cosines,
              std::span<float> sines) const {
        for (std::size_t row = 0; row < n_positions; ++row) {
            for (std::size_t i = 0; i < frequencies_.size(); ++i) {
                const float angle = static_cast<float>(first + row) * frequencies_[i];
                cosines[row * frequencies_.size() + i] = std::cos(angle);
                sines[row * frequencies_.size() + i] = std::sin(angle);
            }
        }
    }

private:
    std::vector<float> frequencies_;
};

}  // namespace sluice
