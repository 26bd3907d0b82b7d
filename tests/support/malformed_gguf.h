// Malformed GGUF files, each with the outcome that reference/reliability.md 1.2 asks for. Knows nothing of
// the library: the files are built byte by byte.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Numbered as the statuses of sluice/base.h.
enum class Outcome : int {
    kLoads = 0,
    kCorrupt = -4,
    kUnsupported = -5,
    kLimit = -7,
    kAnyError = 1,
};

struct MalformedCase {
    std::string name;
    std::string bytes;
    Outcome outcome = Outcome::kCorrupt;
    std::string in_message;  // what the message has to mention
};

struct RawKey {
    std::string key;
    std::uint32_t type = 0;
    std::string value;  // as it lies in the file
};

struct RawTensor {
    std::string name;
    std::vector<std::uint64_t> dimensions;
    std::uint32_t type = 0;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

// A GGUF file in parts that can be changed one by one.
struct RawGguf {
    std::string magic = "GGUF";
    std::uint32_t version = 3;
    std::optional<std::uint64_t> n_tensors, n_keys;  // other than the true ones
    std::vector<RawKey> keys;
    std::vector<RawTensor> tensors;
    std::uint64_t alignment = 32;
    std::string tail;

    RawKey& key(const std::string& name);  // added where there is none
    RawTensor& tensor(const std::string& name);
    void remove_key(const std::string& name);
    void remove_tensor(const std::string& name);
    void set(const std::string& name, const RawKey& value);                        // type and value
    void reshape(const std::string& name, std::vector<std::uint64_t> dimensions);  // its size follows
    void retype(const std::string& name, std::uint32_t type);                      // the same
    void place();  // gives every tensor its place, one behind the other
    std::string header() const;
    std::string build() const;  // all weights are zero
};

// Values of the types of GGUF, without a key.
RawKey raw_u8(std::uint8_t value);
RawKey raw_u32(std::uint32_t value);
RawKey raw_i32(std::int32_t value);
RawKey raw_u64(std::uint64_t value);
RawKey raw_i64(std::int64_t value);
RawKey raw_f32(float value);
RawKey raw_f64(double value);
RawKey raw_bool(std::uint8_t value);
RawKey raw_text(const std::string& value);
RawKey raw_i32s(const std::vector<std::int32_t>& values);
RawKey raw_texts(const std::vector<std::string>& values);

// A small lfm2moe model: hidden 32, 3 layers, attention in the middle, 4 experts. Without a tokenizer.
RawGguf raw_model();
// The same with one: 17 tokens that the byte-level letters of ASCII make.
RawGguf raw_model_with_tokenizer();

std::vector<MalformedCase> malformed_containers();  // reliability.md 1.2 A
std::vector<MalformedCase> malformed_metadata();    // B
std::vector<MalformedCase> malformed_tensors();     // C
std::vector<MalformedCase> malformed_models();      // D
std::vector<MalformedCase> malformed_tokenizers();  // E, as far as the model layer sees it
