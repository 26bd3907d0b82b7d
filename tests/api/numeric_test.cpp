// A weight that is NaN or infinite: an error at the step that meets it, and everything as before that step.
#include <algorithm>
#include <cmath>
#include <set>

#include "api/batch_steps.h"
#include "api/small_model.h"
#include "support/slow_build.h"

using namespace sluice_test;

namespace {

struct Tensor {
    std::string name;
    std::string type;
    std::uint64_t rows = 0;  // all but the contiguous dimension
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

Handle<sluice_model> open_bytes(sluice_engine* engine, const std::vector<std::byte>& bytes,
                                std::int32_t activations) {
    const sluice_source source = memory_source(bytes);
    auto options = sized<sluice_model_options>();
    options.activations = activations;
    sluice_model* model = nullptr;
    sluice_error error;
    const std::int32_t status = sluice_model_open(engine, &source, &options, &model, &error);
    INFO(error.message);
    REQUIRE(status == SLUICE_OK);
    return Handle<sluice_model>(model);
}

std::vector<Tensor> tensors_of(const std::string& kind) {
    const auto engine = make_engine();
    const auto model = open_model(engine.get(), kind);
    auto info = sized<sluice_model_info>();
    REQUIRE(sluice_model_describe(model.get(), &info, nullptr) == SLUICE_OK);
    std::vector<Tensor> tensors;
    for (std::uint64_t i = 0; i < info.n_tensors; ++i) {
        auto tensor = sized<sluice_tensor_info>();
        REQUIRE(sluice_model_tensor(model.get(), i, &tensor, nullptr) == SLUICE_OK);
        std::uint64_t rows = 1;
        for (std::uint32_t d = 1; d < tensor.n_dimensions; ++d) rows *= tensor.dimensions[d];
        tensors.push_back({tensor.name, tensor.type, rows, tensor.offset, tensor.size});
    }
    return tensors;
}

const Tensor& tensor_named(const std::vector<Tensor>& tensors, const std::string& name) {
    const auto found =
        std::find_if(tensors.begin(), tensors.end(), [&](const Tensor& t) { return t.name == name; });
    REQUIRE(found != tensors.end());
    return *found;
}

enum class Wrong { kNaN, kNaNOfOnes, kInfinity, kMinusInfinity };
constexpr Wrong kWrongs[] = {Wrong::kNaN, Wrong::kNaNOfOnes, Wrong::kInfinity, Wrong::kMinusInfinity};

// The first number of a row: of the types of random models that is a float, a float16, or a block's float16
// scale.
void spoil(std::vector<std::byte>& bytes, const Tensor& tensor, std::uint64_t row, Wrong wrong) {
    std::byte* at = bytes.data() + tensor.offset + row * (tensor.size / tensor.rows);
    if (tensor.type == "F32") {
        constexpr std::uint32_t kBits[] = {0x7FC00000, 0x7FFFFFFF, 0x7F800000, 0xFF800000};
        std::memcpy(at, &kBits[static_cast<int>(wrong)], 4);
    } else {
        constexpr std::uint16_t kBits[] = {0x7E00, 0x7FFF, 0x7C00, 0xFC00};
        std::memcpy(at, &kBits[static_cast<int>(wrong)], 2);
    }
}

struct Engine {
    const char* kernels;
    std::int32_t activations;
};
constexpr Engine kEngines[] = {{"", SLUICE_ACTIVATIONS_INT8},
                               {"", SLUICE_ACTIVATIONS_FLOAT32},
                               {"scalar", SLUICE_ACTIVATIONS_INT8},
                               {"scalar", SLUICE_ACTIVATIONS_FLOAT32}};

Handle<sluice_engine> make_engine_of(const Engine& wanted) {
    auto options = engine_options(2);
    options.kernels = wanted.kernels[0] == '\0' ? nullptr : wanted.kernels;
    options.kernels_size = std::strlen(wanted.kernels);
    return make_engine(options);
}

using Ids = std::vector<std::int32_t>;

// Which experts ids wake: [layer][token * n_used + i].
std::vector<Ids> experts_of(sluice_model* model, const Ids& ids, std::uint32_t n_layers) {
    const auto session = make_session(model, 64);
    REQUIRE(sluice_session_trace(session.get(), SLUICE_TRACE_EXPERTS, nullptr) == SLUICE_OK);
    REQUIRE(feed(session.get(), ids) == SLUICE_OK);
    std::vector<Ids> experts(n_layers);
    for (std::uint32_t layer = 0; layer < n_layers; ++layer) {
        std::uint64_t needed = 0;
        if (sluice_session_traced_experts(session.get(), layer, nullptr, nullptr, 0, &needed, nullptr) !=
            SLUICE_OK)
            continue;
        experts[layer].resize(needed);
        std::vector<float> weights(needed);
        REQUIRE(sluice_session_traced_experts(session.get(), layer, experts[layer].data(), weights.data(),
                                              needed, &needed, nullptr) == SLUICE_OK);
    }
    return experts;
}

constexpr std::uint32_t kLayers = 6;  // of the random model "moe"
constexpr std::uint32_t kUsed = 2;    // experts of a token
constexpr std::uint32_t kExperts = 8;

// An expert that the token at `step` wakes and none of the others of ids before `end` does.
struct Place {
    std::uint32_t layer = 0;
    std::int32_t expert = -1;
};

Place woken_only_at(const std::vector<Ids>& experts, std::size_t step, std::size_t end,
                    std::uint32_t from_layer) {
    for (std::uint32_t layer = from_layer; layer < kLayers; ++layer) {
        const Ids& ids = experts[layer];
        for (std::size_t i = step * kUsed; !ids.empty() && i < (step + 1) * kUsed; ++i) {
            std::size_t n_woken = 0;
            for (std::size_t j = 0; j < end * kUsed; ++j) n_woken += ids[j] == ids[i];
            if (n_woken == 1) return {layer, ids[i]};
        }
    }
    return {};
}

std::vector<std::byte> moe_with_spoilt_expert(const Place& place) {
    static const std::vector<Tensor> tensors = tensors_of("moe");
    const Tensor& down = tensor_named(tensors, "blk." + std::to_string(place.layer) + ".ffn_down_exps.weight");
    std::vector<std::byte> bytes = model_bytes("moe");
    spoil(bytes, down, static_cast<std::uint64_t>(place.expert) * (down.rows / kExperts), Wrong::kNaN);
    return bytes;
}

}  // namespace

TEST_CASE("numeric: a NaN or an infinity in any tensor of a model is an error of the feed that meets it") {
    const Ids ids = some_ids(5);
    for (const Tensor& tensor : tensors_of("tiny")) {
        for (const Wrong wrong : kWrongs) {
            std::vector<std::byte> bytes = model_bytes("tiny");
            if (tensor.name == "token_embd.weight") {
                spoil(bytes, tensor, static_cast<std::uint64_t>(ids[2]), wrong);
            } else {
                // In every expert, since nobody knows which are woken.
                const bool has_experts = tensor.name.find("_exps") != std::string::npos;
                for (std::uint64_t expert = 0; expert < (has_experts ? 4u : 1u); ++expert)
                    spoil(bytes, tensor, expert * tensor.rows / 4, wrong);
            }
            for (const Engine& wanted : kEngines) {
                const auto engine = make_engine_of(wanted);
                const auto model = open_bytes(engine.get(), bytes, wanted.activations);
                const auto cache = make_cache(model.get(), 20);
                const auto session = make_session(model.get(), 2, cache.get());
                sluice_error error = dirty_error();
                const std::int32_t status = feed(session.get(), ids, &error);
                INFO(tensor.name << " " << tensor.type << " wrong number " << static_cast<int>(wrong)
                                 << ", kernels " << wanted.kernels << " activations " << wanted.activations
                                 << ": " << error.message);
                CHECK(status == SLUICE_E_NUMERIC);
                CHECK(is_whole(error, status));
                CHECK(sluice_kv_cache_position(cache.get()) == 0);
                CHECK(next(session.get()).status == SLUICE_E_STATE);
            }
        }
    }
}

TEST_CASE(
    "numeric: a step of generation that meets a NaN is an error, the tokens before it are the healthy "
    "model's") {
    const Ids prompt = some_ids(1);
    for (const Engine& wanted : kEngines) {
        const auto engine = make_engine_of(wanted);
        const auto healthy = open_bytes(engine.get(), model_bytes("moe"), wanted.activations);
        const auto its_session = make_session(healthy.get(), 64);
        REQUIRE(feed(its_session.get(), prompt) == SLUICE_OK);
        const Ids generated = generate(its_session.get(), 8);
        Ids all = prompt;
        all.insert(all.end(), generated.begin(), generated.end());
        const auto experts = experts_of(healthy.get(), all, kLayers);
        std::size_t n_tried = 0;
        for (std::size_t step = 1; step < all.size(); ++step) {
            const Place place = woken_only_at(experts, step, step + 1, 0);
            if (place.expert < 0) continue;
            ++n_tried;
            INFO("step " << step << " layer " << place.layer << " expert " << place.expert << " kernels "
                         << wanted.kernels << " activations " << wanted.activations);
            const std::vector<std::byte> bytes = moe_with_spoilt_expert(place);
            const auto model = open_bytes(engine.get(), bytes, wanted.activations);
            const auto cache = make_cache(model.get(), 64);
            const auto session = make_session(model.get(), 64, cache.get());
            REQUIRE(feed(session.get(), prompt) == SLUICE_OK);
            CHECK(generate(session.get(), step) ==
                  Ids(generated.begin(), generated.begin() + static_cast<int>(step)));
            // The last chosen token, at position `step`, is the one that wakes the expert. It stays to be
            // computed.
            for (int again = 0; again < 3; ++again) {
                CHECK(next(session.get()).status == SLUICE_E_NUMERIC);
                CHECK(sluice_kv_cache_position(cache.get()) == step);
            }
            REQUIRE(sluice_session_reset(session.get(), nullptr) == SLUICE_OK);
            REQUIRE(feed(session.get(), prompt) == SLUICE_OK);
            CHECK(generate(session.get(), step) ==
                  Ids(generated.begin(), generated.begin() + static_cast<int>(step)));
        }
        CHECK(n_tried > 0);
    }
}

TEST_CASE("numeric: a later feed that meets a NaN leaves cache and logits as they were") {
    const Ids first = some_ids(1);
    const Ids second = some_ids(6, 3);
    Ids all = first;
    all.insert(all.end(), second.begin(), second.end());
    for (const Engine& wanted : kEngines) {
        const auto engine = make_engine_of(wanted);
        const auto healthy = open_bytes(engine.get(), model_bytes("moe"), wanted.activations);
        const auto experts = experts_of(healthy.get(), all, kLayers);
        const Place place = woken_only_at(experts, 1, 2, 0);
        REQUIRE(place.expert >= 0);
        const std::vector<std::byte> bytes = moe_with_spoilt_expert(place);
        const auto model = open_bytes(engine.get(), bytes, wanted.activations);
        for (const std::uint32_t chunk_size : {1u, 2u, 64u}) {
            const auto cache = make_cache(model.get(), 64);
            const auto session = make_session(model.get(), chunk_size, cache.get());
            REQUIRE(feed(session.get(), first) == SLUICE_OK);
            const std::vector<float> before = logits_of(session.get());
            INFO("chunks of " << chunk_size << " kernels " << wanted.kernels << " activations "
                              << wanted.activations);
            CHECK(feed(session.get(), second) == SLUICE_E_NUMERIC);
            CHECK(sluice_kv_cache_position(cache.get()) == first.size());
            CHECK(same_bits(logits_of(session.get()), before));
            CHECK(next(session.get()).status == SLUICE_OK);
        }
    }
}

TEST_CASE("numeric: a NaN of the last layer is seen at a token whose logits nobody asked for") {
    for (const Engine& wanted : kEngines) {
        const auto engine = make_engine_of(wanted);
        const auto healthy = open_bytes(engine.get(), model_bytes("moe"), wanted.activations);
        std::size_t n_tried = 0;
        for (std::int32_t first = 1; first < 10; ++first) {
            const Ids ids = some_ids(4, first);
            const Place place =
                woken_only_at(experts_of(healthy.get(), ids, kLayers), 0, ids.size(), kLayers - 1);
            if (place.expert < 0) continue;
            ++n_tried;
            const std::vector<std::byte> bytes = moe_with_spoilt_expert(place);
            const auto model = open_bytes(engine.get(), bytes, wanted.activations);
            for (const std::uint32_t chunk_size : {1u, 3u, 64u}) {
                const auto session = make_session(model.get(), chunk_size);
                INFO("ids from " << first << " in chunks of " << chunk_size << " kernels " << wanted.kernels
                                 << " activations " << wanted.activations);
                CHECK(feed(session.get(), ids) == SLUICE_E_NUMERIC);
            }
        }
        CHECK(n_tried > 0);
    }
}

TEST_CASE(
    "numeric: in a batch the session that meets a NaN fails, the others have their own tokens and logits") {
    std::size_t n_engines = 0;
    for (const Engine& wanted : kEngines) {
        if (kIsSlowBuild && ++n_engines > 2) break;
        INFO("kernels " << wanted.kernels << " activations " << wanted.activations);
        const auto engine = make_engine_of(wanted);
        const auto healthy = open_bytes(engine.get(), model_bytes("moe"), wanted.activations);
        std::vector<Ids> prompts, generated;
        std::vector<std::vector<float>> logits;
        std::set<std::pair<std::uint32_t, std::int32_t>> woken;
        for (const std::int32_t first : {3, 4}) {
            prompts.push_back(some_ids(1, first));
            const auto session = make_session(healthy.get(), 64);
            REQUIRE(feed(session.get(), prompts.back()) == SLUICE_OK);
            generated.push_back(generate(session.get(), 2));
            logits.push_back(logits_of(session.get()));
            Ids all = prompts.back();
            all.insert(all.end(), generated.back().begin(), generated.back().end());
            const auto experts = experts_of(healthy.get(), all, kLayers);
            for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
                for (const std::int32_t expert : experts[layer]) woken.insert({layer, expert});
            }
        }
        std::size_t n_tried = 0;
        for (std::int32_t id = 30; id < 60 && n_tried < (kIsSlowBuild ? 1u : 3u); ++id) {
            const auto experts = experts_of(healthy.get(), {id}, kLayers);
            Place place;
            for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
                for (const std::int32_t expert : experts[layer]) {
                    if (woken.count({layer, expert}) == 0) place = {layer, expert};
                }
            }
            if (place.expert < 0) continue;
            ++n_tried;
            const std::vector<std::byte> bytes = moe_with_spoilt_expert(place);
            const auto model = open_bytes(engine.get(), bytes, wanted.activations);
            const auto batch = make_batch(model.get(), 3, 9);
            const auto one = make_session(model.get(), 64);
            const auto bad = make_session(model.get(), 64);
            const auto two = make_session(model.get(), 64);
            REQUIRE(queue(one.get(), prompts[0]) == SLUICE_OK);
            REQUIRE(queue(bad.get(), {id}) == SLUICE_OK);
            REQUIRE(queue(two.get(), prompts[1]) == SLUICE_OK);
            for (std::size_t i = 0; i < 2; ++i) {
                const auto events = step(batch.get(), {one.get(), bad.get(), two.get()});
                CHECK(events[0].event.token_id == generated[0][i]);
                CHECK(events[1].status == SLUICE_E_NUMERIC);
                CHECK(events[2].event.token_id == generated[1][i]);
            }
            CHECK(same_bits(logits_of(one.get()), logits[0]));
            CHECK(same_bits(logits_of(two.get()), logits[1]));
            // Alone in a step, and without one, the bad one fails too; a reset makes it as good as new.
            CHECK(step(batch.get(), {bad.get()})[0].status == SLUICE_E_NUMERIC);
            CHECK(next(bad.get()).status == SLUICE_E_NUMERIC);
            REQUIRE(sluice_session_reset(bad.get(), nullptr) == SLUICE_OK);
            REQUIRE(queue(bad.get(), prompts[0]) == SLUICE_OK);
            CHECK(step(batch.get(), {bad.get()})[0].event.token_id == generated[0][0]);
        }
        CHECK(n_tried > 0);
    }
}
