// Following references and refusing what is not known.
#include "text/grammar/schema_document.h"

#include <algorithm>
#include <array>

#include "base/sentence.h"
#include "base/utf8.h"

namespace sluice::grammar {
namespace {

// Keywords that say something about values; expand deals with the first group itself.
constexpr std::array<std::string_view, 2> kReferring{"$ref", "allOf"};
constexpr std::array<std::string_view, 25> kConstraining{"type",
                                                         "enum",
                                                         "const",
                                                         "properties",
                                                         "required",
                                                         "additionalProperties",
                                                         "patternProperties",
                                                         "minProperties",
                                                         "maxProperties",
                                                         "items",
                                                         "prefixItems",
                                                         "minItems",
                                                         "maxItems",
                                                         "minLength",
                                                         "maxLength",
                                                         "pattern",
                                                         "format",
                                                         "minimum",
                                                         "maximum",
                                                         "exclusiveMinimum",
                                                         "exclusiveMaximum",
                                                         "multipleOf",
                                                         "anyOf",
                                                         "oneOf",
                                                         "uniqueItems"};
constexpr std::array<std::string_view, 15> kAnnotations{
    "title",    "description", "default",         "examples",         "deprecated",
    "readOnly", "writeOnly",   "$comment",        "$schema",          "$id",
    "$defs",    "definitions", "contentEncoding", "contentMediaType", "id"};

template <class List>
bool contains(const List& list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
}

std::string escaped_for_pointer(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (c == '~') {
            out += "~0";
        } else if (c == '/') {
            out += "~1";
        } else {
            out += c;
        }
    }
    return out;
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// A step of a JSON pointer in a URI fragment: %XX, then ~1 and ~0.
std::string unescaped_step(std::string_view step) {
    std::string bytes;
    for (std::size_t i = 0; i < step.size(); ++i) {
        if (step[i] == '%' && i + 2 < step.size() && hex_value(step[i + 1]) >= 0 &&
            hex_value(step[i + 2]) >= 0) {
            bytes += static_cast<char>(hex_value(step[i + 1]) * 16 + hex_value(step[i + 2]));
            i += 2;
        } else {
            bytes += step[i];
        }
    }
    std::string name;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const bool is_escape = bytes[i] == '~' && i + 1 < bytes.size();
        if (is_escape && (bytes[i + 1] == '0' || bytes[i + 1] == '1')) {
            name += bytes[++i] == '0' ? '~' : '/';
        } else {
            name += bytes[i];
        }
    }
    return name;
}

const Json* item_at(const Json& value, std::string_view step) {
    if (const auto* array = value.array()) {
        std::size_t place = 0;
        if (step.empty() || step.size() > 9) return nullptr;
        for (const char c : step) {
            if (c < '0' || c > '9') return nullptr;
            place = place * 10 + static_cast<std::size_t>(c - '0');
        }
        return place < array->size() ? &(*array)[place] : nullptr;
    }
    return value.find(step);
}

}  // namespace

std::string SchemaDocument::pointer_to(const Json& schema) const {
    struct Open {
        const Json* value;
        std::string pointer;
    };
    std::vector<Open> waiting{{&root_, "#"}};
    while (!waiting.empty()) {
        const Open open = std::move(waiting.back());
        waiting.pop_back();
        if (open.value == &schema) return open.pointer;
        if (const auto* object = open.value->object()) {
            for (const auto& [name, value] : *object)
                waiting.push_back({&value, open.pointer + "/" + escaped_for_pointer(name)});
        } else if (const auto* array = open.value->array()) {
            for (std::size_t i = 0; i < array->size(); ++i)
                waiting.push_back({&(*array)[i], sentence(open.pointer, "/", i)});
        }
    }
    return "#";
}

Error SchemaDocument::error(std::int32_t status, const Json& schema, std::string_view keyword,
                            std::string_view why) const {
    return make_error(status, "the schema's keyword ", printable(keyword, 40), " at ",
                      printable(pointer_to(schema), 100), " ", why);
}

Done SchemaDocument::check_keywords(const Json& schema) {
    if (!checked_.insert(&schema).second) return Nothing{};
    for (const auto& [keyword, value] : *schema.object()) {
        if (contains(kReferring, keyword) || contains(kConstraining, keyword)) continue;
        if (keyword == "$id" && &schema != &root_)
            return error(SLUICE_E_UNSUPPORTED, schema, keyword, "is supported at the root only");
        if (contains(kAnnotations, keyword) || keyword.starts_with("x-")) continue;
        return error(SLUICE_E_UNSUPPORTED, schema, keyword, "is not supported");
    }
    if (const Json* unique = schema.find("uniqueItems"); unique != nullptr) {
        if (unique->boolean() == nullptr)
            return error(SLUICE_E_INVALID_ARGUMENT, schema, "uniqueItems", "is not true or false");
        if (*unique->boolean())
            return error(SLUICE_E_UNSUPPORTED, schema, "uniqueItems", "is supported only if it is false");
    }
    return Nothing{};
}

