// JSON from files that are not trusted: a tree of values, read under budgets. json.cpp is the only
// file of the library that knows the JSON package.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace sluice {

struct JsonLimits {
    std::uint64_t max_size = 256ull << 20;  // bytes of text
    std::uint32_t max_depth = 64;
    std::uint64_t max_values = 64ull << 20;
};

class Json {
public:
    using Array = std::vector<Json>;
    using Member = std::pair<std::string, Json>;
    using Object = std::vector<Member>;  // in file order
    // An integer that fits neither int64 nor uint64 is read as a double.
    using Value =
        std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, Array, Object>;

    Json() = default;
    Json(Value value) : value_(std::move(value)) {}

    // Errors: CORRUPT with the byte offset (bad syntax, invalid UTF-8, duplicate key, number out of
    // range), LIMIT (size, depth, count). `what` names the text in messages, such as "config.json".
    static Result<Json> parse(std::string_view text, std::string_view what, const JsonLimits& limits = {});

    bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
    const bool* boolean() const { return std::get_if<bool>(&value_); }
    const double* real() const { return std::get_if<double>(&value_); }  // written with a fraction or exponent
    const std::string* string() const { return std::get_if<std::string>(&value_); }
    const Array* array() const { return std::get_if<Array>(&value_); }
    const Object* object() const { return std::get_if<Object>(&value_); }
    std::optional<std::int64_t> integer() const;   // also a double without a fraction, if it fits
    std::optional<std::uint64_t> natural() const;  // the same, not negative
    std::optional<double> number() const;

    // The member of an object, or null when absent or when this is no object.
    const Json* find(std::string_view key) const;

    // Compact JSON text.
    std::string dump() const;

private:
    Value value_ = nullptr;
};

}  // namespace sluice
