// A model, a forward pass over it and the memory they work in.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "forward/forward.h"
#include "kernels/select.h"
#include "model/model.h"
#include "support/catch.h"

namespace sluice_test {

using namespace sluice;

struct RigOptions {
    const char* kernels = "";  // the best
    bool quantises = false;
    KvType kv_type = KvType::kF32;
    std::uint32_t n_threads = 2;
    std::size_t max_tokens = 512;
};

struct Rig {
    Rig(const std::string& path, const RigOptions& wanted) : options(wanted), workers(wanted.n_threads, log) {
        auto opened = Model::open_path(path, {}, budget, log);
        INFO(path << ": " << (opened ? "" : opened.error().message));
        REQUIRE(opened);
        take(std::move(*opened));
    }
    Rig(std::shared_ptr<const Source> source, const RigOptions& wanted)
        : options(wanted), workers(wanted.n_threads, log) {
        auto opened = Model::open_source(std::move(source), {}, budget, log);
        INFO((opened ? "" : opened.error().message));
        REQUIRE(opened);
        take(std::move(*opened));
    }

    KvCache cache(std::size_t capacity) {
        auto made = KvCache::create(model->config(), {capacity, options.kv_type, options.kv_type}, budget);
        REQUIRE(made);
        return std::move(*made);
    }

    std::vector<float> run(std::span<const TokenId> ids, KvCache& into, LogitRows rows, Trace* trace = nullptr,
                           TokenRole role = TokenRole::kPrompt) {
        const CancelFlag cancel = false;
        const std::size_t n_rows = rows == LogitRows::kAll ? ids.size() : rows == LogitRows::kLast ? 1 : 0;
        std::vector<float> logits(n_rows * model->config().vocabulary_size);
        const Done done = pass->run(ids, role, into, rows, logits, trace, cancel);
        REQUIRE(done);
        return logits;
    }

    RigOptions options;
    MemoryBudget budget;
    Log log;
    std::shared_ptr<const Model> model;
    Workers workers;
    const Kernels* kernels = nullptr;
    std::unique_ptr<ForwardPass> pass;

private:
    void take(std::shared_ptr<const Model> opened) {
        model = std::move(opened);
        const auto selected = select_kernels(options.kernels);
        REQUIRE(selected);
        kernels = *selected;
        auto made = make_forward_pass(*model, *kernels, options.quantises, workers, options.max_tokens, budget,
                                      nullptr);
        INFO((made ? "" : made.error().message));
        REQUIRE(made);
        pass = std::move(*made);
    }
};

inline float largest_difference(const std::vector<float>& values, const std::vector<float>& expected) {
    REQUIRE(values.size() == expected.size());
    float largest = 0.0F;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const float difference = std::fabs(values[i] - expected[i]);
        if (!(difference <= largest)) largest = difference;  // a NaN stays
    }
    return largest;
}

}  // namespace sluice_test
