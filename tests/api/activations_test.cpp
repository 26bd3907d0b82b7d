// The choice between rounded and unrounded activations, as a caller makes it.
#include <cmath>

#include "api/small_model.h"

using namespace sluice_test;

namespace {

std::vector<float> logits_with(const char* kernels, std::int32_t activations) {
    auto engine_wanted = engine_options(2);
    engine_wanted.kernels = kernels;
    engine_wanted.kernels_size = std::strlen(kernels);
    const auto engine = make_engine(engine_wanted);
    const sluice_source source = memory_source(model_bytes("moe"));
    auto options = sized<sluice_model_options>();
    options.activations = activations;
    sluice_model* opened = nullptr;
    REQUIRE(sluice_model_open(engine.get(), &source, &options, &opened, nullptr) == SLUICE_OK);
    const Handle<sluice_model> model(opened);
    const auto session = make_session(model.get(), 8);
    REQUIRE(feed(session.get(), some_ids(20)) == SLUICE_OK);
    return logits_of(session.get());
}

std::string best_kernels() {
    const auto engine = make_engine();
    auto info = sized<sluice_engine_info>();
    REQUIRE(sluice_engine_describe(engine.get(), &info, nullptr) == SLUICE_OK);
    return info.kernels;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
    REQUIRE(a.size() == b.size());
    double squares = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) squares += std::pow(static_cast<double>(a[i] - b[i]), 2);
    return std::sqrt(squares / static_cast<double>(a.size()));
}

}  // namespace

TEST_CASE("activations: rounded ones give other logits, near the unrounded ones'") {
    for (const std::string& kernels : {best_kernels(), std::string("scalar")}) {
        const auto rounded = logits_with(kernels.c_str(), SLUICE_ACTIVATIONS_INT8);
        const auto unrounded = logits_with(kernels.c_str(), SLUICE_ACTIVATIONS_FLOAT32);
        INFO(kernels);
        CHECK(distance(rounded, unrounded) > 0.0);
        // The logits' own size is about 2; llama.cpp's distance for files like this one is 0.15 (the oracle).
        CHECK(distance(rounded, unrounded) < 0.3);
    }
}

TEST_CASE("activations: by default they are rounded where the kernels are faster so, and not by scalar's") {
    const std::string best = best_kernels();
    const std::int32_t expected = best == "scalar" ? SLUICE_ACTIVATIONS_FLOAT32 : SLUICE_ACTIVATIONS_INT8;
    CHECK(
        same_bits(logits_with(best.c_str(), SLUICE_ACTIVATIONS_DEFAULT), logits_with(best.c_str(), expected)));
    CHECK(same_bits(logits_with("scalar", SLUICE_ACTIVATIONS_DEFAULT),
                    logits_with("scalar", SLUICE_ACTIVATIONS_FLOAT32)));
}

TEST_CASE("activations: the reference computes with floats whatever is asked for") {
    const auto unrounded = logits_with("reference", SLUICE_ACTIVATIONS_FLOAT32);
    CHECK(same_bits(logits_with("reference", SLUICE_ACTIVATIONS_INT8), unrounded));
    CHECK(same_bits(logits_with("reference", SLUICE_ACTIVATIONS_DEFAULT), unrounded));
    // float32 sums in another order.
    CHECK(distance(logits_with(best_kernels().c_str(), SLUICE_ACTIVATIONS_FLOAT32), unrounded) < 1e-3);
}
