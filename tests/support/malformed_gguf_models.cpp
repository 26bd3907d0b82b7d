// The cases of tensor infos, of models that contradict themselves, and of vocabularies.
#include <algorithm>

#include "support/malformed_gguf.h"

namespace {

class Cases {
public:
    explicit Cases(RawGguf (*base)()) : base_(base) {}

    void add(std::string name, Outcome outcome, std::string in_message,
             const std::function<void(RawGguf&)>& change) {
        RawGguf file = base_();
        change(file);
        cases_.push_back({std::move(name), file.build(), outcome, std::move(in_message)});
    }
    std::vector<MalformedCase> take() { return std::move(cases_); }

private:
    RawGguf (*base_)();
    std::vector<MalformedCase> cases_;
};

constexpr const char* kEmbedding = "token_embd.weight";
constexpr const char* kNorm = "token_embd_norm.weight";

}  // namespace

RawGguf raw_model_with_tokenizer() {
    RawGguf file = raw_model();
    file.set("tokenizer.ggml.model", raw_text("gpt2"));
    file.set("tokenizer.ggml.pre", raw_text("lfm2"));
    std::vector<std::string> tokens = {"<|pad|>", "<|startoftext|>", "<|im_end|>"};
    std::vector<std::int32_t> kinds(tokens.size(), 3);
    for (char c = 'a'; c <= 'l'; ++c) tokens.emplace_back(1, c);
    tokens.insert(tokens.end(), {"ab", "abc"});
    kinds.resize(tokens.size(), 1);
    file.set("tokenizer.ggml.tokens", raw_texts(tokens));
    file.set("tokenizer.ggml.token_type", raw_i32s(kinds));
    file.set("tokenizer.ggml.merges", raw_texts({"a b", "ab c"}));
    file.set("tokenizer.ggml.bos_token_id", raw_u32(1));
    file.set("tokenizer.ggml.eos_token_id", raw_u32(2));
    file.set("tokenizer.ggml.padding_token_id", raw_u32(0));
    return file;
}

