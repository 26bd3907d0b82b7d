// Random weights, scaled as in tools/make_oracle.py so that the network neither dies nor repeats one answer.
#include "model/random_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <set>
#include <span>

#include "base/sentence.h"
#include "base/utf8.h"
#include "kernels/half.h"
#include "model/gguf_writer.h"

namespace sluice {
namespace {

struct Shape {
    std::string_view kind;
    bool has_experts;
    std::uint32_t hidden, n_heads, n_kv_heads, feed_forward, expert_feed_forward;
    std::uint32_t n_experts, n_used, n_dense, context;
    std::uint32_t n_merges;
    std::vector<bool> is_attention;
};

std::vector<Shape> shapes() {
    return {{"moe", true, 256, 4, 2, 512, 256, 8, 2, 2, 4096, 239, {false, false, true, false, true, false}},
            {"dense", false, 256, 4, 2, 512, 0, 0, 0, 4, 4096, 239, {false, true, false, true}},
            {"tiny", true, 32, 2, 1, 32, 32, 4, 2, 1, 128, 15, {false, true, false}}};
}

constexpr std::uint32_t kWidth = 3;
constexpr std::array kSpecials = {"<|pad|>",
                                  "<|startoftext|>",
                                  "<|endoftext|>",
                                  "<|fim_pre|>",
                                  "<|fim_mid|>",
                                  "<|fim_suf|>",
                                  "<|im_start|>",
                                  "<|im_end|>",
                                  "<|tool_list_start|>",
                                  "<|tool_list_end|>",
                                  "<|tool_call_start|>",
                                  "<|tool_call_end|>",
                                  "<|tool_response_start|>",
                                  "<|tool_response_end|>",
                                  "<think>",
                                  "</think>",
                                  "<|reserved_0|>"};
constexpr std::uint32_t kBos = 1, kEos = 7, kPad = 0;

// In the style of the family, and no more than a test of a renderer needs.
constexpr std::string_view kTemplate =
    "{{- bos_token -}}{%- for message in messages -%}{{- '<|im_start|>' + message['role'] + '\\n' + "
    "message['content'] + '<|im_end|>\\n' -}}{%- endfor -%}{%- if add_generation_prompt -%}"
    "{{- '<|im_start|>assistant\\n' -}}{%- endif -%}";

// xoshiro256** seeded by splitmix64 (Blackman and Vigna, prng.di.unimi.it).
class Random {
public:
    explicit Random(std::uint64_t seed) {
        for (std::uint64_t& word : state_) {
            seed += 0x9E3779B97F4A7C15u;
            std::uint64_t z = seed;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
            word = z ^ (z >> 31);
        }
    }

    std::uint64_t next() {
        const std::uint64_t result = rotated(state_[1] * 5, 7) * 9;
        const std::uint64_t t = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= t;
        state_[3] = rotated(state_[3], 45);
        return result;
    }

