// The only file that knows the JSON package. Its event interface is used, so that depth and counts are
// bounded while reading and nothing recurses.
#include "base/json.h"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "base/checked.h"
#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice {
namespace {

// Builds the tree. `open_` holds the containers that are not closed yet, outermost first.
class TreeBuilder final : public nlohmann::json_sax<nlohmann::json> {
public:
    TreeBuilder(std::string_view what, const JsonLimits& limits) : what_(what), limits_(limits) {}

    bool null() override { return put(Json::Value(nullptr)); }
    bool boolean(bool value) override { return put(Json::Value(value)); }
    bool number_integer(number_integer_t value) override { return put(Json::Value(std::int64_t{value})); }
    bool number_unsigned(number_unsigned_t value) override {
        if (const auto narrow = checked_cast<std::int64_t>(value)) return put(Json::Value(*narrow));
        return put(Json::Value(std::uint64_t{value}));
    }
    bool number_float(number_float_t value, const string_t& text) override {
        if (!std::isfinite(value))
            return fail(SLUICE_E_CORRUPT, sentence("number ", printable(text, 32), " is out of range"));
        return put(Json::Value(double{value}));
    }
    bool string(string_t& value) override { return put(Json::Value(std::move(value))); }
    bool binary(binary_t&) override { return fail(SLUICE_E_CORRUPT, "binary value"); }
    bool start_object(std::size_t) override { return open(Json::Value(Json::Object{})); }
    bool start_array(std::size_t) override { return open(Json::Value(Json::Array{})); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        keys_.back() = std::move(name);
        return true;
    }
    bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
        error_ = error_at(position, SLUICE_E_CORRUPT, what_, " is not valid JSON");
        return false;
    }

    Json take() { return std::move(root_); }
    Error error() const { return error_; }

private:
    bool fail(std::int32_t status, std::string_view why) {
        error_ = make_error(status, what_, ": ", why);
        return false;
    }

    bool put(Json::Value value) {
        if (++n_values_ > limits_.max_values)
            return fail(SLUICE_E_LIMIT, sentence("more than ", limits_.max_values, " values"));
        if (open_.empty()) {
            root_ = Json(std::move(value));
        } else if (auto* array = std::get_if<Json::Array>(&open_.back())) {
            array->emplace_back(std::move(value));
        } else {
            std::get<Json::Object>(open_.back()).emplace_back(std::move(keys_.back()), Json(std::move(value)));
        }
        return true;
    }

    bool open(Json::Value container) {
        if (open_.size() >= limits_.max_depth)
            return fail(SLUICE_E_LIMIT, sentence("nested deeper than ", limits_.max_depth));
        open_.push_back(std::move(container));
        keys_.emplace_back();
        return true;
    }

    bool close() {
        Json::Value container = std::move(open_.back());
        open_.pop_back();
        keys_.pop_back();
        if (const auto* object = std::get_if<Json::Object>(&container);
            object != nullptr && !has_distinct_keys(*object))
            return false;
        return put(std::move(container));
    }

    bool has_distinct_keys(const Json::Object& object) {
        std::vector<std::string_view> names;
        names.reserve(object.size());
        for (const Json::Member& member : object) names.push_back(member.first);
        std::sort(names.begin(), names.end());
        const auto twice = std::adjacent_find(names.begin(), names.end());
        if (twice == names.end()) return true;
        return fail(SLUICE_E_CORRUPT, sentence("key ", printable(*twice), " appears twice"));
    }

    std::string_view what_;
    const JsonLimits& limits_;
    std::uint64_t n_values_ = 0;
    std::vector<Json::Value> open_;
    std::vector<std::string> keys_;  // the key that waits for its value, one for each open container
    Json root_;
    Error error_;
};

}  // namespace

Result<Json> Json::parse(std::string_view text, std::string_view what, const JsonLimits& limits) {
    if (text.size() > limits.max_size) {
        return make_error(SLUICE_E_LIMIT, what, " has ", text.size(), " bytes, more than ", limits.max_size);
    }
    TreeBuilder builder(what, limits);
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) return builder.error();
    return builder.take();
}

std::optional<std::int64_t> Json::integer() const {
    if (const auto* value = std::get_if<std::int64_t>(&value_)) return *value;
    if (const auto* value = std::get_if<double>(&value_)) {
        // 2^63 is the first double that int64 cannot hold.
        if (*value == std::trunc(*value) && *value >= -0x1p63 && *value < 0x1p63)
            return static_cast<std::int64_t>(*value);
    }
    return std::nullopt;
}

std::optional<std::uint64_t> Json::natural() const {
    if (const auto* value = std::get_if<std::uint64_t>(&value_)) return *value;
    const auto value = integer();
    return value ? checked_cast<std::uint64_t>(*value) : std::nullopt;
}

std::optional<double> Json::number() const {
    if (const auto* value = std::get_if<double>(&value_)) return *value;
    if (const auto* value = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*value);
    if (const auto* value = std::get_if<std::uint64_t>(&value_)) return static_cast<double>(*value);
    return std::nullopt;
}

const Json* Json::find(std::string_view key) const {
    const Object* members = object();
    if (members == nullptr) return nullptr;
    for (const Member& member : *members) {
        if (member.first == key) return &member.second;
    }
    return nullptr;
}

namespace {

nlohmann::json to_package(const Json& value) {
    // Depth was bounded when the value was read.
    if (const auto* array = value.array()) {
        auto out = nlohmann::json::array();
        for (const Json& item : *array) out.push_back(to_package(item));
        return out;
    }
    if (const auto* object = value.object()) {
        auto out = nlohmann::json::object();
        for (const auto& [name, item] : *object) out[name] = to_package(item);
        return out;
    }
    if (const auto* text = value.string()) return *text;
    if (const auto* truth = value.boolean()) return *truth;
    if (const auto whole = value.integer(); whole && value.number() == static_cast<double>(*whole))
        return *whole;
    if (const auto whole = value.natural()) return *whole;
    if (const auto number = value.number()) return *number;
    return nullptr;
}

}  // namespace

std::string Json::dump() const {
    return to_package(*this).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace sluice
