// MLX checkpoints: unpacked they are the weights that they stand for, and contradictions are refused.
#include <algorithm>
#include <cmath>

#include "model/quantised_files.h"

namespace sluice {
namespace {

using namespace test;

// One group of 32 elements of one row as mlx.core.quantize does it: q from 0 to 2^bits - 1.
void pack_group(const float* x, std::uint32_t bits, std::string& words, std::vector<float>& scales,
                std::vector<float>& biases) {
    const auto [least, most] = std::minmax_element(x, x + 32);
    const float highest = static_cast<float>((1u << bits) - 1);
    const float scale = half_to_float(float_to_half((*most - *least) / highest));
    const float bias = half_to_float(float_to_half(*least));
    scales.push_back(scale);
    biases.push_back(bias);
    const std::uint32_t per_word = 32 / bits;
    for (std::uint32_t i = 0; i < 32; i += per_word) {
        std::uint32_t word = 0;
        for (std::uint32_t j = 0; j < per_word; ++j) {
            const float q =
                scale == 0 ? 0 : std::clamp(std::nearbyint((x[i + j] - bias) / scale), 0.0F, highest);
            word |= static_cast<std::uint32_t>(q) << j * bits;
        }
        words.append(reinterpret_cast<const char*>(&word), sizeof word);
    }
}

StoredTensor halves(const std::string& name, std::vector<std::uint64_t> shape,
                    const std::vector<float>& values) {
    StoredTensor tensor{name, "F16", std::move(shape), ""};
    for (const float value : values) {
        const std::uint16_t half = float_to_half(value);
        tensor.bytes.append(reinterpret_cast<const char*>(&half), sizeof half);
    }
    return tensor;
}

// Packs the matrices in groups of 32. unpacked gets the weights that the packed ones stand for.
std::vector<StoredTensor> packed(const std::vector<StoredTensor>& tensors, std::uint32_t bits,
                                 std::vector<StoredTensor>& unpacked) {
    std::vector<StoredTensor> result;
    unpacked = tensors;
    for (StoredTensor& tensor : unpacked) {
        const bool is_matrix = tensor.shape.size() > 1 && tensor.shape.back() == 32 &&
                               tensor.name.find("conv.conv") == std::string::npos;
        if (!is_matrix) {
            result.push_back(tensor);
            continue;
        }
        auto* x = reinterpret_cast<float*>(tensor.bytes.data());
        const std::uint64_t n_groups = tensor.bytes.size() / sizeof(float) / 32;
        std::string words;
        std::vector<float> scales, biases;
        for (std::uint64_t group = 0; group < n_groups; ++group) {
            pack_group(x + group * 32, bits, words, scales, biases);
            for (std::uint32_t i = 0; i < 32; ++i) {
                std::uint32_t word;
                std::memcpy(&word, words.data() + (group * 32 + i) * bits / 32 * 4, sizeof word);
                const std::uint32_t q = word >> (group * 32 + i) * bits % 32 & ((1u << bits) - 1);
                x[group * 32 + i] = scales[group] * static_cast<float>(q) + biases[group];
            }
        }
        const std::string module = tensor.name.substr(0, tensor.name.rfind(".weight"));
        std::vector<std::uint64_t> shape = tensor.shape;
        shape.back() = 1;
        result.push_back(halves(module + ".scales", shape, scales));
        result.push_back(halves(module + ".biases", shape, biases));
        shape.back() = bits;
        result.push_back({tensor.name, "U32", shape, words});
    }
    return result;
}

}  // namespace

TEST_CASE("quantise: MLX checkpoints of 4 and 8 bits are the weights that they stand for") {
    const Tiny tiny;
    Layout layout;
    layout.experts = ExpertLayout::kMlx;
    for (const std::uint32_t bits : {4u, 8u}) {
        std::vector<StoredTensor> unpacked;
        const auto tensors = packed(tiny.tensors(layout), bits, unpacked);
        const std::string extra =
            R"(,"quantization":{"group_size":32,"bits":)" + std::to_string(bits) + R"(,"mode":"affine"})";
        const std::string mlx = tiny.checkpoint("mlx", tensors, extra);
        const std::string floats = tiny.checkpoint("floats", unpacked);
        MemoryBudget budget;
        const auto opened = Model::open_path(mlx, {}, budget, Log());
        REQUIRE_FALSE(opened);
        CHECK(opened.error().status == SLUICE_E_UNSUPPORTED);
        CHECK((opened.error().message.find("packed by MLX") != std::string::npos));
        for (const std::string type : {"F32", "Q4_0"}) {
            require_done(write_as(mlx, tiny.folder.file("a.gguf"), type));
            require_done(write_as(floats, tiny.folder.file("b.gguf"), type));
            // The name is that of the folder.
            const auto a = open(tiny.folder.file("a.gguf"));
            const auto b = open(tiny.folder.file("b.gguf"));
            CHECK(types_of(tiny.folder.file("a.gguf")) == types_of(tiny.folder.file("b.gguf")));
            CHECK(decoded(a->weights().embedding) == decoded(b->weights().embedding));
            const auto& left = std::get<ExpertFeedForward>(a->weights().layers[1].feed_forward);
            const auto& right = std::get<ExpertFeedForward>(b->weights().layers[1].feed_forward);
            CHECK(decoded(left.router) == decoded(right.router));
            CHECK(decoded(left.down[3]) == decoded(right.down[3]));
        }
    }
}

TEST_CASE("quantise: MLX packings that contradict themselves are refused") {
    const Tiny tiny;
    Layout layout;
    layout.experts = ExpertLayout::kMlx;
    std::vector<StoredTensor> ignored;
    const auto tensors = packed(tiny.tensors(layout), 4, ignored);
    struct Case {
        std::string quantization, in_message;
    };
    for (const Case& test :
         {Case{R"({"group_size":64,"bits":4})", "does not belong to"},
          Case{R"({"group_size":32,"bits":8})", "does not belong to"},
          Case{R"({"group_size":32,"bits":3})", "has 3 bits"},
          Case{R"({"group_size":48,"bits":4})", "groups of 48"},
          Case{R"({"group_size":32,"bits":4,"mode":"mxfp4"})", "mxfp4"}, Case{R"(7)", "not an object"}}) {
        const std::string folder = tiny.checkpoint("mlx", tensors, ",\"quantization\":" + test.quantization);
        const auto done = write_as(folder, tiny.folder.file("out.gguf"), "Q8_0");
        INFO(message_of(done));
        CHECK((message_of(done).find(test.in_message) != std::string::npos));
        CHECK_FALSE(std::filesystem::exists(tiny.folder.file("out.gguf")));
    }
    auto missing = tensors;
    std::erase_if(missing,
                  [](const StoredTensor& tensor) { return tensor.name.ends_with("embed_tokens.scales"); });
    const std::string folder = tiny.checkpoint("mlx", missing, R"(,"quantization":{"group_size":32,"bits":4})");
    const auto done = write_as(folder, tiny.folder.file("out.gguf"), "Q8_0");
    CHECK((message_of(done).find("embed_tokens.scales is missing") != std::string::npos));
}

}  // namespace sluice