    // Mean 0, standard deviation 1: the sum of twelve uniforms less six, exact in float on every machine,
    // unlike a logarithm.
    float normal() {
        std::uint64_t sum = 0;
        for (int i = 0; i < 4; ++i) {
            const std::uint64_t bits = next();
            sum += (bits & 0xFFFFu) + (bits >> 16 & 0xFFFFu) + (bits >> 32 & 0xFFFFu);
        }
        return static_cast<float>(static_cast<std::int64_t>(sum) - 6 * 0xFFFF) * 0x1p-16F;
    }

private:
    static std::uint64_t rotated(std::uint64_t x, int k) { return x << k | x >> (64 - k); }
    std::array<std::uint64_t, 4> state_{};
};

void append_half(float value, std::vector<std::byte>& bytes) {
    const std::uint16_t half = float_to_half(value);
    bytes.push_back(static_cast<std::byte>(half & 0xFFu));
    bytes.push_back(static_cast<std::byte>(half >> 8));
}

float round_away(float x) {
    return std::floor(std::fabs(x) + 0.5F) * (x < 0 ? -1.0F : 1.0F);
}

// Blocks of 32: a half scale, then 32 int8 (ggml-quants.c, quantize_row_q8_0_ref).
void append_q8_0(std::span<const float> values, std::vector<std::byte>& bytes) {
    for (std::size_t block = 0; block < values.size(); block += 32) {
        float largest = 0;
        for (std::size_t i = 0; i < 32; ++i) largest = std::max(largest, std::fabs(values[block + i]));
        const float scale = largest / 127.0F;
        append_half(scale, bytes);
        for (std::size_t i = 0; i < 32; ++i) {
            const float level = scale > 0 ? round_away(values[block + i] / scale) : 0.0F;
            bytes.push_back(static_cast<std::byte>(static_cast<std::int8_t>(level)));
        }
    }
}

// Blocks of 32: a half scale, then 16 bytes with elements i and i + 16 in the low and high half
// (ggml-quants.c, quantize_row_q4_0_ref).
void append_q4_0(std::span<const float> values, std::vector<std::byte>& bytes) {
    for (std::size_t block = 0; block < values.size(); block += 32) {
        float extreme = 0;
        for (std::size_t i = 0; i < 32; ++i) {
            if (std::fabs(values[block + i]) > std::fabs(extreme)) extreme = values[block + i];
        }
        const float scale = extreme / -8.0F;
        const float inverse = scale != 0 ? 1.0F / scale : 0.0F;
        append_half(scale, bytes);
        const auto level = [&](std::size_t i) {
            const float raised = std::clamp(values[block + i] * inverse + 8.5F, 0.0F, 15.0F);
            return static_cast<std::uint32_t>(raised);
        };
        for (std::size_t i = 0; i < 16; ++i) {
            bytes.push_back(static_cast<std::byte>(level(i) | level(i + 16) << 4));
        }
    }
}

void append(TensorType type, std::span<const float> values, std::vector<std::byte>& bytes) {
    if (type == TensorType::kQ8_0) return append_q8_0(values, bytes);
    if (type == TensorType::kQ4_0) return append_q4_0(values, bytes);
    if (type == TensorType::kF16) {
        for (const float value : values) append_half(value, bytes);
        return;
    }
    const auto raw = std::as_bytes(values);
    bytes.insert(bytes.end(), raw.begin(), raw.end());
}

struct Tensor {
    std::string name;
    TensorType type;
    std::vector<std::uint64_t> dimensions;
    float mean;
    float deviation;
};

std::vector<Tensor> tensors_of(const Shape& shape, std::uint64_t vocabulary_size) {
    std::vector<Tensor> tensors;
    const auto vector = [&](std::string name, std::uint64_t size, float mean, float deviation) {
        tensors.push_back({std::move(name), TensorType::kF32, {size}, mean, deviation});
    };
    const auto matrix = [&](std::string name, TensorType type, std::vector<std::uint64_t> dimensions) {
        const float deviation = 1.3F / std::sqrt(static_cast<float>(dimensions[0]));
        tensors.push_back({std::move(name), type, std::move(dimensions), 0.0F, deviation});
    };
    const std::uint64_t h = shape.hidden;
    const std::uint64_t head = h / shape.n_heads;
    tensors.push_back({"token_embd.weight", TensorType::kQ8_0, {h, vocabulary_size}, 0.0F, 0.12F});
    vector("token_embd_norm.weight", h, 1.0F, 0.2F);
    for (std::size_t i = 0; i < shape.is_attention.size(); ++i) {
        const std::string p = sentence("blk.", i, ".");
        vector(p + "attn_norm.weight", h, 1.0F, 0.2F);
        vector(p + "ffn_norm.weight", h, 1.0F, 0.2F);
        if (shape.is_attention[i]) {
            matrix(p + "attn_q.weight", TensorType::kQ8_0, {h, h});
            matrix(p + "attn_k.weight", TensorType::kQ8_0, {h, shape.n_kv_heads * head});
            matrix(p + "attn_v.weight", TensorType::kF16, {h, shape.n_kv_heads * head});
            matrix(p + "attn_output.weight", TensorType::kQ4_0, {h, h});
            vector(p + "attn_q_norm.weight", head, 1.0F, 0.2F);
            vector(p + "attn_k_norm.weight", head, 1.0F, 0.2F);
        } else {
            matrix(p + "shortconv.in_proj.weight", TensorType::kQ4_0, {h, 3 * h});
            matrix(p + "shortconv.out_proj.weight", TensorType::kQ8_0, {h, h});
            tensors.push_back({p + "shortconv.conv.weight", TensorType::kF32, {kWidth, h}, 0.0F, 0.6F});
        }
        if (!shape.has_experts || i < shape.n_dense) {
            matrix(p + "ffn_gate.weight", TensorType::kQ4_0, {h, shape.feed_forward});
            matrix(p + "ffn_up.weight", TensorType::kQ4_0, {h, shape.feed_forward});
            matrix(p + "ffn_down.weight", TensorType::kQ8_0, {shape.feed_forward, h});
            continue;
        }
        matrix(p + "ffn_gate_inp.weight", TensorType::kF32, {h, shape.n_experts});
        vector(p + "exp_probs_b.bias", shape.n_experts, 0.0F, 0.1F);
        matrix(p + "ffn_gate_exps.weight", TensorType::kQ4_0, {h, shape.expert_feed_forward, shape.n_experts});
        matrix(p + "ffn_up_exps.weight", TensorType::kQ4_0, {h, shape.expert_feed_forward, shape.n_experts});
        matrix(p + "ffn_down_exps.weight", TensorType::kQ8_0, {shape.expert_feed_forward, h, shape.n_experts});
    }
    return tensors;
}

// The letter that stands for a byte in byte-level BPE (GPT-2, encoder.py): itself where it is printable,
// otherwise the next free one from U+0100.
std::vector<std::string> byte_letters() {
    std::vector<std::string> letters;
    std::uint32_t next = 256;
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        const bool is_printable =
            (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
        std::string letter;
        append_utf8(letter, is_printable ? byte : next++);
        letters.push_back(letter);
    }
    return letters;
}

// Sets the tokenizer's keys and returns the number of tokens.
std::uint64_t add_tokenizer(const Shape& shape, Random& random, Metadata& metadata) {
    std::vector<std::string> tokens(kSpecials.begin(), kSpecials.end());
    std::vector<std::int32_t> kinds(tokens.size(), 3);
    const std::vector<std::string> letters = byte_letters();
    tokens.insert(tokens.end(), letters.begin(), letters.end());
    std::vector<std::string> parts;
    for (const char c : std::string_view(" etaoinshrdlucmfwypvbgkjqxz")) {
        parts.push_back(letters[static_cast<unsigned char>(c)]);
    }
    std::set<std::string> known(tokens.begin(), tokens.end());
    std::vector<std::string> merges;
    while (merges.size() < shape.n_merges) {
        const std::string left = parts[random.next() % parts.size()];
        const std::string right = parts[random.next() % parts.size()];
        if (left.size() + right.size() > 12 || !known.insert(left + right).second) continue;
        tokens.push_back(left + right);
        parts.push_back(left + right);
        merges.push_back(left + " " + right);
    }
    kinds.resize(tokens.size(), 1);
    metadata.set("tokenizer.ggml.model", MetadataValue::string("gpt2"));
    metadata.set("tokenizer.ggml.pre", MetadataValue::string("lfm2"));
    metadata.set("tokenizer.ggml.tokens", MetadataValue::strings(tokens));
    metadata.set("tokenizer.ggml.token_type", MetadataValue::int32s(kinds));
    metadata.set("tokenizer.ggml.merges", MetadataValue::strings(merges));
    metadata.set("tokenizer.ggml.bos_token_id", MetadataValue::uint32(kBos));
    metadata.set("tokenizer.ggml.eos_token_id", MetadataValue::uint32(kEos));
    metadata.set("tokenizer.ggml.padding_token_id", MetadataValue::uint32(kPad));
    metadata.set("tokenizer.ggml.add_bos_token", MetadataValue::boolean(true));
    metadata.set("tokenizer.chat_template", MetadataValue::string(kTemplate));
    return tokens.size();
}

void add_configuration(const Shape& shape, Metadata& metadata) {
    const std::string architecture = shape.has_experts ? "lfm2moe" : "lfm2";
    const auto set = [&](std::string_view key, std::uint32_t value) {
        metadata.set(sentence(architecture, ".", key), MetadataValue::uint32(value));
    };
    metadata.set("general.architecture", MetadataValue::string(architecture));
    metadata.set("general.type", MetadataValue::string("model"));
    metadata.set("general.name", MetadataValue::string(sentence("random-", shape.kind)));
    set("block_count", static_cast<std::uint32_t>(shape.is_attention.size()));
    set("context_length", shape.context);
    set("embedding_length", shape.hidden);
    set("feed_forward_length", shape.feed_forward);
    set("attention.head_count", shape.n_heads);
    std::vector<std::int32_t> kv_heads;
    for (const bool is_attention : shape.is_attention) {
        kv_heads.push_back(is_attention ? static_cast<std::int32_t>(shape.n_kv_heads) : 0);
    }
    metadata.set(architecture + ".attention.head_count_kv", MetadataValue::int32s(kv_heads));
    metadata.set(architecture + ".rope.freq_base", MetadataValue::float32(1e6F));
    metadata.set(architecture + ".attention.layer_norm_rms_epsilon", MetadataValue::float32(1e-5F));
    set("shortconv.l_cache", kWidth);
    if (!shape.has_experts) return;
    set("expert_count", shape.n_experts);
    set("expert_used_count", shape.n_used);
    set("expert_feed_forward_length", shape.expert_feed_forward);
    set("leading_dense_block_count", shape.n_dense);
    set("expert_gating_func", 2);
}

using MakeSink = std::function<Result<std::unique_ptr<ByteSink>>()>;

Done write_model(std::string_view kind, std::uint64_t seed, const MakeSink& make_sink) {
    const std::vector<Shape> all = shapes();
    const auto shape = std::find_if(all.begin(), all.end(), [&](const Shape& s) { return s.kind == kind; });
    if (shape == all.end()) {
        return make_error(SLUICE_E_INVALID_ARGUMENT, "there is no random model \"", printable(kind),
                          "\"; the kinds are moe, dense and tiny");
    }
    Random random(seed);
    GgufWriter writer;
    add_configuration(*shape, writer.metadata());
    const std::uint64_t n_tokens = add_tokenizer(*shape, random, writer.metadata());
    const std::string key = sentence(shape->has_experts ? "lfm2moe" : "lfm2", ".vocab_size");
    writer.metadata().set(key, MetadataValue::uint32(static_cast<std::uint32_t>(n_tokens)));
    const std::vector<Tensor> tensors = tensors_of(*shape, n_tokens);
    for (const Tensor& tensor : tensors) {
        SLUICE_TRY(writer.announce(tensor.name, tensor.type, tensor.dimensions));
    }
    SLUICE_ASSIGN(sink, make_sink());
    SLUICE_TRY(writer.begin(std::move(sink)));
    std::vector<float> values;
    std::vector<std::byte> bytes;
    for (const Tensor& tensor : tensors) {
        std::uint64_t count = 1;
        for (const std::uint64_t dimension : tensor.dimensions) count *= dimension;
        values.resize(count);
        for (float& value : values) value = tensor.mean + tensor.deviation * random.normal();
        bytes.clear();
        append(tensor.type, values, bytes);
        SLUICE_TRY(writer.write(bytes));
    }
    return writer.finish();
}

}  // namespace

Done write_random_model(const std::string& path, std::string_view kind, std::uint64_t seed) {
    return write_model(kind, seed, [&] { return ByteSink::to_file(path); });
}

Result<std::vector<std::byte>> random_model_bytes(std::string_view kind, std::uint64_t seed) {
    std::vector<std::byte> bytes;
    SLUICE_TRY(
        write_model(kind, seed, [&] { return Result<std::unique_ptr<ByteSink>>(ByteSink::to_memory(bytes)); }));
    return bytes;
}

}  // namespace sluice