std::vector<MalformedCase> malformed_tensors() {
    Cases cases(raw_model);
    const auto corrupt = Outcome::kCorrupt;
    const auto shape = [&](const std::string& name, std::vector<std::uint64_t> dimensions) {
        cases.add("C: " + name, corrupt, kEmbedding, [&](RawGguf& f) {
            f.tensor(kEmbedding).dimensions = dimensions;  // its place stays
        });
    };
    shape("47: no dimensions", {});
    shape("47: five dimensions", {32, 40, 1, 1, 1});
    shape("48: a first dimension of 0", {0, 40});
    shape("48: a second dimension of 0", {32, 0});
    shape("49: a negative dimension", {32, ~0ull});
    shape("49: the least negative dimension", {1ull << 63});
    shape("50: INT64_MAX times 2", {(1ull << 63) - 1, 2});
    shape("50: 2^32 times 2^32", {1ull << 32, 1ull << 32});
    shape("50: 2^42 + 1 three times", {(1ull << 42) + 1, (1ull << 42) + 1, (1ull << 42) + 1});
    shape("50: a product that comes out as 1280", {32, (1ull << 59) + 40});
    shape("51: bytes that wrap", {1ull << 60, 7});
    shape("52: rows of 33", {33, 40});
    shape("58: more rows than the file holds", {32, 1ull << 30});
    cases.add("C51: floats that wrap", corrupt, kNorm,
              [](RawGguf& f) { f.tensor(kNorm).dimensions = {1ull << 62}; });
    for (const std::uint32_t type : {4u, 5u, 31u, 32u, 33u, 36u, 37u, 38u, 43u, 255u, 0xFFFFFFFFu}) {
        cases.add("C53: type number " + std::to_string(type), corrupt, std::to_string(type),
                  [&](RawGguf& f) { f.tensor(kEmbedding).type = type; });
    }
    const auto other_type = [&](std::uint32_t type, const std::string& name,
                                std::vector<std::uint64_t> dimensions) {
        cases.add("C53: type " + name, Outcome::kUnsupported, name, [&](RawGguf& f) {
            f.retype(kEmbedding, type);
            f.reshape(kEmbedding, dimensions);
        });
    };
    other_type(9, "Q8_1", {32, 40});
    other_type(19, "IQ1_S", {256, 40});
    other_type(24, "I8", {32, 40});
    other_type(28, "F64", {32, 40});
    other_type(39, "MXFP4", {32, 40});
    const auto name = [&](const std::string& what, const std::string& text) {
        cases.add("C54: " + what, corrupt, "", [&](RawGguf& f) {
            f.tensors.push_back({text, {8}, 0, 0, 0});
            f.place();
        });
    };
    name("an empty name", "");
    name("a name of 64 bytes", std::string(64, 'n'));
    name("a name that is not UTF-8", "n\xC0\x80");
    name("a name with a zero byte", std::string("n\0n", 3));
    cases.add("C55: a name twice", corrupt, "twice", [](RawGguf& f) {
        f.tensors.push_back(f.tensors[0]);
        f.place();
    });
    cases.add("C56: a name with a further byte", corrupt, "token_embd.weight is missing",
              [](RawGguf& f) { f.tensors[0].name += ' '; });
    for (const std::uint64_t step : {1ull, 8ull, 31ull}) {
        cases.add("C57: an offset off by " + std::to_string(step), corrupt, "alignment",
                  [&](RawGguf& f) { f.tensors.back().offset += step; });
    }
    for (const std::uint64_t offset : {1ull << 40, ~0ull - 31, ~0ull << 6, 1ull << 63}) {
        cases.add("C58: offset " + std::to_string(offset), corrupt, "passes the end",
                  [&](RawGguf& f) { f.tensors.back().offset = offset; });
    }
    cases.add("C60: two tensors at one place", corrupt, "overlaps",
              [](RawGguf& f) { f.tensors[3].offset = f.tensors[2].offset; });
    cases.add("C60: two tensors that share bytes", corrupt, "overlaps",
              [](RawGguf& f) { f.tensors[1].offset -= 32; });
    cases.add("C61: gaps between tensors", Outcome::kLoads, "", [](RawGguf& f) {
        for (std::size_t i = 0; i < f.tensors.size(); ++i) f.tensors[i].offset += i * 320;
    });
    cases.add("C62: data in another order than the infos", Outcome::kLoads, "",
              [](RawGguf& f) { std::reverse(f.tensors.begin(), f.tensors.end()); });
    cases.add("C66: an unexpected tensor", Outcome::kLoads, "", [](RawGguf& f) {
        for (int i = 0; i < 30; ++i) f.tensors.push_back({"extra." + std::to_string(i), {8}, 26, 0, 0});
        f.retype("extra.0", 24);
    });
    for (const std::string extra : {"blk.1.attn_q.bias", "rope_freqs.weight"}) {
        cases.add("C66: unexpected " + extra, Outcome::kUnsupported, extra, [&](RawGguf& f) {
            f.tensors.push_back({extra, {32}, 0, 0, 0});
            f.place();
        });
    }
    cases.add("C65: the final norm under two names", corrupt, "two names", [](RawGguf& f) {
        f.tensors.push_back({"output_norm.weight", {32}, 0, 0, 0});
        f.place();
    });
    for (const RawTensor& tensor : raw_model().tensors) {
        cases.add("C65: without " + tensor.name, corrupt, tensor.name,
                  [&](RawGguf& f) { f.remove_tensor(tensor.name); });
    }
    cases.add("C64: the data section lies beyond the end", corrupt, "", [](RawGguf& f) { f.alignment = 0; });
    return cases.take();
}

