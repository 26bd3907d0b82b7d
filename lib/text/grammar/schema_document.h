// A schema's text as a tree: references followed, keywords checked, and where an error stands.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace sluice::grammar {

// One schema that must hold, and which of its lists of alternatives have been chosen from already.
struct SchemaPart {
    const Json* schema = nullptr;
    bool any_of_chosen = false;
    bool one_of_chosen = false;
    bool is_expanded = false;  // what its $ref and allOf name is in the same conjunction
    auto operator<=>(const SchemaPart&) const = default;
};

// All must hold at once. Empty: anything does.
struct Conjunction {
    std::vector<SchemaPart> parts;  // in the order of the document
    bool is_impossible = false;     // `false` is among them
};

// The most schemas that may hold for one value.
constexpr std::size_t kMaxParts = 256;

class SchemaDocument {
public:
    explicit SchemaDocument(const Json& root) : root_(root) {}

    const Json& root() const { return root_; }

    // Adds what $ref and allOf name, checks keywords, and leaves out what says nothing.
    // Errors: UNSUPPORTED, INVALID_ARGUMENT, LIMIT.
    Result<Conjunction> expand(std::vector<SchemaPart> parts);

    // An error about a keyword of a schema, with the pointer to it.
    Error error(std::int32_t status, const Json& schema, std::string_view keyword, std::string_view why) const;

    // The value of a keyword as what it has to be; null or nothing where it is absent.
    Result<const Json*> list_of(const Json& schema,
                                std::string_view keyword) const;  // a list that is not empty
    Result<const Json*> object_of(const Json& schema, std::string_view keyword) const;  // an object
    Result<std::optional<std::uint64_t>> count_of(const Json& schema, std::string_view keyword) const;
    Result<const Json*> number_of(const Json& schema, std::string_view keyword) const;
    Result<const Json*> string_of(const Json& schema, std::string_view keyword) const;

private:
    Done check_keywords(const Json& schema);
    Result<const Json*> follow(const Json& schema, const std::string& reference) const;
    std::string pointer_to(const Json& schema) const;

    const Json& root_;
    std::set<const Json*> checked_;
};

}  // namespace sluice::grammar
