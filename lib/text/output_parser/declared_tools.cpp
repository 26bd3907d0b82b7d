// Recursion here follows a schema and a value at once. Both were read with a depth limit, which bounds it.
#include "text/output_parser/declared_tools.h"

#include <algorithm>
#include <cmath>

#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice {
namespace {

constexpr std::size_t kMaxListed = 200;  // bytes of names or values in one message

std::string_view type_of(const Json& value) {
    if (value.is_null()) return "null";
    if (value.boolean() != nullptr) return "boolean";
    if (value.string() != nullptr) return "string";
    if (value.array() != nullptr) return "array";
    if (value.object() != nullptr) return "object";
    const double number = *value.number();
    return number == std::trunc(number) ? "integer" : "number";
}

bool is_of_type(const Json& value, std::string_view type) {
    const std::string_view actual = type_of(value);
    return actual == type || (actual == "integer" && type == "number");
}

// Object members in any order; numbers by their value.
bool is_equal(const Json& a, const Json& b) {
    if (a.number() && b.number()) return *a.number() == *b.number() && a.natural() == b.natural();
    if (a.string() != nullptr && b.string() != nullptr) return *a.string() == *b.string();
    if (a.boolean() != nullptr && b.boolean() != nullptr) return *a.boolean() == *b.boolean();
    if (a.is_null() || b.is_null()) return a.is_null() && b.is_null();
    if (a.array() != nullptr && b.array() != nullptr) {
        return std::equal(a.array()->begin(), a.array()->end(), b.array()->begin(), b.array()->end(), is_equal);
    }
    if (a.object() == nullptr || b.object() == nullptr || a.object()->size() != b.object()->size())
        return false;
    return std::all_of(a.object()->begin(), a.object()->end(), [&](const Json::Member& member) {
        const Json* other = b.find(member.first);
        return other != nullptr && is_equal(member.second, *other);
    });
}

std::string listed(const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& item : items) {
        if (!text.empty()) text += ", ";
        if (text.size() + item.size() > kMaxListed) return text + "...";
        text += printable(item);
    }
    return text;
}

std::string quoted(std::string_view name) {
    return sentence('"', printable(name), '"');
}

// What is wrong with `value`; nothing where it fits. `name` is its argument or member.
std::optional<std::string> find_fault(const Json& schema, const Json& value, std::string_view name);

std::optional<std::string> find_type_fault(const Json& schema, const Json& value, std::string_view name) {
    const Json* type = schema.find("type");
    if (type == nullptr) return std::nullopt;
    std::vector<std::string> allowed;
    if (const auto* single = type->string()) allowed.push_back(*single);
    if (const auto* several = type->array()) {
        for (const Json& item : *several) {
            if (const auto* one = item.string()) allowed.push_back(*one);
        }
    }
    const Json* nullable = schema.find("nullable");
    if (nullable != nullptr && nullable->boolean() != nullptr && *nullable->boolean())
        allowed.push_back("null");
    if (allowed.empty() || std::any_of(allowed.begin(), allowed.end(),
                                       [&](const std::string& one) { return is_of_type(value, one); }))
        return std::nullopt;
    return sentence(quoted(name), " of type ", listed(allowed));
}

std::optional<std::string> find_choice_fault(const Json& schema, const Json& value, std::string_view name) {
    std::vector<std::string> allowed;
    const auto fits = [&](const Json& choice) {
        allowed.push_back(choice.dump());
        return is_equal(choice, value);
    };
    if (const Json* only = schema.find("const"); only != nullptr && !fits(*only))
        return sentence(quoted(name), " to be ", listed(allowed));
    const Json* choices = schema.find("enum");
    if (choices == nullptr || choices->array() == nullptr) return std::nullopt;
    allowed.clear();
    if (std::any_of(choices->array()->begin(), choices->array()->end(), fits)) return std::nullopt;
    return sentence(quoted(name), " to be one of ", listed(allowed));
}

