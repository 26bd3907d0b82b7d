// Typed access to metadata that has been read, and values for a file to write.
#include <cmath>
#include <cstring>
#include <limits>

#include "base/checked.h"
#include "base/sentence.h"
#include "base/utf8.h"
#include "model/gguf_metadata.h"

namespace sluice {
namespace {

struct TypeName {
    const char* name;
    std::uint32_t size;
};

constexpr TypeName kTypeNames[] = {
    {"uint8", 1}, {"int8", 1},   {"uint16", 2}, {"int16", 2},  {"uint32", 4}, {"int32", 4},   {"float32", 4},
    {"bool", 1},  {"string", 0}, {"array", 0},  {"uint64", 8}, {"int64", 8},  {"float64", 8},
};

const TypeName& entry_of(MetadataType type) {
    return kTypeNames[static_cast<std::uint32_t>(type)];
}

Error wrong_type(std::string_view key, const MetadataValue& value, std::string_view expected) {
    return error_at(value.offset, SLUICE_E_CORRUPT, "the metadata key ", printable(key), " is of type ",
                    name_of(value.type), ", expected ", expected);
}

template <class Number>
Number element(const MetadataArray& array, std::uint64_t i) {
    Number number;
    std::memcpy(&number, array.numbers.data() + i * sizeof number, sizeof number);
    return number;
}

template <class Number>
MetadataValue numbers_value(MetadataType type, const std::vector<Number>& values) {
    MetadataArray array;
    array.element_type = type;
    array.count = values.size();
    array.numbers.resize(values.size() * sizeof(Number));
    if (!values.empty()) std::memcpy(array.numbers.data(), values.data(), array.numbers.size());
    return {MetadataType::kArray, std::move(array)};
}

}  // namespace

const char* name_of(MetadataType type) {
    return entry_of(type).name;
}
std::uint32_t size_of(MetadataType type) {
    return entry_of(type).size;
}

std::string_view MetadataArray::string(std::uint64_t i) const {
    if (element_type != MetadataType::kString) return {};
    const std::uint64_t start = i == 0 ? 0 : ends[i - 1];
    return std::string_view(text).substr(start, ends[i] - start);
}

std::optional<std::int64_t> MetadataArray::integer(std::uint64_t i) const {
    switch (element_type) {
        case MetadataType::kUint8:
            return element<std::uint8_t>(*this, i);
        case MetadataType::kInt8:
            return element<std::int8_t>(*this, i);
        case MetadataType::kUint16:
            return element<std::uint16_t>(*this, i);
        case MetadataType::kInt16:
            return element<std::int16_t>(*this, i);
        case MetadataType::kUint32:
            return element<std::uint32_t>(*this, i);
        case MetadataType::kInt32:
            return element<std::int32_t>(*this, i);
        case MetadataType::kUint64:
            return checked_cast<std::int64_t>(element<std::uint64_t>(*this, i));
        case MetadataType::kInt64:
            return element<std::int64_t>(*this, i);
        default:
            return std::nullopt;
    }
}

std::optional<double> MetadataArray::number(std::uint64_t i) const {
    if (element_type == MetadataType::kFloat32) return element<float>(*this, i);
    if (element_type == MetadataType::kFloat64) return element<double>(*this, i);
    return std::nullopt;
}

MetadataValue MetadataValue::uint32(std::uint32_t value) {
    return {MetadataType::kUint32, std::uint64_t{value}};
}
MetadataValue MetadataValue::float32(float value) {
    return {MetadataType::kFloat32, double{value}};
}
MetadataValue MetadataValue::boolean(bool value) {
    return {MetadataType::kBool, value};
}
MetadataValue MetadataValue::string(std::string_view value) {
    return {MetadataType::kString, std::string(value)};
}

MetadataValue MetadataValue::strings(const std::vector<std::string>& values) {
    MetadataArray array;
    array.element_type = MetadataType::kString;
    array.count = values.size();
    for (const std::string& value : values) {
        array.text += value;
        array.ends.push_back(array.text.size());
    }
    return {MetadataType::kArray, std::move(array)};
}

MetadataValue MetadataValue::int32s(const std::vector<std::int32_t>& values) {
    return numbers_value(MetadataType::kInt32, values);
}
MetadataValue MetadataValue::float32s(const std::vector<float>& values) {
    return numbers_value(MetadataType::kFloat32, values);
}

std::optional<std::string> MetadataValue::to_text() const {
    if (const auto* natural = std::get_if<std::uint64_t>(&content)) return sentence(*natural);
    if (const auto* integer = std::get_if<std::int64_t>(&content)) return sentence(*integer);
    if (const auto* number = std::get_if<double>(&content)) {
        return type == MetadataType::kFloat32 ? sentence(static_cast<float>(*number)) : sentence(*number);
    }
    if (const auto* flag = std::get_if<bool>(&content)) return *flag ? "true" : "false";
    if (const auto* text = std::get_if<std::string>(&content)) return replace_invalid_utf8(*text);
    return std::nullopt;
}

Done Metadata::add(std::string key, MetadataValue value) {
    const auto [place, is_new] = by_key_.emplace(key, members_.size());
    if (!is_new) {
        return error_at(value.offset, SLUICE_E_CORRUPT, "the metadata key ", printable(key), " appears twice");
    }
    members_.emplace_back(std::move(key), std::move(value));
    return Nothing{};
}

void Metadata::set(std::string_view key, MetadataValue value) {
    const auto [place, is_new] = by_key_.emplace(key, members_.size());
    if (is_new) {
        members_.emplace_back(key, std::move(value));
    } else {
        members_[place->second].second = std::move(value);
    }
}

const MetadataValue* Metadata::find(std::string_view key) const {
    const auto found = by_key_.find(std::string(key));
    return found == by_key_.end() ? nullptr : &members_[found->second].second;
}

Result<std::optional<std::uint64_t>> Metadata::natural(std::string_view key) const {
    const MetadataValue* value = find(key);
    if (value == nullptr) return std::optional<std::uint64_t>();
    if (const auto* number = std::get_if<std::uint64_t>(&value->content)) return std::optional(*number);
    const auto* integer = std::get_if<std::int64_t>(&value->content);
    if (integer == nullptr) return wrong_type(key, *value, "an integer");
    if (*integer < 0) {
        return error_at(value->offset, SLUICE_E_CORRUPT, "the metadata key ", printable(key),
                        " is negative: ", *integer);
    }
    return std::optional(static_cast<std::uint64_t>(*integer));
}

Result<std::optional<double>> Metadata::number(std::string_view key) const {
    const MetadataValue* value = find(key);
    if (value == nullptr) return std::optional<double>();
    if (const auto* number = std::get_if<double>(&value->content)) return std::optional(*number);
    if (const auto* natural = std::get_if<std::uint64_t>(&value->content)) {
        return std::optional(static_cast<double>(*natural));
    }
    if (const auto* integer = std::get_if<std::int64_t>(&value->content)) {
        return std::optional(static_cast<double>(*integer));
    }
    return wrong_type(key, *value, "a number");
}

Result<std::optional<bool>> Metadata::boolean(std::string_view key) const {
    const MetadataValue* value = find(key);
    if (value == nullptr) return std::optional<bool>();
    if (const auto* flag = std::get_if<bool>(&value->content)) return std::optional(*flag);
    return wrong_type(key, *value, "bool");
}

Result<std::optional<std::string_view>> Metadata::text(std::string_view key) const {
    const MetadataValue* value = find(key);
    if (value == nullptr) return std::optional<std::string_view>();
    if (const auto* text = std::get_if<std::string>(&value->content)) {
        return std::optional<std::string_view>(*text);
    }
    return wrong_type(key, *value, "string");
}

Result<const MetadataArray*> Metadata::array(std::string_view key) const {
    const MetadataValue* value = find(key);
    if (value == nullptr) return static_cast<const MetadataArray*>(nullptr);
    if (const auto* array = std::get_if<MetadataArray>(&value->content)) return array;
    return wrong_type(key, *value, "array");
}

}  // namespace sluice
