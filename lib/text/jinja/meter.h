// What one rendering may use: steps, memory alive, depth. Templates and messages are foreign, so everything
// that loops, grows or recurses on them is counted here.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "base/sentence.h"

namespace sluice::jinja {

// The budgets of reference/reliability.md, 3.3. Real templates need less than a hundredth of each.
struct Limits {
    std::uint64_t max_source = 1u << 20;    // bytes of template
    std::uint32_t max_depth = 64;           // nesting of a template and of values
    std::uint64_t max_steps = 20'000'000;   // expressions, statements, items and 64-byte pieces of text
    std::uint64_t max_output = 16u << 20;   // bytes of the result, and of every text on the way to it
    std::uint64_t max_memory = 256u << 20;  // bytes of all values alive
};

// Evaluations inside each other, macros that call macros included: what bounds the thread's stack. A macro that
// calls itself inside a loop and a condition takes about six for each call.
constexpr std::uint32_t kMaxEvaluationDepth = 96;

class Meter {
public:
    explicit Meter(const Limits& limits) : limits_(limits) {}

    const Limits& limits() const { return limits_; }

    // Errors: LIMIT (steps are used up, or what is alive is too large).
    Done spend(std::uint64_t steps) {
        n_steps_ += steps < limits_.max_steps ? steps : limits_.max_steps + 1;
        if (n_steps_ > limits_.max_steps)
            return make_error(SLUICE_E_LIMIT, "the template takes more than ", limits_.max_steps, " steps");
        if (memory_ > limits_.max_memory)
            return make_error(SLUICE_E_LIMIT, "the template's values take more than ", limits_.max_memory,
                              " bytes");
        return Nothing{};
    }

    // Before a text of that size is made or looked through.
    // Errors: LIMIT (no text may be that long; steps).
    Done spend_text(std::uint64_t size) {
        if (size > limits_.max_output)
            return make_error(SLUICE_E_LIMIT, "the template makes a text of ", size, " bytes, more than ",
                              limits_.max_output);
        return spend(1 + size / 64);
    }

    // Before a text of `size` bytes grows by `more`. Errors: as above.
    Done spend_growth(std::uint64_t size, std::uint64_t more) {
        if (size + more > limits_.max_output) return spend_text(size + more);
        return spend(1 + more / 64);
    }

    // Before a list of that many items is made. Errors: LIMIT.
    Done spend_items(std::uint64_t count) { return spend(1 + count); }

    // Memory is counted when it is taken, and refused at the next step.
    void take(std::size_t size) { memory_ += size; }
    void give_back(std::size_t size) { memory_ -= size; }

    // One evaluation inside another. Errors: LIMIT.
    Done check_depth() const {
        if (depth_ <= kMaxEvaluationDepth) return Nothing{};
        return make_error(SLUICE_E_LIMIT, "the template's evaluation is nested deeper than ",
                          kMaxEvaluationDepth);
    }

private:
    friend class Deeper;

    Limits limits_;
    std::uint64_t n_steps_ = 0;
    std::uint64_t memory_ = 0;
    std::uint32_t depth_ = 0;
};

// Counts one level of depth while it lives; check_depth tells whether that is too deep.
class Deeper {
public:
    explicit Deeper(Meter& meter) : meter_(meter) { ++meter_.depth_; }
    ~Deeper() { --meter_.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;

private:
    Meter& meter_;
};

// A charge for memory that a value holds.
class Taken {
public:
    Taken(Meter* meter, std::size_t size) : meter_(meter), size_(size) {
        if (meter_ != nullptr) meter_->take(size_);
    }
    ~Taken() {
        if (meter_ != nullptr) meter_->give_back(size_);
    }
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;

private:
    Meter* meter_;
    std::size_t size_;
};

}  // namespace sluice::jinja
