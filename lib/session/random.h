// Random numbers that are the same for the same seed everywhere; the standard's distributions are not.
// xoshiro256** 1.0 and splitmix64 by Blackman and Vigna (prng.di.unimi.it), from their description.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace sluice {

// Spreads a seed over 64 bits; advances the state.
inline std::uint64_t split_mix(std::uint64_t& state) {
    state += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

class Random {
public:
    explicit Random(std::uint64_t seed) {
        for (std::uint64_t& word : state_) word = split_mix(seed);
    }

    // Requires a state that is not all zero.
    explicit Random(const std::array<std::uint64_t, 4>& state) : state_(state) {}

    const std::array<std::uint64_t, 4>& state() const { return state_; }

    std::uint64_t next() {
        const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
        const std::uint64_t shifted = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = std::rotl(state_[3], 45);
        return result;
    }

    // In [0, 1), a multiple of 2^-53.
    double next_fraction() { return static_cast<double>(next() >> 11) * 0x1p-53; }

private:
    std::array<std::uint64_t, 4> state_{};
};

}  // namespace sluice
