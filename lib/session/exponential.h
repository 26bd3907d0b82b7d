// e to a power at most 0, the same bits on every machine; libm's differ in their last place, and then
// the same seed could give other tokens. Only IEEE additions and products.
#pragma once

#include <bit>
#include <cstdint>

namespace sluice {

// -1023 ln 2: there the exponent bits of a double become 0, and the result with them.
constexpr double kLowestExponent = -709.0895657;

// Requires x in [kLowestExponent, 0]. Relative error below 1e-15 down to -708; 0 below -709. Has no branch,
// so that loops over it vectorise.
inline double exponential_within(double x) {
    constexpr double kRounder = 0x1.8p52;  // adding it leaves the nearest integer in the low bits
    constexpr double kInverseLn2 = 0x1.71547652b82fep0;
    constexpr double kLn2High = 0x1.62e42feep-1;  // few bits, so that its products below are exact
    constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
    const double shifted = x * kInverseLn2 + kRounder;
    const double n = shifted - kRounder;
    const double r = (x - n * kLn2High) - n * kLn2Low;  // within ln(2) / 2 of 0
    // Taylor to degree 12: the next term is 0.3466^13 / 13! = 2e-16.
    double sum = 1.0 / 479001600;
    sum = sum * r + 1.0 / 39916800;
    sum = sum * r + 1.0 / 3628800;
    sum = sum * r + 1.0 / 362880;
    sum = sum * r + 1.0 / 40320;
    sum = sum * r + 1.0 / 5040;
    sum = sum * r + 1.0 / 720;
    sum = sum * r + 1.0 / 120;
    sum = sum * r + 1.0 / 24;
    sum = sum * r + 1.0 / 6;
    sum = sum * r + 0.5;
    sum = sum * r + 1.0;
    sum = sum * r + 1.0;
    const auto exponent = (std::bit_cast<std::uint64_t>(shifted) + 1023) << 52;
    return sum * std::bit_cast<double>(exponent);
}

// Requires x <= 0, minus infinity included.
inline double exponential(double x) {
    return exponential_within(x < kLowestExponent ? kLowestExponent : x);
}

}  // namespace sluice
