// Reads GGUF key-values. Every count is compared with the bytes that remain before anything is allocated.
#include "model/gguf_metadata.h"

#include <algorithm>

#include "base/checked.h"
#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice {
namespace {

constexpr std::uint64_t kMinStringSize = 8;      // the size alone
constexpr std::uint64_t kCopyPiece = 64u << 10;  // numbers are copied in pieces, so a lie costs little

template <class Number>
Result<Number> read_number(Cursor& cursor) {
    return cursor.number<Number>("a metadata value");
}

template <class Stored, class Number>
Done store(Cursor& cursor, MetadataValue& value) {
    SLUICE_ASSIGN(number, read_number<Number>(cursor));
    value.content = static_cast<Stored>(number);
    return Nothing{};
}

Done read_array(Cursor& cursor, std::string_view key, MetadataArray& array) {
    const std::uint64_t offset = cursor.position();
    SLUICE_ASSIGN(type_number, cursor.number<std::uint32_t>("an array's element type"));
    if (type_number > static_cast<std::uint32_t>(MetadataType::kFloat64)) {
        return error_at(offset, SLUICE_E_CORRUPT, "the array ", printable(key),
                        " has the unknown element type ", type_number);
    }
    array.element_type = static_cast<MetadataType>(type_number);
    if (array.element_type == MetadataType::kArray) {
        return error_at(offset, SLUICE_E_UNSUPPORTED, "the value of ", printable(key),
                        " is an array of arrays");
    }
    SLUICE_ASSIGN(count, cursor.number<std::uint64_t>("an array's size"));
    const bool is_text = array.element_type == MetadataType::kString;
    const std::uint64_t element_size = is_text ? kMinStringSize : size_of(array.element_type);
    if (count > cursor.remaining() / element_size) {
        return error_at(offset + 4, SLUICE_E_CORRUPT, "the array ", printable(key), " claims ", count,
                        " elements, but only ", cursor.remaining(), " bytes remain");
    }
    array.count = count;
    if (!is_text) {
        std::uint64_t left = count * element_size;
        while (left > 0) {
            const std::uint64_t piece = std::min(left, kCopyPiece);
            SLUICE_ASSIGN(bytes, cursor.take(piece, "an array"));
            array.numbers.insert(array.numbers.end(), bytes.begin(), bytes.end());
            left -= piece;
        }
        if (array.element_type == MetadataType::kBool) {
            for (const std::byte byte : array.numbers) {
                if (byte > std::byte{1}) {
                    return error_at(offset, SLUICE_E_CORRUPT, "the array ", printable(key),
                                    " holds a bool that is neither 0 nor 1");
                }
            }
        }
        return Nothing{};
    }
    array.ends.reserve(std::min<std::uint64_t>(count, 1u << 16));
    for (std::uint64_t i = 0; i < count; ++i) {
        SLUICE_ASSIGN(text, read_string(cursor, kMaxStringSize, "a string of an array"));
        array.text += text;
        array.ends.push_back(array.text.size());
    }
    return Nothing{};
}

Done read_value(Cursor& cursor, std::string_view key, MetadataValue& value) {
    value.offset = cursor.position();
    SLUICE_ASSIGN(type_number, cursor.number<std::uint32_t>("a metadata value's type"));
    if (type_number > static_cast<std::uint32_t>(MetadataType::kFloat64)) {
        return error_at(value.offset, SLUICE_E_CORRUPT, "the value of ", printable(key),
                        " has the unknown type ", type_number);
    }
    value.type = static_cast<MetadataType>(type_number);
    switch (value.type) {
        case MetadataType::kUint8:
            return store<std::uint64_t, std::uint8_t>(cursor, value);
        case MetadataType::kInt8:
            return store<std::int64_t, std::int8_t>(cursor, value);
        case MetadataType::kUint16:
            return store<std::uint64_t, std::uint16_t>(cursor, value);
        case MetadataType::kInt16:
            return store<std::int64_t, std::int16_t>(cursor, value);
        case MetadataType::kUint32:
            return store<std::uint64_t, std::uint32_t>(cursor, value);
        case MetadataType::kInt32:
            return store<std::int64_t, std::int32_t>(cursor, value);
        case MetadataType::kFloat32:
            return store<double, float>(cursor, value);
        case MetadataType::kUint64:
            return store<std::uint64_t, std::uint64_t>(cursor, value);
        case MetadataType::kInt64:
            return store<std::int64_t, std::int64_t>(cursor, value);
        case MetadataType::kFloat64:
            return store<double, double>(cursor, value);
        case MetadataType::kBool: {
            SLUICE_ASSIGN(number, read_number<std::uint8_t>(cursor));
            if (number > 1) {
                return error_at(value.offset, SLUICE_E_CORRUPT, "the bool ", printable(key),
                                " is neither 0 nor 1 but ", number);
            }
            value.content = number == 1;
            return Nothing{};
        }
        case MetadataType::kString: {
            SLUICE_ASSIGN(text, read_string(cursor, kMaxStringSize, "a metadata string"));
            value.content = std::string(text);
            return Nothing{};
        }
        case MetadataType::kArray: {
            MetadataArray array;
            SLUICE_TRY(read_array(cursor, key, array));
            value.content = std::move(array);
            return Nothing{};
        }
    }
    return Nothing{};
}

}  // namespace

Result<std::string_view> read_string(Cursor& cursor, std::uint64_t max_size, std::string_view what) {
    const std::uint64_t offset = cursor.position();
    SLUICE_ASSIGN(size, cursor.number<std::uint64_t>(what));
    if (size > cursor.remaining()) {
        return error_at(offset, SLUICE_E_CORRUPT, what, " claims ", size, " bytes, but only ",
                        cursor.remaining(), " remain");
    }
    if (size > max_size) {
        return error_at(offset, SLUICE_E_LIMIT, what, " has ", size, " bytes, at most ", max_size, " are read");
    }
    SLUICE_ASSIGN(bytes, cursor.take(size, what));
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Result<Metadata> read_metadata(Cursor& cursor, std::uint64_t n_keys) {
    Metadata metadata;
    for (std::uint64_t i = 0; i < n_keys; ++i) {
        const std::uint64_t offset = cursor.position();
        SLUICE_ASSIGN(view, read_string(cursor, kMaxKeySize, "a metadata key"));
        std::string key(view);
        if (key.empty() || key.find('\0') != std::string::npos || !is_utf8(key)) {
            return error_at(offset, SLUICE_E_CORRUPT, "the metadata key number ", i, " \"", printable(key),
                            "\" is not a name");
        }
        MetadataValue value;
        SLUICE_TRY(read_value(cursor, key, value));
        SLUICE_TRY(metadata.add(std::move(key), std::move(value)));
    }
    return metadata;
}

}  // namespace sluice