std::vector<MalformedCase> malformed_models() {
    Cases cases(raw_model);
    const auto corrupt = Outcome::kCorrupt;
    const auto unsupported = Outcome::kUnsupported;
    const auto loads = Outcome::kLoads;
    for (const RawTensor& tensor : raw_model().tensors) {
        for (std::size_t d = 0; d < tensor.dimensions.size(); ++d) {
            const std::uint64_t step = d == 0 && tensor.type != 0 ? 32 : 1;
            for (const bool grows : {true, false}) {
                std::vector<std::uint64_t> dimensions = tensor.dimensions;
                dimensions[d] = grows ? dimensions[d] + step : dimensions[d] - step;
                if (dimensions[d] == 0) continue;
                cases.add("D67: " + tensor.name + " dimension " + std::to_string(d) + (grows ? " + " : " - ") +
                              std::to_string(step),
                          corrupt, tensor.name + " has shape",
                          [&](RawGguf& f) { f.reshape(tensor.name, dimensions); });
            }
        }
        std::vector<std::uint64_t> transposed(tensor.dimensions.rbegin(), tensor.dimensions.rend());
        if (transposed == tensor.dimensions || transposed[0] % 32 != 0) continue;
        cases.add("D67: " + tensor.name + " transposed", corrupt, "",
                  [&](RawGguf& f) { f.reshape(tensor.name, transposed); });
    }
    const auto key = [&](const std::string& number, const std::string& name, const RawKey& value,
                         const std::string& what, Outcome outcome) {
        cases.add("D" + number + ": " + name + " " + what, outcome, "",
                  [&](RawGguf& f) { f.set("lfm2moe." + name, value); });
    };
    const auto count = [&](const std::string& number, const std::string& name, std::uint32_t value,
                           Outcome outcome) {
        key(number, name, raw_u32(value), std::to_string(value), outcome);
    };
    for (const std::uint32_t n : {0u, 31u, 33u, 64u}) count("68", "embedding_length", n, corrupt);
    for (const std::uint32_t n : {0u, 1u, 3u, 5u, 33u}) count("69", "expert_count", n, corrupt);
    for (const std::uint32_t n : {1025u, 1u << 20}) count("69", "expert_count", n, unsupported);
    for (const std::uint32_t n : {0u, 5u, 64u}) count("69", "expert_used_count", n, corrupt);
    count("69", "expert_used_count", 65, unsupported);
    for (const std::uint32_t n : {0u, 2u, 4u, 1000u}) count("70", "leading_dense_block_count", n, corrupt);
    count("70", "leading_dense_block_count", 3, unsupported);
    for (const std::uint32_t n : {0u, 31u, 64u}) count("71", "expert_feed_forward_length", n, corrupt);
    for (const std::uint32_t n : {0u, 4u}) count("73", "shortconv.l_cache", n, corrupt);
    for (const std::uint32_t n : {1u, 17u, 1u << 31}) count("73", "shortconv.l_cache", n, unsupported);
    for (const std::uint32_t n : {0u, 1u, 3u}) count("76", "expert_gating_func", n, unsupported);
    count("79", "context_length", 0, corrupt);
    count("79", "context_length", 1u << 31, unsupported);
    count("79", "context_length", 131072, loads);
    for (const std::uint32_t n : {15u, 8u, 32u}) count("80", "rope.dimension_count", n, unsupported);
    count("80", "rope.dimension_count", 16, loads);
    count("80", "attention.key_length", 16, loads);
    count("80", "attention.value_length", 16, loads);
    count("80", "attention.value_length", 8, unsupported);
    count("80", "attention.key_length", 8, corrupt);
    count("83", "attention.sliding_window", 512, unsupported);
    count("83", "attention.sliding_window", 0, loads);
    count("83", "pooling_type", 2, unsupported);
    count("78", "vocab_size", 39, corrupt);
    count("78", "vocab_size", 41, corrupt);
    count("68", "attention.head_count", 0, corrupt);
    count("68", "attention.head_count", 3, corrupt);
    count("67", "feed_forward_length", 0, corrupt);
    key("83", "attention.causal", raw_bool(0), "false", unsupported);
    key("83", "attention.causal", raw_bool(1), "true", loads);
    key("77", "expert_weights_norm", raw_bool(0), "false", unsupported);
    key("77", "expert_weights_norm", raw_bool(1), "true", loads);
    key("77", "expert_weights_scale", raw_f32(2.5F), "2.5", unsupported);
    key("77", "expert_weights_scale", raw_f32(1), "1", loads);
    key("83", "rope.scaling.type", raw_text("yarn"), "yarn", unsupported);
    key("83", "rope.scaling.type", raw_text("none"), "none", loads);
    cases.add("D78: without vocab_size", loads, "", [](RawGguf& f) { f.remove_key("lfm2moe.vocab_size"); });
    cases.add("D83: a file of another type", unsupported, "adapter",
              [](RawGguf& f) { f.set("general.type", raw_text("adapter")); });
    cases.add("D72: one tensor per expert", corrupt, "ffn_gate_exps", [](RawGguf& f) {
        f.remove_tensor("blk.1.ffn_gate_exps.weight");
        for (int e = 0; e < 4; ++e) {
            f.tensors.push_back({"blk.1.ffn_gate." + std::to_string(e) + ".weight", {32, 96}, 8, 0, 0});
        }
        f.place();
    });
    for (const auto& taps : {std::vector<std::uint64_t>{3, 1, 32}, std::vector<std::uint64_t>{1, 3, 32}}) {
        cases.add("D73: convolution in three dimensions", loads, "",
                  [&](RawGguf& f) { f.reshape("blk.0.shortconv.conv.weight", taps); });
    }
    cases.add("D74: attention and convolution in one layer", corrupt, "layer 0", [](RawGguf& f) {
        f.tensors.push_back({"blk.0.attn_q.weight", {32, 32}, 8, 0, 0});
        f.place();
    });
    cases.add("D74: convolution and attention in one layer", corrupt, "layer 1", [](RawGguf& f) {
        f.tensors.push_back({"blk.1.shortconv.in_proj.weight", {32, 96}, 8, 0, 0});
        f.place();
    });
    cases.add("D74: a dense layer with experts", corrupt, "layer 0", [](RawGguf& f) {
        f.tensors.push_back({"blk.0.ffn_gate_inp.weight", {32, 4}, 0, 0, 0});
        f.place();
    });
    for (const std::uint64_t rows : {40u, 39u, 41u}) {
        cases.add("D78: an output matrix of " + std::to_string(rows) + " rows", rows == 40 ? loads : corrupt,
                  "", [&](RawGguf& f) {
                      f.tensors.push_back({"output.weight", {32, rows}, 8, 0, 0});
                      f.place();
                  });
    }
    for (const std::uint32_t type : {0u, 1u, 2u, 3u, 6u, 7u, 20u, 30u}) {
        for (const char* name :
             {kEmbedding, "blk.1.attn_v.weight", "blk.2.ffn_down_exps.weight", "blk.1.ffn_gate_inp.weight"}) {
            cases.add("D81: " + std::string(name) + " of type " + std::to_string(type), loads, "",
                      [&](RawGguf& f) { f.retype(name, type); });
        }
    }
    for (const char* name :
         {kNorm, "blk.1.attn_q_norm.weight", "blk.0.shortconv.conv.weight", "blk.2.exp_probs_b.bias"}) {
        for (const std::uint32_t type : {1u, 30u}) {
            cases.add("D82: " + std::string(name) + " of type " + std::to_string(type), loads, "",
                      [&](RawGguf& f) { f.retype(name, type); });
        }
    }
    cases.add("D82: a quantised norm", unsupported, kNorm, [](RawGguf& f) { f.retype(kNorm, 8); });
    cases.add("D72: one fused matrix for query, key and value", loads, "", [](RawGguf& f) {
        for (const char* part : {"q", "k", "v"}) f.remove_tensor(std::string("blk.1.attn_") + part + ".weight");
        f.tensors.push_back({"blk.1.attn_qkv.weight", {32, 64}, 8, 0, 0});
        f.place();
    });
    return cases.take();
}

