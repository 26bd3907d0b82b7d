// The builder of GGUF files, and the cases of containers and key-values.
#include "support/malformed_gguf.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace {

template <class Number>
std::string raw(Number value) {
    std::string text(sizeof value, '\0');
    std::memcpy(text.data(), &value, sizeof value);
    return text;
}

std::string raw_string(const std::string& text) {
    return raw(std::uint64_t{text.size()}) + text;
}

struct Block {
    std::uint64_t count, size;
};

Block block_of(std::uint32_t type) {
    switch (type) {
        case 0:
            return {1, 4};
        case 1:
        case 30:
            return {1, 2};
        case 2:
        case 20:
            return {32, 18};
        case 3:
            return {32, 20};
        case 6:
            return {32, 22};
        case 7:
            return {32, 24};
        case 8:
            return {32, 34};
        case 9:
            return {32, 36};
        case 19:
            return {256, 50};
        case 24:
            return {1, 1};
        case 26:
            return {1, 4};
        case 28:
            return {1, 8};
        case 39:
            return {32, 17};
        default:
            return {1, 1};
    }
}

std::uint64_t size_of(const RawTensor& tensor) {
    std::uint64_t n = 1;
    for (const std::uint64_t dimension : tensor.dimensions) n *= dimension;
    const Block block = block_of(tensor.type);
    return n / block.count * block.size;
}

std::uint64_t padded(std::uint64_t size, std::uint64_t alignment) {
    return alignment == 0 ? size : (size + alignment - 1) / alignment * alignment;
}

RawKey array(std::uint32_t type, std::uint64_t count, const std::string& elements) {
    return {"", 9, raw(type) + raw(count) + elements};
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();

class Cases {
public:
    void add(std::string name, Outcome outcome, std::string in_message,
             const std::function<void(RawGguf&)>& change) {
        RawGguf file = raw_model();
        change(file);
        cases_.push_back({std::move(name), file.build(), outcome, std::move(in_message)});
    }
    void add_bytes(std::string name, Outcome outcome, std::string bytes) {
        cases_.push_back({std::move(name), std::move(bytes), outcome, ""});
    }
    std::vector<MalformedCase> take() { return std::move(cases_); }

private:
    std::vector<MalformedCase> cases_;
};

}  // namespace

RawKey& RawGguf::key(const std::string& name) {
    for (RawKey& key : keys) {
        if (key.key == name) return key;
    }
    keys.push_back({name, 0, ""});
    return keys.back();
}

RawTensor& RawGguf::tensor(const std::string& name) {
    for (RawTensor& tensor : tensors) {
        if (tensor.name == name) return tensor;
    }
    tensors.push_back({name, {}, 0, 0, 0});
    return tensors.back();
}

void RawGguf::remove_key(const std::string& name) {
    std::erase_if(keys, [&](const RawKey& key) { return key.key == name; });
}

void RawGguf::remove_tensor(const std::string& name) {
    std::erase_if(tensors, [&](const RawTensor& tensor) { return tensor.name == name; });
    place();
}

void RawGguf::set(const std::string& name, const RawKey& value) {
    RawKey& mine = key(name);
    mine.type = value.type;
    mine.value = value.value;
}

void RawGguf::reshape(const std::string& name, std::vector<std::uint64_t> dimensions) {
    tensor(name).dimensions = std::move(dimensions);
    place();
}

void RawGguf::retype(const std::string& name, std::uint32_t type) {
    tensor(name).type = type;
    place();
}

void RawGguf::place() {
    std::uint64_t offset = 0;
    for (RawTensor& tensor : tensors) {
        tensor.offset = offset;
        tensor.size = size_of(tensor);
        offset += padded(tensor.size, alignment);
    }
}

std::string RawGguf::header() const {
    std::string text =
        magic + raw(version) + raw(n_tensors.value_or(tensors.size())) + raw(n_keys.value_or(keys.size()));
    for (const RawKey& key : keys) text += raw_string(key.key) + raw(key.type) + key.value;
    for (const RawTensor& tensor : tensors) {
        text += raw_string(tensor.name) + raw(static_cast<std::uint32_t>(tensor.dimensions.size()));
        for (const std::uint64_t dimension : tensor.dimensions) text += raw(dimension);
        text += raw(tensor.type) + raw(tensor.offset);
    }
    return text;
}

std::string RawGguf::build() const {
    std::string text = header();
    text.resize(padded(text.size(), alignment), '\0');
    std::uint64_t end = 0;
    for (const RawTensor& tensor : tensors) {
        const std::uint64_t last = tensor.offset + tensor.size;
        if (last < (16u << 20)) end = std::max(end, last);  // not for offsets that lie
    }
    text.resize(text.size() + end, '\0');
    return text + tail;
}

