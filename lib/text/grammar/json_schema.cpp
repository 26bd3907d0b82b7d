// The body of a rule: a choice among schemas, a list of values, or one alternative for each type.
#include "text/grammar/json_schema.h"

#include <algorithm>
#include <array>

#include "base/sentence.h"
#include "base/utf8.h"
#include "text/grammar/schema_compiler.h"

namespace sluice::grammar {
namespace {

constexpr std::size_t kMaxIndent = 64;
// Values that are no texts and are listed one by one.
constexpr std::size_t kMaxListedContainers = 1000;

bool are_equal(const Json& a, const Json& b);

bool has_equal(const Json::Object& object, const Json::Member& member) {
    return std::any_of(object.begin(), object.end(), [&](const Json::Member& other) {
        return other.first == member.first && are_equal(other.second, member.second);
    });
}

// As JSON Schema compares: numbers by value, objects whatever their order. Values nest as deep as schemas may.
bool are_equal(const Json& a, const Json& b) {
    if (a.string() != nullptr || b.string() != nullptr)
        return a.string() != nullptr && b.string() != nullptr && *a.string() == *b.string();
    if (a.boolean() != nullptr || b.boolean() != nullptr)
        return a.boolean() != nullptr && b.boolean() != nullptr && *a.boolean() == *b.boolean();
    if (a.number() || b.number()) {
        if (a.integer() && b.integer()) return *a.integer() == *b.integer();
        return a.number() && b.number() && *a.number() == *b.number();
    }
    if (a.array() != nullptr && b.array() != nullptr)
        return std::equal(a.array()->begin(), a.array()->end(), b.array()->begin(), b.array()->end(),
                          are_equal);
    if (a.object() != nullptr && b.object() != nullptr) {
        return a.object()->size() == b.object()->size() &&
               std::all_of(a.object()->begin(), a.object()->end(),
                           [&](const Json::Member& member) { return has_equal(*b.object(), member); });
    }
    return a.is_null() && b.is_null();
}

}  // namespace

Result<RuleId> SchemaCompiler::rule_of(std::vector<SchemaPart> parts) {
    SLUICE_ASSIGN(schemas, document_.expand(std::move(parts)));
    std::vector<SchemaPart> key = schemas.parts;
    std::sort(key.begin(), key.end());
    const auto [place, is_new] = rules_.try_emplace({std::move(key), schemas.is_impossible}, RuleId{0});
    if (!is_new) return place->second;
    std::string name = "a value";
    if (!schemas.parts.empty() && schemas.parts[0].schema == &document_.root()) name = "the schema";
    const RuleId rule = builder_.add_rule(std::move(name));
    place->second = rule;
    pending_.push_back({rule, std::move(schemas)});
    return rule;
}

Done SchemaCompiler::build_bodies() {
    while (!pending_.empty() && !builder_.is_full()) {
        const Pending next = std::move(pending_.front());
        pending_.pop_front();
        if (!next.schemas.is_impossible) SLUICE_TRY(build(builder_.rule(next.rule), next.schemas));
    }
    return Nothing{};
}

Done SchemaCompiler::build(const Rule& ends, const Conjunction& schemas) {
    const Rule rule = ends;  // adding rules moves them
    SLUICE_ASSIGN(was_choice, build_choice(rule, schemas));
    if (was_choice) return Nothing{};
    SLUICE_ASSIGN(types, types_of(schemas));
    SLUICE_ASSIGN(was_listed, build_listed(rule, schemas, types));
    if (was_listed) return Nothing{};
    const bool is_json = options_.notation == Notation::kJson;
    if ((types & kNull) != 0) builder_.add_text(rule.start, is_json ? "null" : "None", rule.end);
    if ((types & kBoolean) != 0) {
        builder_.add_text(rule.start, is_json ? "true" : "True", rule.end);
        builder_.add_text(rule.start, is_json ? "false" : "False", rule.end);
    }
    if ((types & kInteger) != 0) SLUICE_TRY(add_number(rule.start, schemas, (types & kNumber) == 0, rule.end));
    if ((types & kString) != 0) SLUICE_TRY(add_string(rule.start, schemas, rule.end));
    if ((types & kArray) != 0) SLUICE_TRY(add_array(rule.start, schemas, rule.end));
    if ((types & kObject) != 0) SLUICE_TRY(add_object(rule.start, schemas, rule.end, {}));
    return Nothing{};
}

// One list of alternatives at a time: each, together with all else that must hold, is a conjunction of its own.
Result<bool> SchemaCompiler::build_choice(const Rule& rule, const Conjunction& schemas) {
    for (std::size_t i = 0; i < schemas.parts.size(); ++i) {
        const SchemaPart& part = schemas.parts[i];
        for (const bool is_any_of : {true, false}) {
            if (is_any_of ? part.any_of_chosen : part.one_of_chosen) continue;
            SLUICE_ASSIGN(list, document_.list_of(*part.schema, is_any_of ? "anyOf" : "oneOf"));
            if (list == nullptr) continue;
            for (const Json& alternative : *list->array()) {
                std::vector<SchemaPart> parts = schemas.parts;
                (is_any_of ? parts[i].any_of_chosen : parts[i].one_of_chosen) = true;
                parts.push_back({&alternative, false, false, false});
                SLUICE_ASSIGN(chosen, rule_of(std::move(parts)));
                builder_.add_call(rule.start, chosen, rule.end);
                if (builder_.is_full()) return true;
            }
            return true;
        }
    }
    return false;
}

Result<unsigned> SchemaCompiler::types_of(const Conjunction& schemas) const {
    struct Name {
        std::string_view name;
        unsigned types;
    };
    constexpr std::array<Name, 7> kNames{{{"null", kNull},
                                          {"boolean", kBoolean},
                                          {"integer", kInteger},
                                          {"number", kInteger | kNumber},
                                          {"string", kString},
                                          {"array", kArray},
                                          {"object", kObject}}};
    unsigned types = kAll;
    for (const SchemaPart& part : schemas.parts) {
        const Json* type = part.schema->find("type");
        if (type == nullptr) continue;
        std::vector<const Json*> named;
        if (type->array() != nullptr) {
            for (const Json& item : *type->array()) named.push_back(&item);
        } else {
            named.push_back(type);
        }
        unsigned allowed = 0;
        for (const Json* name : named) {
            const auto known = std::find_if(kNames.begin(), kNames.end(), [&](const Name& candidate) {
                return name->string() != nullptr && *name->string() == candidate.name;
            });
            if (known == kNames.end())
                return document_.error(SLUICE_E_INVALID_ARGUMENT, *part.schema, "type", "names no type");
            allowed |= known->types;
        }
        types &= allowed;
    }
    return types;
}

// enum and const: the values that are in all such lists and that the other keywords admit.
Result<bool> SchemaCompiler::build_listed(const Rule& rule, const Conjunction& schemas, unsigned types) {
    std::optional<std::vector<const Json*>> values;
    for (const SchemaPart& part : schemas.parts) {
        SLUICE_ASSIGN(list, document_.list_of(*part.schema, "enum"));
        const Json* constant = part.schema->find("const");
        for (const bool is_enum : {true, false}) {
            std::vector<const Json*> these;
            if (is_enum && list != nullptr) {
                for (const Json& item : *list->array()) these.push_back(&item);
            } else if (!is_enum && constant != nullptr) {
                these.push_back(constant);
            } else {
                continue;
            }
            if (values) {
                std::erase_if(*values, [&](const Json* value) {
                    return std::none_of(these.begin(), these.end(),
                                        [&](const Json* other) { return are_equal(*value, *other); });
                });
            } else {
                values = std::move(these);
            }
        }
    }
    if (!values) return false;
    // Texts share their beginnings, so that a long list is one state at a time.
    std::vector<std::string_view> texts;
    std::size_t n_containers = 0;
    for (const Json* value : *values) {
        SLUICE_ASSIGN(is_admitted, admits(schemas, types, *value));
        if (!is_admitted) continue;
        if (value->string() != nullptr) {
            texts.push_back(*value->string());
        } else if (++n_containers > kMaxListedContainers) {
            return make_error(SLUICE_E_LIMIT, "more than ", kMaxListedContainers,
                              " values of an enum are no strings");
        } else {
            SLUICE_TRY(add_value(rule.start, *value, rule.end));
        }
    }
    if (!texts.empty()) add_in_quotes(rule.start, CharacterAutomaton::of_texts(texts), rule.end);
    return true;
}

// As deep as the schema's text nests.
Done SchemaCompiler::add_value(StateId from, const Json& value, StateId to) {
    const bool is_json = options_.notation == Notation::kJson;
    if (const auto* text = value.string()) {
        add_quoted(from, *text, to);
    } else if (const auto* truth = value.boolean()) {
        builder_.add_text(from, is_json ? (*truth ? "true" : "false") : (*truth ? "True" : "False"), to);
    } else if (value.number()) {
        builder_.add_text(from, value.dump(), to);
    } else if (value.is_null()) {
        builder_.add_text(from, is_json ? "null" : "None", to);
    } else {
        const bool is_array = value.array() != nullptr;
        const std::size_t n = is_array ? value.array()->size() : value.object()->size();
        StateId at = builder_.add_text(from, is_array ? "[" : "{");
        const auto move = [&](auto&& add) {
            const StateId next = builder_.add_state();
            add(at, next);
            at = next;
        };
        if (n > 0) move([&](StateId a, StateId b) { add_space(a, b); });
        for (std::size_t i = 0; i < n && !builder_.is_full(); ++i) {
            if (i > 0) move([&](StateId a, StateId b) { add_comma(a, b); });
            const StateId next = builder_.add_state();
            if (is_array) {
                SLUICE_TRY(add_value(at, (*value.array())[i], next));
            } else {
                const auto& [name, item] = (*value.object())[i];
                const StateId named = builder_.add_state();
                const StateId ready = builder_.add_state();
                add_quoted(at, name, named);
                add_name_end(named, ready, {});
                SLUICE_TRY(add_value(ready, item, next));
            }
            at = next;
        }
        if (n > 0) move([&](StateId a, StateId b) { add_space(a, b); });
        builder_.add_text(at, is_array ? "]" : "}", to);
    }
    return Nothing{};
}

void SchemaCompiler::add_space(StateId from, StateId to) {
    builder_.add_free(from, to);
    if (!options_.free_whitespace) return;
    if (!space_) {
        space_ = builder_.add_rule("space");
        const RuleId indent = builder_.add_rule("indent");
        builder_.add_bytes(builder_.rule(indent).start, ' ', ' ', builder_.rule(indent).end);
        builder_.add_bytes(builder_.rule(indent).start, '\t', '\t', builder_.rule(indent).end);
        const Rule space = builder_.rule(*space_);
        builder_.add_text(space.start, " ", space.end);
        builder_.add_call(builder_.add_text(space.start, "\n"), indent, space.end, 0, kMaxIndent);
    }
    builder_.add_call(from, *space_, to);
}

void SchemaCompiler::add_comma(StateId from, StateId to) {
    const StateId after = builder_.add_text(from, ",");
    if (options_.free_whitespace) {
        add_space(after, to);
    } else {
        builder_.add_free(after, to);
        builder_.add_bytes(after, ' ', ' ', to);
    }
}

void SchemaCompiler::add_quoted(StateId from, std::string_view text, StateId to) {
    add_in_quotes(from, CharacterAutomaton::of_texts({&text, 1}), to);
}

Result<Automaton> compile_schema(std::string_view schema, const SchemaOptions& options) {
    const JsonLimits limits{kMaxSchemaSize, kMaxSchemaDepth, kMaxSchemaValues};
    SLUICE_ASSIGN(root, Json::parse(schema, "the schema", limits));
    SchemaDocument document(root);
    AutomatonBuilder builder;
    SchemaCompiler compiler(document, builder, options);
    SLUICE_ASSIGN(rule, compiler.rule_of(root));
    SLUICE_TRY(compiler.build_bodies());
    return builder.finish(rule, "the schema");
}

}  // namespace sluice::grammar
