// Headers of safetensors files that break one rule of the format each.
#include "support/malformed_safetensors.h"

#include <cstring>

namespace {

std::string with_size(std::uint64_t size, const std::string& rest) {
    std::string text(sizeof size, '\0');
    std::memcpy(text.data(), &size, sizeof size);
    return text + rest;
}

std::string tensor(const std::string& name, const std::string& dtype, const std::string& shape,
                   const std::string& offsets) {
    return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets +
           "}";
}

}  // namespace

std::string safetensors_file(const std::string& header, std::size_t n_data) {
    return with_size(header.size(), header) + std::string(n_data, '\0');
}

std::vector<MalformedCase> malformed_safetensors() {
    const auto corrupt = Outcome::kCorrupt;
    const auto loads = Outcome::kLoads;
    std::vector<MalformedCase> cases;
    const auto add_file = [&](const std::string& name, Outcome outcome, const std::string& bytes) {
        cases.push_back({"F: " + name, bytes, outcome, ""});
    };
    const auto add = [&](const std::string& name, Outcome outcome, const std::string& members,
                         std::size_t n_data) {
        add_file(name, outcome, safetensors_file("{" + members + "}", n_data));
    };
    const std::string a = tensor("a", "F32", "[2,2]", "[0,16]");
    const std::string b = tensor("b", "BF16", "[4]", "[16,24]");
    add("two tensors", loads, a + "," + b, 24);
    add("in the other order", loads, b + "," + a, 24);
    add("no tensors", loads, "", 0);
    add("a scalar", loads, tensor("a", "F32", "[]", "[0,4]"), 4);
    add("an empty tensor", loads, tensor("a", "F32", "[0,4]", "[0,0]"), 0);
    add("metadata", loads, "\"__metadata__\":{\"format\":\"pt\"}," + a, 16);
    add_file("spaces behind the header", loads, safetensors_file("{" + a + "}   ", 16));
    for (std::size_t size = 0; size < 10; ++size) add_file("cut", corrupt, std::string(size, '\0'));
    for (const std::uint64_t size : {0ull, 1ull, 17ull, 1ull << 40, 1ull << 63, ~0ull}) {
        add_file("a header of " + std::to_string(size), corrupt, with_size(size, "{}"));
    }
    add_file("a header that begins with a space", corrupt, safetensors_file(" {}", 0));
    add_file("a header that is an array", corrupt, safetensors_file("[]", 0));
    add_file("a header that does not end", corrupt, safetensors_file("{" + a, 16));
    add_file("text behind the header", corrupt, safetensors_file("{" + a + "}x", 16));
    add_file("a header that is not UTF-8", corrupt, safetensors_file("{\"\xFF\":1}", 0));
    std::string deep = "{\"__metadata__\":";
    for (int i = 0; i < 100000; ++i) deep += "[";
    add_file("100000 open brackets", Outcome::kAnyError, safetensors_file(deep, 0));
    add("a name twice", corrupt, a + "," + a, 16);
    add("a member of a tensor twice", corrupt,
        "\"a\":{\"dtype\":\"F32\",\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,16]}", 16);
    add("an unknown member", corrupt,
        "\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16],\"other\":1}", 16);
    add("an empty name", corrupt, tensor("", "F32", "[4]", "[0,16]"), 16);
    add("a tensor that is a number", corrupt, "\"a\":1", 0);
    add("no dtype", corrupt, "\"a\":{\"shape\":[4],\"data_offsets\":[0,16]}", 16);
    add("no shape", corrupt, "\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,16]}", 16);
    add("no offsets", corrupt, "\"a\":{\"dtype\":\"F32\",\"shape\":[4]}", 16);
    add("a dtype that is a number", corrupt, "\"a\":{\"dtype\":1,\"shape\":[4],\"data_offsets\":[0,16]}", 16);
    add("an unknown dtype", Outcome::kUnsupported, tensor("a", "F12", "[4]", "[0,16]"), 16);
    add("metadata that is a number", corrupt, "\"__metadata__\":1," + a, 16);
    add("metadata with a number", corrupt, "\"__metadata__\":{\"a\":1}," + a, 16);
    const auto offsets = [&](const std::string& text) {
        add("offsets " + text, corrupt, tensor("a", "F32", "[4]", text), 16);
    };
    for (const char* text : {"[16,0]", "[0,15]", "[0,17]", "[0,32]", "[4,20]", "[-16,0]", "[0]", "[0,16,32]",
                             "[0.5,16]", "[\"0\",\"16\"]", "16", "[]", "[18446744073709551600,0]",
                             "[0,18446744073709551616]", "[0,1e999]", "[null,16]"}) {
        offsets(text);
    }
    const auto shape = [&](const std::string& text) {
        add("shape " + text, corrupt, tensor("a", "F32", text, "[0,16]"), 16);
    };
    for (const char* text : {"[3]", "[5]", "[-4]", "[4,-1]", "4", "[[4]]", "[\"4\"]", "[4.5]", "[2,2,2]",
                             "[9223372036854775807,2]", "[4294967296,4294967296,4]", "[4611686018427387905]",
                             "[1,1,1,1,1,1,1,1,4]", "{\"0\":4}", "null"}) {
        shape(text);
    }
    add("two tensors that overlap", corrupt, a + "," + tensor("b", "F32", "[2]", "[12,20]"), 20);
    add("two tensors at one place", corrupt, a + "," + tensor("b", "F32", "[4]", "[0,16]"), 16);
    add("a hole between tensors", corrupt, a + "," + tensor("b", "F32", "[2]", "[20,28]"), 28);
    add("a hole at the start", corrupt, tensor("a", "F32", "[4]", "[4,20]"), 20);
    add("bytes behind the last tensor", corrupt, a, 17);
    add("a missing byte", corrupt, a, 15);
    return cases;
}