RawKey raw_u8(std::uint8_t value) {
    return {"", 0, raw(value)};
}
RawKey raw_u32(std::uint32_t value) {
    return {"", 4, raw(value)};
}
RawKey raw_i32(std::int32_t value) {
    return {"", 5, raw(value)};
}
RawKey raw_u64(std::uint64_t value) {
    return {"", 10, raw(value)};
}
RawKey raw_i64(std::int64_t value) {
    return {"", 11, raw(value)};
}
RawKey raw_f32(float value) {
    return {"", 6, raw(value)};
}
RawKey raw_f64(double value) {
    return {"", 12, raw(value)};
}
RawKey raw_bool(std::uint8_t value) {
    return {"", 7, raw(value)};
}
RawKey raw_text(const std::string& value) {
    return {"", 8, raw_string(value)};
}

RawKey raw_i32s(const std::vector<std::int32_t>& values) {
    std::string elements;
    for (const std::int32_t value : values) elements += raw(value);
    return array(5, values.size(), elements);
}

RawKey raw_texts(const std::vector<std::string>& values) {
    std::string elements;
    for (const std::string& value : values) elements += raw_string(value);
    return array(8, values.size(), elements);
}

RawGguf raw_model() {
    RawGguf file;
    const std::string a = "lfm2moe.";
    file.set("general.architecture", raw_text("lfm2moe"));
    file.set("general.name", raw_text("malformed"));
    file.set(a + "block_count", raw_u32(3));
    file.set(a + "context_length", raw_u32(128));
    file.set(a + "embedding_length", raw_u32(32));
    file.set(a + "feed_forward_length", raw_u32(64));
    file.set(a + "attention.head_count", raw_u32(2));
    file.set(a + "attention.head_count_kv", raw_i32s({0, 1, 0}));
    file.set(a + "rope.freq_base", raw_f32(1e6F));
    file.set(a + "attention.layer_norm_rms_epsilon", raw_f32(1e-5F));
    file.set(a + "vocab_size", raw_u32(40));
    file.set(a + "shortconv.l_cache", raw_u32(3));
    file.set(a + "expert_count", raw_u32(4));
    file.set(a + "expert_used_count", raw_u32(2));
    file.set(a + "expert_feed_forward_length", raw_u32(96));
    file.set(a + "leading_dense_block_count", raw_u32(1));
    file.set(a + "expert_gating_func", raw_u32(2));
    const auto add = [&](const std::string& name, std::vector<std::uint64_t> dimensions, std::uint32_t type) {
        file.tensors.push_back({name, std::move(dimensions), type, 0, 0});
    };
    add("token_embd.weight", {32, 40}, 8);
    add("token_embd_norm.weight", {32}, 0);
    for (int i = 0; i < 3; ++i) {
        const std::string p = "blk." + std::to_string(i) + ".";
        add(p + "attn_norm.weight", {32}, 0);
        add(p + "ffn_norm.weight", {32}, 0);
        if (i == 1) {
            add(p + "attn_q.weight", {32, 32}, 8);
            add(p + "attn_k.weight", {32, 16}, 8);
            add(p + "attn_v.weight", {32, 16}, 8);
            add(p + "attn_output.weight", {32, 32}, 8);
            add(p + "attn_q_norm.weight", {16}, 0);
            add(p + "attn_k_norm.weight", {16}, 0);
        } else {
            add(p + "shortconv.in_proj.weight", {32, 96}, 8);
            add(p + "shortconv.out_proj.weight", {32, 32}, 8);
            add(p + "shortconv.conv.weight", {3, 32}, 0);
        }
        if (i == 0) {
            add(p + "ffn_gate.weight", {32, 64}, 8);
            add(p + "ffn_up.weight", {32, 64}, 8);
            add(p + "ffn_down.weight", {64, 32}, 8);
            continue;
        }
        add(p + "ffn_gate_inp.weight", {32, 4}, 0);
        add(p + "exp_probs_b.bias", {4}, 0);
        add(p + "ffn_gate_exps.weight", {32, 96, 4}, 8);
        add(p + "ffn_up_exps.weight", {32, 96, 4}, 8);
        add(p + "ffn_down_exps.weight", {96, 32, 4}, 8);
    }
    file.place();
    return file;
}