// Members of an object; `strict` refuses undeclared ones also where JSON Schema would let them pass.
std::optional<ToolMismatch> find_member_fault(const Json& schema, const Json::Object& members, bool strict) {
    const Json* properties = schema.find("properties");
    const Json* others = schema.find("additionalProperties");
    const bool refuses_others =
        others == nullptr ? strict : others->boolean() != nullptr && !*others->boolean();
    for (const auto& [name, value] : members) {
        const Json* property = properties == nullptr ? nullptr : properties->find(name);
        if (property == nullptr && refuses_others) {
            std::vector<std::string> known;
            if (properties != nullptr && properties->object() != nullptr) {
                for (const Json::Member& member : *properties->object()) known.push_back(member.first);
            }
            return ToolMismatch{name, known.empty() ? "no arguments" : "one of the arguments " + listed(known)};
        }
        if (property == nullptr) property = others;
        if (property == nullptr) continue;
        if (auto fault = find_fault(*property, value, name)) return ToolMismatch{name, std::move(*fault)};
    }
    const Json* required = schema.find("required");
    if (required == nullptr || required->array() == nullptr) return std::nullopt;
    for (const Json& item : *required->array()) {
        const std::string* name = item.string();
        if (name == nullptr || std::any_of(members.begin(), members.end(),
                                           [&](const Json::Member& member) { return member.first == *name; }))
            continue;
        return ToolMismatch{"", sentence("an argument ", quoted(*name))};
    }
    return std::nullopt;
}

std::optional<std::string> find_fault(const Json& schema, const Json& value, std::string_view name) {
    if (schema.object() == nullptr) return std::nullopt;
    if (auto fault = find_type_fault(schema, value, name)) return fault;
    if (auto fault = find_choice_fault(schema, value, name)) return fault;
    for (const std::string_view keyword : {"anyOf", "oneOf"}) {
        const Json* choices = schema.find(keyword);
        if (choices == nullptr || choices->array() == nullptr) continue;
        if (std::all_of(choices->array()->begin(), choices->array()->end(),
                        [&](const Json& choice) { return find_fault(choice, value, name).has_value(); }))
            return sentence(quoted(name), " to fit one of ", choices->array()->size(), " schemas of ", keyword);
    }
    if (const auto* members = value.object()) {
        auto fault = find_member_fault(schema, *members, false);
        if (!fault) return std::nullopt;
        return sentence(fault->expected, " inside ", quoted(name));
    }
    const Json* items = schema.find("items");
    if (value.array() == nullptr || items == nullptr) return std::nullopt;
    for (const Json& item : *value.array()) {
        if (auto fault = find_fault(*items, item, name)) return "every item of " + *fault;
    }
    return std::nullopt;
}

}  // namespace

Result<DeclaredTools> DeclaredTools::parse(std::string_view text) {
    SLUICE_ASSIGN(json, Json::parse(text, "tools", {16u << 20, 64, 1u << 20}));
    if (json.array() == nullptr) return make_error(SLUICE_E_CORRUPT, "tools: the JSON is no array");
    DeclaredTools tools;
    tools.json_ = std::make_shared<const Json>(std::move(json));
    for (const Json& item : *tools.json_->array()) {
        const std::size_t index = tools.tools_.size();
        const Json* function = item.find("function");
        if (function == nullptr) function = &item;
        const Json* name = function->find("name");
        if (name == nullptr || name->string() == nullptr || name->string()->empty())
            return make_error(SLUICE_E_CORRUPT, "tools: number ", index, " has no name");
        if (tools.find(*name->string()) != nullptr)
            return make_error(SLUICE_E_CORRUPT, "tools: ", quoted(*name->string()), " is declared twice");
        DeclaredTool tool;
        tool.name = *name->string();
        tool.schema = function->find("parameters");
        if (tool.schema != nullptr && tool.schema->object() == nullptr) {
            if (!tool.schema->is_null())
                return make_error(SLUICE_E_CORRUPT, "tools: the parameters of ", quoted(tool.name),
                                  " are no object");
            tool.schema = nullptr;
        }
        const Json* properties = tool.schema == nullptr ? nullptr : tool.schema->find("properties");
        if (properties != nullptr && properties->object() != nullptr) {
            for (const Json::Member& member : *properties->object()) tool.parameters.push_back(member.first);
        }
        tools.tools_.push_back(std::move(tool));
    }
    return tools;
}

const DeclaredTool* DeclaredTools::find(std::string_view name) const {
    for (const DeclaredTool& tool : tools_) {
        if (tool.name == name) return &tool;
    }
    return nullptr;
}

std::string DeclaredTools::names() const {
    std::vector<std::string> names;
    names.reserve(tools_.size());
    for (const DeclaredTool& tool : tools_) names.push_back(tool.name);
    return "a declared tool: " + listed(names);
}

std::optional<ToolMismatch> find_mismatch(const DeclaredTool& tool, const Json& arguments) {
    if (tool.schema == nullptr || arguments.object() == nullptr) return std::nullopt;
    return find_member_fault(*tool.schema, *arguments.object(), true);
}

}  // namespace sluice
