// JSON Schema (draft 2020-12) as an automaton: texts of JSON documents that satisfy it.
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "text/grammar/automaton.h"

namespace sluice::grammar {

constexpr std::uint64_t kMaxSchemaSize = 16u << 20;  // bytes
constexpr std::uint64_t kMaxSchemaValues = 100'000;  // JSON values in the text
constexpr std::uint32_t kMaxSchemaDepth = 128;       // of the text

// How values are written.
enum class Notation {
    kJson,
    kPython,  // True, False, None; strings in either quotes
};

struct SchemaOptions {
    Notation notation = Notation::kJson;
    // Between tokens: false, at most one space, after ',' and ':'. True: besides, where JSON allows, a space or
    // a line break with up to 64 spaces or tabs.
    bool free_whitespace = false;
    // An object with `properties` or `patternProperties` and without additionalProperties may have others too,
    // as the standard says. False: it may not, which is what is meant when a model is to fill in a form.
    bool open_objects = false;
};

// Everything that the automaton accepts satisfies the schema. What satisfies it is accepted if it is written in
// the form that is generated:
// - Properties come in the order of the schema (first `properties`, then what else `required` names), then
//   others; optional ones may be left out.
// - Numbers as number_automaton.h says, integers without fraction and exponent, with bounds without exponent.
// - Strings as spelling.h says; no half surrogate pairs.
//
// Known: type (also lists), enum, const, properties, required, additionalProperties, patternProperties,
// minProperties, maxProperties, items, prefixItems, minItems, maxItems, minLength, maxLength, pattern, format
// (string_formats.h), minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf (whole numbers; for
// integers), anyOf, oneOf (taken as anyOf), allOf, $ref within the document, $defs, definitions, true and
// false. Annotations (title, description, default, examples, deprecated, readOnly, writeOnly, $comment,
// $schema, $id at the root, contentEncoding, contentMediaType) and names that begin with "x-" change nothing.
// Any other keyword is refused, as what it means would be lost: UNSUPPORTED, with the keyword and the JSON
// pointer to where it stands. Other errors: CORRUPT (no JSON), INVALID_ARGUMENT (a keyword with a wrong value;
// a $ref that leads nowhere; no document satisfies the schema), LIMIT.
Result<Automaton> compile_schema(std::string_view schema, const SchemaOptions& options = {});

}  // namespace sluice::grammar
