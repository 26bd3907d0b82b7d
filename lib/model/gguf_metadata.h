// The key-value part of a GGUF file, typed and bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "model/cursor.h"

namespace sluice {

// Numbered as in the file (ggml/docs/gguf.md).
enum class MetadataType : std::uint32_t {
    kUint8 = 0,
    kInt8 = 1,
    kUint16 = 2,
    kInt16 = 3,
    kUint32 = 4,
    kInt32 = 5,
    kFloat32 = 6,
    kBool = 7,
    kString = 8,
    kArray = 9,
    kUint64 = 10,
    kInt64 = 11,
    kFloat64 = 12,
};

const char* name_of(MetadataType type);
// Bytes of one value; 0 for strings and arrays.
std::uint32_t size_of(MetadataType type);

// Elements of one type: numbers as they lie in the file, or strings one behind the other.
struct MetadataArray {
    MetadataType element_type = MetadataType::kUint8;
    std::uint64_t count = 0;
    std::vector<std::byte> numbers;
    std::string text;
    std::vector<std::uint64_t> ends;  // of each string in text

    // Each requires i < count. Empty when the elements are of another kind.
    std::string_view string(std::uint64_t i) const;
    std::optional<std::int64_t> integer(std::uint64_t i) const;  // also empty when above INT64_MAX
    std::optional<double> number(std::uint64_t i) const;         // float elements only
};

struct MetadataValue {
    MetadataType type = MetadataType::kUint8;
    // Unsigned and signed integers, floats, bool, string, array.
    std::variant<std::uint64_t, std::int64_t, double, bool, std::string, MetadataArray> content;
    std::uint64_t offset = 0;  // in the file, for messages

    static MetadataValue uint32(std::uint32_t value);
    static MetadataValue float32(float value);
    static MetadataValue boolean(bool value);
    static MetadataValue string(std::string_view value);
    static MetadataValue strings(const std::vector<std::string>& values);
    static MetadataValue int32s(const std::vector<std::int32_t>& values);
    static MetadataValue float32s(const std::vector<float>& values);

    // As people read it; empty for an array.
    std::optional<std::string> to_text() const;
};

constexpr std::uint64_t kMaxKeys = 4096;
constexpr std::uint64_t kMaxKeySize = 65535;            // ggml/docs/gguf.md
constexpr std::uint64_t kMaxStringSize = 16u << 20;     // reference/reliability.md 3.3
constexpr std::uint64_t kMaxMetadataSize = 256u << 20;  // the same

// Keys in file order. The typed getters give nothing when the key is absent.
// Errors of all getters: CORRUPT, naming the key, its type and its place, when the value is of another kind.
class Metadata {
public:
    using Member = std::pair<std::string, MetadataValue>;

    // Errors: CORRUPT for a key that is there already.
    Done add(std::string key, MetadataValue value);
    // Adds or replaces.
    void set(std::string_view key, MetadataValue value);

    const MetadataValue* find(std::string_view key) const;
    const std::vector<Member>& members() const { return members_; }

    // Any integer width, not negative.
    Result<std::optional<std::uint64_t>> natural(std::string_view key) const;
    // A float or an integer.
    Result<std::optional<double>> number(std::string_view key) const;
    Result<std::optional<bool>> boolean(std::string_view key) const;
    Result<std::optional<std::string_view>> text(std::string_view key) const;
    // Null when absent.
    Result<const MetadataArray*> array(std::string_view key) const;

private:
    std::vector<Member> members_;
    std::unordered_map<std::string, std::size_t> by_key_;
};

// Reads n_keys key-values at the cursor.
// Errors: CORRUPT, LIMIT, UNSUPPORTED (an array of arrays), those of Cursor::take.
Result<Metadata> read_metadata(Cursor& cursor, std::uint64_t n_keys);

// A string at the cursor: its size in 8 bytes, then its bytes. The view lives until the next take.
// Errors: CORRUPT, LIMIT.
Result<std::string_view> read_string(Cursor& cursor, std::uint64_t max_size, std::string_view what);

}  // namespace sluice