Result<const Json*> SchemaDocument::follow(const Json& schema, const std::string& reference) const {
    if (!reference.starts_with('#')) {
        return error(SLUICE_E_UNSUPPORTED, schema, "$ref",
                     "leads outside the document, which is never fetched");
    }
    if (reference.size() > 1 && reference[1] != '/')
        return error(SLUICE_E_UNSUPPORTED, schema, "$ref", "is an anchor; only JSON pointers are supported");
    const Json* at = &root_;
    std::string_view rest = std::string_view(reference).substr(1);
    while (!rest.empty()) {
        rest.remove_prefix(1);
        const std::size_t end = std::min(rest.find('/'), rest.size());
        at = item_at(*at, unescaped_step(rest.substr(0, end)));
        if (at == nullptr) return error(SLUICE_E_INVALID_ARGUMENT, schema, "$ref", "leads nowhere");
        rest.remove_prefix(end);
    }
    return at;
}

Result<Conjunction> SchemaDocument::expand(std::vector<SchemaPart> parts) {
    Conjunction made;
    std::set<SchemaPart> seen;
    std::reverse(parts.begin(), parts.end());
    while (!parts.empty()) {
        SchemaPart part = parts.back();
        parts.pop_back();
        const bool was_expanded = part.is_expanded;
        part.is_expanded = true;
        if (!seen.insert(part).second) continue;
        if (seen.size() > kMaxParts)
            return make_error(SLUICE_E_LIMIT, "more than ", kMaxParts, " schemas hold for one value");
        const Json& schema = *part.schema;
        if (const bool* all = schema.boolean()) {
            made.is_impossible = made.is_impossible || !*all;
            continue;
        }
        if (schema.object() == nullptr) {
            return make_error(SLUICE_E_INVALID_ARGUMENT, "the schema at ", printable(pointer_to(schema), 150),
                              " is neither an object nor true or false");
        }
        SLUICE_TRY(check_keywords(schema));
        SLUICE_ASSIGN(all_of, list_of(schema, "allOf"));
        if (all_of != nullptr && !was_expanded) {
            for (auto item = all_of->array()->rbegin(); item != all_of->array()->rend(); ++item)
                parts.push_back({&*item, false, false, false});
        }
        SLUICE_ASSIGN(reference, string_of(schema, "$ref"));
        if (reference != nullptr && !was_expanded) {
            SLUICE_ASSIGN(target, follow(schema, *reference->string()));
            parts.push_back({target, false, false, false});
        }
        const auto& members = *schema.object();
        const bool says_something =
            std::any_of(members.begin(), members.end(), [&](const Json::Member& member) {
                if (member.first == "anyOf") return !part.any_of_chosen;
                if (member.first == "oneOf") return !part.one_of_chosen;
                return contains(kConstraining, member.first);
            });
        if (says_something) made.parts.push_back(part);
    }
    return made;
}

Result<const Json*> SchemaDocument::list_of(const Json& schema, std::string_view keyword) const {
    const Json* value = schema.find(keyword);
    if (value == nullptr || (value->array() != nullptr && !value->array()->empty())) return value;
    return error(SLUICE_E_INVALID_ARGUMENT, schema, keyword, "is not a list of something");
}

Result<const Json*> SchemaDocument::object_of(const Json& schema, std::string_view keyword) const {
    const Json* value = schema.find(keyword);
    if (value == nullptr || value->object() != nullptr) return value;
    return error(SLUICE_E_INVALID_ARGUMENT, schema, keyword, "is not an object");
}

Result<std::optional<std::uint64_t>> SchemaDocument::count_of(const Json& schema,
                                                              std::string_view keyword) const {
    const Json* value = schema.find(keyword);
    if (value == nullptr) return std::optional<std::uint64_t>();
    if (const auto count = value->natural()) return count;
    return error(SLUICE_E_INVALID_ARGUMENT, schema, keyword, "is not a whole number from 0 on");
}

Result<const Json*> SchemaDocument::number_of(const Json& schema, std::string_view keyword) const {
    const Json* value = schema.find(keyword);
    if (value == nullptr || value->number()) return value;
    return error(SLUICE_E_INVALID_ARGUMENT, schema, keyword, "is not a number");
}

Result<const Json*> SchemaDocument::string_of(const Json& schema, std::string_view keyword) const {
    const Json* value = schema.find(keyword);
    if (value == nullptr || value->string() != nullptr) return value;
    return error(SLUICE_E_INVALID_ARGUMENT, schema, keyword, "is not a string");
}

}  // namespace sluice::grammar
