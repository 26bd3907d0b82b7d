// sluice_engine_measure: yardsticks that are there, and arguments that are not.
#include "api/small_model.h"

using namespace sluice_test;

TEST_CASE("api: the speed of the machine is measured and its memory is given back") {
    for (const std::uint32_t n_threads : {1U, 3U}) {
        const auto engine = make_engine(engine_options(n_threads));
        auto speed = sized<sluice_machine_speed>();
        sluice_error error;
        REQUIRE(sluice_engine_measure(engine.get(), 20, &speed, &error) == SLUICE_OK);
        CHECK(speed.n_threads == n_threads);
        CHECK(speed.bytes_per_s > 0);
        CHECK(speed.median_bytes_per_s > 0);
        CHECK(speed.median_bytes_per_s <= speed.bytes_per_s);
        CHECK(speed.median_int8_multiply_adds_per_s <= speed.int8_multiply_adds_per_s);
        auto info = sized<sluice_engine_info>();
        REQUIRE(sluice_engine_describe(engine.get(), &info, nullptr) == SLUICE_OK);
        CHECK(info.memory_used == 0);
        const bool has_peak = std::string_view(info.kernels) != "scalar";
        CHECK((speed.int8_multiply_adds_per_s > 0) == has_peak);
    }
}

TEST_CASE("api: the speed of the machine is measured where the host's executor runs one task after another") {
    auto options = engine_options(3);
    options.executor = [](void*, sluice_task_fn task, void* context, std::uint32_t n_tasks) {
        for (std::uint32_t i = 0; i < n_tasks; ++i) task(context, i);
        return std::int32_t{0};
    };
    const auto engine = make_engine(options);
    auto speed = sized<sluice_machine_speed>();
    REQUIRE(sluice_engine_measure(engine.get(), 1, &speed, nullptr) == SLUICE_OK);
    CHECK(speed.n_threads == 3);
    CHECK(speed.bytes_per_s > 0);
}

TEST_CASE("api: kernels without an instruction for small integers have no peak of them") {
    for (const std::string_view name : {"scalar", "reference"}) {
        auto options = engine_options();
        options.kernels = name.data();
        options.kernels_size = name.size();
        const auto engine = make_engine(options);
        auto speed = sized<sluice_machine_speed>();
        REQUIRE(sluice_engine_measure(engine.get(), 1, &speed, nullptr) == SLUICE_OK);
        CHECK(speed.int8_multiply_adds_per_s == 0);
        CHECK(speed.bytes_per_s > 0);
    }
}

TEST_CASE("api: measuring the machine refuses wrong arguments and more memory than the budget") {
    const auto engine = make_engine(engine_options());
    auto speed = sized<sluice_machine_speed>();
    CHECK(sluice_engine_measure(nullptr, 1, &speed, nullptr) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(sluice_engine_measure(engine.get(), 1, nullptr, nullptr) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(sluice_engine_measure(engine.get(), 10'001, &speed, nullptr) == SLUICE_E_INVALID_ARGUMENT);
    speed.struct_size = 7;
    sluice_error error;
    CHECK(sluice_engine_measure(engine.get(), 1, &speed, &error) == SLUICE_E_INVALID_ARGUMENT);
    CHECK(std::string_view(error.message).find("speed.struct_size") != std::string_view::npos);

    auto options = engine_options();
    options.memory_budget = 1 << 20;
    const auto poor = make_engine(options);
    speed = sized<sluice_machine_speed>();
    CHECK(sluice_engine_measure(poor.get(), 1, &speed, &error) == SLUICE_E_OUT_OF_MEMORY);
    CHECK(std::string_view(error.message).find("268435456") != std::string_view::npos);
}