std::vector<MalformedCase> malformed_containers() {
    Cases cases;
    const RawGguf model = raw_model();
    const std::string whole = model.build();
    cases.add("A: the model itself", Outcome::kLoads, "", [](RawGguf&) {});
    for (std::size_t size = 0; size < 24; ++size) {
        cases.add_bytes("A2: a file of " + std::to_string(size) + " bytes", Outcome::kCorrupt,
                        whole.substr(0, size));
    }
    cases.add("A3: wrong magic", Outcome::kCorrupt, "not GGUF", [](RawGguf& f) { f.magic = "GGML"; });
    cases.add("A4: swapped magic", Outcome::kUnsupported, "big-endian", [](RawGguf& f) { f.magic = "FUGG"; });
    cases.add("A5: version 0", Outcome::kCorrupt, "version 0", [](RawGguf& f) { f.version = 0; });
    cases.add("A5: version 2", Outcome::kLoads, "", [](RawGguf& f) { f.version = 2; });
    for (const std::uint32_t version : {1u, 4u, 0xFFFFFFFFu}) {
        cases.add("A5: version " + std::to_string(version), Outcome::kUnsupported, "version",
                  [&](RawGguf& f) { f.version = version; });
    }
    for (const std::uint32_t version : {0x01000000u, 0x02000000u, 0x03000000u}) {
        cases.add("A5: swapped version " + std::to_string(version), Outcome::kUnsupported, "big-endian",
                  [&](RawGguf& f) { f.version = version; });
    }
    const std::size_t data = padded(model.header().size(), 32);
    for (const RawTensor& tensor : model.tensors) {
        for (const int step : {-1, 0, 1}) {
            const std::size_t size = data + tensor.offset + tensor.size + static_cast<std::size_t>(step);
            if (size >= whole.size()) continue;
            cases.add_bytes("A8: cut " + std::to_string(step) + " from the end of " + tensor.name,
                            Outcome::kCorrupt, whole.substr(0, size));
        }
    }
    cases.add("A14: garbage after the last tensor", Outcome::kLoads, "",
              [](RawGguf& f) { f.tail = "garbage"; });
    cases.add("A14: a second file after the first", Outcome::kLoads, "",
              [&](RawGguf& f) { f.tail = std::string(64, '\0') + whole; });
    return cases.take();
}

