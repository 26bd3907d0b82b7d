// Sixteen floats side by side: one register in the compiler's own vector type, or, where a register holds
// fewer, two halves, each a register or again two halves. GCC keeps a vector type that is wider than a register
// in memory, with every sum going there and back, but parts of a structure in registers. What is written here
// for one register means the same for halves, lane by lane. What compilers have no word for an Isa brings:
// fused(a, b, c) = a * b + c rounded once, and how sixteen float16 are read.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/exponential.h"

namespace sluice::vector {

constexpr std::size_t kLanes = 16;

template <class Part>
struct Halves {
    Part lower, upper;
};

template <class L>
concept IsHalves = requires(L lanes) {
    lanes.lower;
};

// Floats of L.
template <class L>
constexpr std::size_t kCountOf = sizeof(L) / sizeof(float);

// Integers as wide as L's lanes, for one register.
template <class L>
using WordsOf = decltype(L{} < L{});

template <class P>
static inline Halves<P> operator+(Halves<P> a, Halves<P> b) {
    return {a.lower + b.lower, a.upper + b.upper};
}
template <class P>
static inline Halves<P> operator+(Halves<P> a, float b) {
    return {a.lower + b, a.upper + b};
}
template <class P>
static inline Halves<P> operator-(Halves<P> a, float b) {
    return {a.lower - b, a.upper - b};
}
template <class P>
static inline Halves<P> operator-(Halves<P> a) {
    return {-a.lower, -a.upper};
}
template <class P>
static inline Halves<P> operator*(Halves<P> a, Halves<P> b) {
    return {a.lower * b.lower, a.upper * b.upper};
}
template <class P>
static inline Halves<P> operator*(Halves<P> a, float b) {
    return {a.lower * b, a.upper * b};
}
template <class P>
static inline Halves<P> operator/(Halves<P> a, Halves<P> b) {
    return {a.lower / b.lower, a.upper / b.upper};
}
template <class P>
static inline Halves<P>& operator+=(Halves<P>& a, Halves<P> b) {
    return a = a + b;
}

template <class L>
static inline L load_as(const float* at) {
    if constexpr (IsHalves<L>) {
        using Part = decltype(L::lower);
        return {load_as<Part>(at), load_as<Part>(at + kCountOf<Part>)};
    } else {
        L lanes;
        __builtin_memcpy(&lanes, at, sizeof lanes);
        return lanes;
    }
}

template <class L>
static inline void store_as(float* at, L lanes) {
    if constexpr (IsHalves<L>) {
        store_as(at, lanes.lower);
        store_as(at + kCountOf<L> / 2, lanes.upper);
    } else {
        __builtin_memcpy(at, &lanes, sizeof lanes);
    }
}

template <class L>
static inline L all_as(float x) {
    if constexpr (IsHalves<L>) {
        using Part = decltype(L::lower);
        return {all_as<Part>(x), all_as<Part>(x)};
    } else {
        return x - L{};  // compilers know that this is x; x + L{} would make 0 of -0
    }
}

// Isa::fused in every register.
template <class Isa, class L>
static inline L fused_as(L a, L b, L c) {
    if constexpr (IsHalves<L>) {
        return {fused_as<Isa>(a.lower, b.lower, c.lower), fused_as<Isa>(a.upper, b.upper, c.upper)};
    } else {
        return Isa::fused(a, b, c);
    }
}

// The first `count` lanes of a, which may be all or none, and of b the others.
template <class L>
static inline L first_of(L a, std::int32_t count, L b) {
    constexpr auto kCount = static_cast<std::int32_t>(kCountOf<L>);
    if constexpr (IsHalves<L>) {
        return {first_of(a.lower, count, b.lower), first_of(a.upper, count - kCount / 2, b.upper)};
    } else {
        WordsOf<L> numbers;
        constexpr std::int32_t kNumbers[kLanes] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
        __builtin_memcpy(&numbers, kNumbers, sizeof numbers);
        return numbers < count ? a : b;
    }
}

template <class L>
static inline L larger_of(L a, L b) {
    if constexpr (IsHalves<L>) {
        return {larger_of(a.lower, b.lower), larger_of(a.upper, b.upper)};
    } else {
        return a > b ? a : b;
    }
}

// Half of a register's floats, from number `begin` on. A copy of their bytes would keep the register in memory.
template <std::size_t begin, class L>
static inline auto half_of(L lanes) {
    if constexpr (kCountOf<L> == 16) {
        return __builtin_shufflevector(lanes, lanes, begin, begin + 1, begin + 2, begin + 3, begin + 4,
                                       begin + 5, begin + 6, begin + 7);
    } else if constexpr (kCountOf<L> == 8) {
        return __builtin_shufflevector(lanes, lanes, begin, begin + 1, begin + 2, begin + 3);
    } else {
        return __builtin_shufflevector(lanes, lanes, begin, begin + 1);
    }
}

// In halves: 8 to 8, 4 to 4, 2 to 2, 1 to 1 (kernels.h).
template <class L>
static inline float sum_of(L lanes) {
    if constexpr (IsHalves<L>) {
        return sum_of(lanes.lower + lanes.upper);
    } else if constexpr (kCountOf<L> == 2) {
        return lanes[0] + lanes[1];
    } else {
        return sum_of(half_of<0>(lanes) + half_of<kCountOf<L> / 2>(lanes));
    }
}

// Requires that no lane is NaN.
template <class L>
static inline float largest_of(L lanes) {
    if constexpr (IsHalves<L>) {
        return largest_of(larger_of(lanes.lower, lanes.upper));
    } else {
        float result = lanes[0];
        for (std::size_t lane = 1; lane < kCountOf<L>; ++lane)
            result = lanes[lane] > result ? lanes[lane] : result;
        return result;
    }
}

// exponential::of, lane by lane, bit by bit.
template <class L>
static inline L exponential_of(L x) {
    if constexpr (IsHalves<L>) {
        return {exponential_of(x.lower), exponential_of(x.upper)};
    } else {
        using namespace sluice::exponential;
        typedef std::uint32_t Words __attribute__((vector_size(sizeof(L))));
        const WordsOf<L> is_small = x < all_as<L>(kSmallest);
        const WordsOf<L> is_large = x > all_as<L>(kLargest);
        const L shifted = x * kLog2E + kRounder;
        const L n = shifted - kRounder;
        const L r = (x - n * kLn2High) - n * kLn2Low;
        L p = all_as<L>(kFactors[4]);
        for (int i = 3; i >= 0; --i) p = p * r + kFactors[i];
        p = (p * r) * r + r + 1.0F;
        const L scaled = p * reinterpret_cast<L>(reinterpret_cast<Words>(shifted) << 23);
        return is_small ? L{} : is_large ? all_as<L>(__builtin_inff()) : scaled;
    }
}

}  // namespace sluice::vector