std::vector<MalformedCase> malformed_tokenizers() {
    Cases cases(raw_model_with_tokenizer);
    const auto corrupt = Outcome::kCorrupt;
    const auto unsupported = Outcome::kUnsupported;
    const auto loads = Outcome::kLoads;
    const auto key = [&](const std::string& name, const RawKey& value, const std::string& what,
                         Outcome outcome) {
        cases.add("E: " + name + ", " + what, outcome, outcome == loads ? "" : name,
                  [&](RawGguf& f) { f.set("tokenizer.ggml." + name, value); });
    };
    cases.add("E: the vocabulary itself", loads, "", [](RawGguf&) {});
    key("tokens", raw_i32s({1, 2}), "numbers", corrupt);
    key("tokens", raw_texts({}), "none", corrupt);
    key("tokens", raw_text("a"), "a text", corrupt);
    key("token_type", raw_i32s({1, 1}), "too few", corrupt);
    key("token_type", raw_i32s(std::vector<std::int32_t>(17, 0)), "0", corrupt);
    key("token_type", raw_i32s(std::vector<std::int32_t>(17, 7)), "7", corrupt);
    key("token_type", raw_texts(std::vector<std::string>(17, "1")), "texts", corrupt);
    key("model", raw_text("bert"), "another", unsupported);
    key("pre", raw_text("qwen2"), "another", unsupported);
    key("pre", raw_text(""), "empty", unsupported);
    key("pre", raw_text("llama-bpe"), "the same rule by another name", loads);
    for (const std::string merge : {"", "ab", "a b c", " a", "a ", " "}) {
        key("merges", raw_texts({"a b", merge}), "\"" + merge + "\"", corrupt);
    }
    key("merges", raw_i32s({1}), "numbers", corrupt);
    for (const std::string id : {"bos_token_id", "eos_token_id", "padding_token_id", "unknown_token_id"}) {
        key(id, raw_u32(17), "one too high", corrupt);
        key(id, raw_u32(0xFFFFFFFFu), "the highest", corrupt);
        key(id, raw_i32(-1), "negative", corrupt);
        key(id, raw_text("1"), "a text", corrupt);
        key(id, raw_u64(16), "the last", loads);
    }
    key("add_bos_token", raw_u32(1), "a number", corrupt);
    cases.add("E94: add_bos without bos", corrupt, "add_bos_token", [](RawGguf& f) {
        f.remove_key("tokenizer.ggml.bos_token_id");
        f.set("tokenizer.ggml.add_bos_token", raw_bool(1));
    });
    for (const char* name : {"tokens", "model", "merges"}) {
        cases.add(std::string("E: without ") + name, corrupt, name,
                  [&](RawGguf& f) { f.remove_key(std::string("tokenizer.ggml.") + name); });
    }
    for (const char* name : {"pre", "token_type", "bos_token_id", "eos_token_id"}) {
        cases.add(std::string("E: without ") + name, loads, "",
                  [&](RawGguf& f) { f.remove_key(std::string("tokenizer.ggml.") + name); });
    }
    cases.add("E: more tokens than rows", corrupt, "40", [](RawGguf& f) {
        std::vector<std::string> tokens;
        for (int i = 0; i < 41; ++i) tokens.push_back("t" + std::to_string(i));
        f.set("tokenizer.ggml.tokens", raw_texts(tokens));
        f.set("tokenizer.ggml.token_type", raw_i32s(std::vector<std::int32_t>(41, 1)));
    });
    return cases.take();
}