std::vector<MalformedCase> malformed_metadata() {
    Cases cases;
    const auto corrupt = Outcome::kCorrupt;
    const auto unsupported = Outcome::kUnsupported;
    const std::uint64_t lies[] = {1ull << 63, ~0ull, ~0ull / 304 + 1, 1ull << 32, 1000000};
    for (const std::uint64_t lie : lies) {
        const std::string text = std::to_string(lie);
        cases.add("B17: " + text + " tensors", corrupt, text, [&](RawGguf& f) { f.n_tensors = lie; });
        cases.add("B18: " + text + " keys", corrupt, text, [&](RawGguf& f) { f.n_keys = lie; });
    }
    cases.add("B17: no tensors", corrupt, "missing", [](RawGguf& f) { f.tensors.clear(); });
    cases.add("B18: no keys", Outcome::kAnyError, "", [](RawGguf& f) { f.n_keys = 0; });
    cases.add("B18: one key too few", Outcome::kAnyError, "", [](RawGguf& f) { f.n_keys = f.keys.size() - 1; });
    cases.add("B18: one key too many", Outcome::kAnyError, "",
              [](RawGguf& f) { f.n_keys = f.keys.size() + 1; });
    cases.add("B18: 4097 keys", Outcome::kLimit, "4096", [](RawGguf& f) {
        for (int i = 0; i < 4097; ++i) f.keys.push_back({"extra." + std::to_string(i), 0, "x"});
    });
    cases.add("B17: 4097 tensors", Outcome::kLimit, "4096", [](RawGguf& f) {
        for (int i = 0; i < 4097; ++i) f.tensors.push_back({"extra." + std::to_string(i), {8}, 0, 0, 0});
        f.place();
    });
    const auto odd_key = [&](const std::string& name, Outcome outcome, const std::string& key) {
        cases.add(name, outcome, "", [&](RawGguf& f) { f.keys.push_back({key, 0, "x"}); });
    };
    odd_key("B21: an empty key", corrupt, "");
    odd_key("B22: a key that is not UTF-8", corrupt, "a\xFF\xFE");
    odd_key("B22: a key with a zero byte", corrupt, std::string("a\0b", 3));
    odd_key("B22: a key of 64 KiB", Outcome::kLimit, std::string(65536, 'k'));
    odd_key("B22: a key of 65535 bytes", Outcome::kLoads, std::string(65535, 'k'));
    for (const std::uint64_t size : {~0ull, 1ull << 40, 1000000ull}) {
        cases.add("B21: a key of " + std::to_string(size) + " bytes", corrupt, std::to_string(size),
                  [&](RawGguf& f) {
                      // A value that continues as the head of a further key.
                      f.keys.push_back({"last", 0, "x" + raw(size)});
                      f.n_keys = f.keys.size() + 1;
                  });
    }
    for (const std::uint32_t type : {13u, 14u, 255u, 0xFFFFFFFFu}) {
        cases.add("B23: value type " + std::to_string(type), corrupt, std::to_string(type), [&](RawGguf& f) {
            f.keys.push_back({"odd", type, "xxxxxxxx"});
        });
        cases.add("B25: array of type " + std::to_string(type), corrupt, std::to_string(type),
                  [&](RawGguf& f) { f.set("odd", array(type, 1, "xxxxxxxx")); });
    }
    std::string nested;
    for (int i = 0; i < 100000; ++i) nested += raw(9u) + raw(std::uint64_t{1});
    cases.add("B24: an array of arrays", unsupported, "array of arrays",
              [&](RawGguf& f) { f.set("odd", array(9, 1, nested)); });
    for (const std::uint64_t count : {1ull << 61, ~0ull, 1ull << 40, 1000000000ull}) {
        for (const std::uint32_t type : {0u, 8u, 10u}) {
            cases.add("B26: " + std::to_string(count) + " elements of type " + std::to_string(type), corrupt,
                      std::to_string(count), [&](RawGguf& f) { f.set("odd", array(type, count, "")); });
        }
    }
    cases.add("B27: a string of an array beyond the file", corrupt, "",
              [](RawGguf& f) { f.set("odd", array(8, 2, raw_string("a") + raw(std::uint64_t{1} << 33))); });
    cases.add("B28: a string of 16 MiB and one byte", Outcome::kLimit, "16777216",
              [](RawGguf& f) { f.set("odd", raw_text(std::string((16u << 20) + 1, 's'))); });
    for (const std::uint8_t byte : {std::uint8_t{2}, std::uint8_t{255}}) {
        cases.add("B29: a bool of " + std::to_string(byte), corrupt, "odd",
                  [&](RawGguf& f) { f.set("odd", raw_bool(byte)); });
        cases.add("B29: a bool of an array", corrupt, "odd",
                  [&](RawGguf& f) { f.set("odd", array(7, 2, std::string("\1") + static_cast<char>(byte))); });
    }
    cases.add("B30: a key twice", corrupt, "twice",
              [](RawGguf& f) { f.keys.push_back(f.key("lfm2moe.block_count")); });
    cases.add("B30: a key twice with two types", corrupt, "twice", [](RawGguf& f) {
        f.keys.push_back({"general.name", 0, "x"});
    });
    for (const std::uint32_t alignment : {0u, 1u, 3u, 4u, 33u, 48u, 1u << 21, 1u << 31, 0xFFFFFFFFu}) {
        cases.add("B31: alignment " + std::to_string(alignment), corrupt, "general.alignment",
                  [&](RawGguf& f) { f.set("general.alignment", raw_u32(alignment)); });
    }
    cases.add("B31: alignment as text", corrupt, "general.alignment",
              [](RawGguf& f) { f.set("general.alignment", raw_text("32")); });
    for (const std::uint64_t alignment : {8ull, 64ull, 4096ull}) {
        cases.add("B31: alignment " + std::to_string(alignment), Outcome::kLoads, "", [&](RawGguf& f) {
            f.set("general.alignment", raw_u64(alignment));
            f.alignment = alignment;
            f.place();
        });
    }
    cases.add("B43: keys in reverse order", Outcome::kLoads, "",
              [](RawGguf& f) { std::reverse(f.keys.begin(), f.keys.end()); });
    cases.add("B44: unknown keys", Outcome::kLoads, "", [](RawGguf& f) {
        f.set("someone.else", raw_f64(1));
        f.set("lfm2moe.new_thing", raw_i32s({1, 2}));
        f.set("general.file_type", raw_u32(77777));
        f.set("general.quantization_version", raw_u32(99));
        f.set("general.name", raw_text("\x1B[31mred\x07 \xFF"));
    });
    const char* required[] = {"block_count",
                              "context_length",
                              "embedding_length",
                              "feed_forward_length",
                              "attention.head_count",
                              "attention.head_count_kv",
                              "rope.freq_base",
                              "attention.layer_norm_rms_epsilon",
                              "shortconv.l_cache",
                              "expert_count",
                              "expert_used_count",
                              "expert_feed_forward_length",
                              "leading_dense_block_count"};
    for (const std::string name : required) {
        const std::string key = "lfm2moe." + name;
        cases.add("B33: without " + key, corrupt, key, [&](RawGguf& f) { f.remove_key(key); });
        cases.add("B33: text for " + key, corrupt, key, [&](RawGguf& f) { f.set(key, raw_text("3")); });
        cases.add("B33: a bool for " + key, corrupt, key, [&](RawGguf& f) { f.set(key, raw_bool(1)); });
        if (name == "rope.freq_base" || name == "attention.layer_norm_rms_epsilon") {
            for (const float value : {NAN, kInfinity, -kInfinity, 0.0F, -1.0F, 1e-40F}) {
                cases.add("B36: " + key + " " + std::to_string(value), corrupt, "configuration",
                          [&](RawGguf& f) { f.set(key, raw_f32(value)); });
            }
            cases.add("B36: " + key + " in double precision", Outcome::kLoads, "",
                      [&](RawGguf& f) { f.set(key, raw_f64(name == "rope.freq_base" ? 1e6 : 1e-5)); });
            continue;
        }
        cases.add("B35: negative " + key, corrupt, key, [&](RawGguf& f) { f.set(key, raw_i32(-1)); });
        cases.add("B35: huge " + key, Outcome::kAnyError, "", [&](RawGguf& f) { f.set(key, raw_u64(~0ull)); });
        if (name == "attention.head_count_kv") continue;
        std::uint32_t value = 0;
        std::memcpy(&value, raw_model().key(key).value.data(), sizeof value);
        cases.add("B34: i64 for " + key, Outcome::kLoads, "", [&](RawGguf& f) { f.set(key, raw_i64(value)); });
        cases.add("B34: u64 for " + key, Outcome::kLoads, "", [&](RawGguf& f) { f.set(key, raw_u64(value)); });
        cases.add("B34: i32 for " + key, Outcome::kLoads, "",
                  [&](RawGguf& f) { f.set(key, raw_i32(static_cast<std::int32_t>(value))); });
        cases.add("B34: u8 for " + key, Outcome::kLoads, "",
                  [&](RawGguf& f) { f.set(key, raw_u8(static_cast<std::uint8_t>(value))); });
    }
    cases.add("B33: without architecture", corrupt, "general.architecture",
              [](RawGguf& f) { f.remove_key("general.architecture"); });
    for (const std::string& name : {std::string(), std::string("llama"), std::string(1u << 20, 'x')}) {
        cases.add("B37: architecture " + name.substr(0, 8), unsupported, "architecture",
                  [&](RawGguf& f) { f.set("general.architecture", raw_text(name)); });
    }
    cases.add("B37: lfm2 with tensors of experts", corrupt, "", [](RawGguf& f) {
        for (RawKey& key : f.keys) {
            if (key.key.rfind("lfm2moe.", 0) == 0) key.key = "lfm2." + key.key.substr(8);
        }
        f.set("general.architecture", raw_text("lfm2"));
        f.remove_key("lfm2.expert_count");
    });
    const auto layers = [&](std::uint32_t n, Outcome outcome) {
        cases.add("B41: block_count " + std::to_string(n), outcome, "block",
                  [&](RawGguf& f) { f.set("lfm2moe.block_count", raw_u32(n)); });
    };
    layers(0, corrupt);
    for (const std::uint32_t n : {513u, 1u << 31, 0xFFFFFFFFu}) layers(n, unsupported);
    const auto heads = [&](const std::string& name, Outcome outcome, const RawKey& value) {
        cases.add("B42: " + name, outcome, "",
                  [&](RawGguf& f) { f.set("lfm2moe.attention.head_count_kv", value); });
    };
    heads("too few layers", corrupt, raw_i32s({0, 1}));
    heads("too many layers", corrupt, raw_i32s({0, 1, 0, 0}));
    heads("a scalar: attention everywhere", unsupported, raw_u32(1));
    heads("all zero", unsupported, raw_i32s({0, 0, 0}));
    heads("attention everywhere", unsupported, raw_i32s({1, 1, 1}));
    heads("negative", corrupt, raw_i32s({0, -1, 0}));
    heads("not dividing the heads", corrupt, raw_i32s({0, 3, 0}));
    heads("two numbers", unsupported, raw_i32s({1, 2, 0}));
    heads("floats", corrupt, array(6, 3, std::string(12, '\0')));
    heads("texts", corrupt, raw_texts({"0", "1", "0"}));
    heads("no elements", corrupt, raw_i32s({}));
    return cases.take();
}
