// Objects of a schema: named members in their order, then others by the patterns of their names.
#include <algorithm>
#include <set>

#include "base/sentence.h"
#include "base/utf8.h"
#include "text/grammar/schema_compiler.h"

namespace sluice::grammar {
namespace {

// Each combination of patterns that a name matches is a kind of member of its own.
constexpr std::size_t kMaxNamePatterns = 6;
// Places among the members times how many have come.
constexpr std::size_t kMaxMemberStates = 200'000;

struct NamePattern {
    std::size_t part = 0;  // of the conjunction
    const Json* schema = nullptr;
    const CharacterAutomaton* names = nullptr;
};

}  // namespace

Result<std::vector<std::string>> SchemaCompiler::names_of(const Conjunction& schemas) const {
    std::vector<std::string> names;
    std::set<std::string_view> known;
    const auto add = [&](const std::string& name) {
        if (known.insert(name).second) names.push_back(name);
    };
    for (const SchemaPart& part : schemas.parts) {
        SLUICE_ASSIGN(properties, document_.object_of(*part.schema, "properties"));
        if (properties == nullptr) continue;
        for (const Json::Member& member : *properties->object()) add(member.first);
    }
    for (const SchemaPart& part : schemas.parts) {
        const Json* required = part.schema->find("required");
        if (required == nullptr) continue;
        const auto* list = required->array();
        if (list == nullptr || std::any_of(list->begin(), list->end(),
                                           [](const Json& name) { return name.string() == nullptr; })) {
            return document_.error(SLUICE_E_INVALID_ARGUMENT, *part.schema, "required",
                                   "is not a list of names");
        }
        for (const Json& name : *list) add(*name.string());
    }
    return names;
}

// What must hold for the member of that name. `known` outlives the call by far: views on the schema's own text.
Result<std::vector<SchemaPart>> SchemaCompiler::schemas_of_name(const Conjunction& schemas,
                                                                const std::string& name) const {
    std::vector<SchemaPart> found;
    for (const SchemaPart& part : schemas.parts) {
        bool is_known = false;
        const auto add = [&](const Json* schema) {
            found.push_back({schema, false, false, false});
            is_known = true;
        };
        const Json* properties = part.schema->find("properties");
        if (properties != nullptr) {
            if (const Json* own = properties->find(name)) add(own);
        }
        SLUICE_ASSIGN(patterns, document_.object_of(*part.schema, "patternProperties"));
        if (patterns != nullptr) {
            for (const auto& [pattern, schema] : *patterns->object()) {
                SLUICE_ASSIGN(automaton, compiled(*part.schema, "patternProperties", pattern, false));
                if (automaton->accepts(name)) add(&schema);
            }
        }
        const Json* others = part.schema->find("additionalProperties");
        if (!is_known && others != nullptr) add(others);
    }
    return found;
}

void SchemaCompiler::add_name_end(StateId from, StateId to, const MemberMarks& marks) {
    const StateId after = builder_.add_text(from, marks.before_value);
    if (marks.has_space_before_value) builder_.add_bytes(after, ' ', ' ', to);
    builder_.add_free(after, to);
}

Result<RuleId> SchemaCompiler::named_member(const std::string& name, std::vector<SchemaPart> schemas,
                                            const MemberMarks& marks) {
    SLUICE_ASSIGN(value, rule_of(std::move(schemas)));
    const RuleId member = builder_.add_rule("the member " + printable(name, 40));
    const Rule rule = builder_.rule(member);
    const StateId named = builder_.add_state();
    const StateId ready = builder_.add_state();
    if (marks.names_are_quoted) {
        add_quoted(rule.start, name, named);
    } else {
        builder_.add_text(rule.start, name, named);
    }
    add_name_end(named, ready, marks);
    builder_.add_call(ready, value, rule.end);
    return member;
}

// A member whose name is none of `names`; nothing where there may be none.
Result<std::optional<RuleId>> SchemaCompiler::additional_member(const Conjunction& schemas,
                                                                const std::vector<std::string>& names,
                                                                const MemberMarks& marks) {
    std::vector<NamePattern> patterns;
    bool is_closed = false;  // by what is not written; see SchemaOptions
    bool says_others = false;
    for (std::size_t i = 0; i < schemas.parts.size(); ++i) {
        const Json& schema = *schemas.parts[i].schema;
        SLUICE_ASSIGN(by_pattern, document_.object_of(schema, "patternProperties"));
        if (by_pattern != nullptr) {
            for (const auto& [pattern, value] : *by_pattern->object()) {
                SLUICE_ASSIGN(automaton, compiled(schema, "patternProperties", pattern, false));
                patterns.push_back({i, &value, automaton});
            }
        }
        says_others = says_others || schema.find("additionalProperties") != nullptr;
        is_closed = is_closed || by_pattern != nullptr || schema.find("properties") != nullptr;
    }
    if (patterns.size() > kMaxNamePatterns) {
        return make_error(SLUICE_E_LIMIT, "an object has ", patterns.size(), " patternProperties; at most ",
                          kMaxNamePatterns, " are supported");
    }
    if (options_.open_objects || says_others) is_closed = false;

    const std::vector<std::string_view> views(names.begin(), names.end());
    const CharacterAutomaton named = CharacterAutomaton::of_texts(views);
    std::vector<const CharacterAutomaton*> parts{&named};
    for (const NamePattern& pattern : patterns) parts.push_back(pattern.names);
    std::optional<RuleId> member;
    for (std::uint32_t match = 0; match < 1u << patterns.size(); ++match) {
        if (match == 0 && is_closed) continue;
        std::vector<SchemaPart> values;
        for (std::size_t i = 0; i < schemas.parts.size(); ++i) {
            bool is_matched = false;
            for (std::size_t p = 0; p < patterns.size(); ++p) {
                if (patterns[p].part != i || (match >> p & 1) == 0) continue;
                values.push_back({patterns[p].schema, false, false, false});
                is_matched = true;
            }
            const Json* others = schemas.parts[i].schema->find("additionalProperties");
            if (!is_matched && others != nullptr) values.push_back({others, false, false, false});
        }
        SLUICE_ASSIGN(value, rule_of(std::move(values)));
        if (!member) member = builder_.add_rule("another member");
        const Rule rule = builder_.rule(*member);
        const StateId end = builder_.add_state();
        const StateId ready = builder_.add_state();
        if (names.empty() && patterns.empty()) {
            builder_.add_call(rule.start, free_string(), end);
        } else {
            SLUICE_ASSIGN(kind, join(parts, [&](const std::vector<bool>& accepts) {
                              for (std::size_t p = 0; p < patterns.size(); ++p) {
                                  if (accepts[p + 1] != ((match >> p & 1) != 0)) return false;
                              }
                              return !accepts[0];
                          }));
            add_in_quotes(rule.start, kind, end);
        }
        add_name_end(end, ready, marks);
        builder_.add_call(ready, value, rule.end);
    }
    return member;
}

Done SchemaCompiler::add_object(StateId from, const Conjunction& schemas, StateId to,
                                const MemberMarks& marks) {
    SLUICE_ASSIGN(names, names_of(schemas));
    std::set<std::string_view> required;
    std::uint64_t min = 0;
    std::uint64_t max = kUnbounded;
    const Json* with_min = nullptr;
    for (const SchemaPart& part : schemas.parts) {
        SLUICE_ASSIGN(least, document_.count_of(*part.schema, "minProperties"));
        SLUICE_ASSIGN(most, document_.count_of(*part.schema, "maxProperties"));
        if (least && *least > min) {
            min = *least;
            with_min = part.schema;
        }
        if (most) max = std::min(max, *most);
        const Json* list = part.schema->find("required");
        if (list == nullptr) continue;
        for (const Json& name : *list->array()) required.insert(*name.string());
    }
    if (min > max) return Nothing{};
    std::optional<RuleId> other;
    if (marks.names_are_quoted) {
        SLUICE_ASSIGN(found, additional_member(schemas, names, marks));
        other = found;
    }
    // Nothing stops a member that the schema does not name from coming twice, and twice the same counts once.
    if (other && min > 1 && min > required.size() + 1) {
        return fail(SLUICE_E_UNSUPPORTED, *with_min, "minProperties",
                    "is supported where it is at most 1 above the number of required properties, or "
                    "additionalProperties is false");
    }
    // counted: how many members have come, as far as it matters: whether a comma is due, and the two bounds.
    const std::uint64_t counted = std::max<std::uint64_t>({1, min, max == kUnbounded ? 0 : max});
    if (counted * (names.size() + 1) > kMaxMemberStates)
        return make_error(SLUICE_E_LIMIT, "an object's bounds count more than ", kMaxMemberStates, " places");
    const auto row = [&] {
        std::vector<StateId> states;
        for (std::uint64_t n = 0; n <= counted && !builder_.is_full(); ++n)
            states.push_back(builder_.add_state());
        return states;
    };
    std::vector<StateId> at = row();
    if (builder_.is_full()) return Nothing{};
    const StateId open = builder_.add_text(from, marks.open);
    builder_.add_free(open, at[0]);
    const auto add_member = [&](RuleId member, const std::vector<StateId>& next) {
        for (std::uint64_t n = 0; n <= counted; ++n) {
            if (max != kUnbounded && n == max) continue;
            const StateId ready = builder_.add_state();
            n == 0 ? add_space(at[n], ready) : add_comma(at[n], ready);
            builder_.add_call(ready, member, next[std::min(n + 1, counted)]);
        }
    };
    for (const std::string& name : names) {
        SLUICE_ASSIGN(values, schemas_of_name(schemas, name));
        SLUICE_ASSIGN(member, named_member(name, std::move(values), marks));
        const std::vector<StateId> next = row();
        if (builder_.is_full()) return Nothing{};
        add_member(member, next);
        if (required.count(name) == 0) {
            for (std::uint64_t n = 0; n <= counted; ++n) builder_.add_free(at[n], next[n]);
        }
        at = next;
    }
    if (other) add_member(*other, at);
    const StateId close = builder_.add_state();
    for (std::uint64_t n = min; n <= counted; ++n) add_space(at[n], close);
    builder_.add_text(close, marks.close, to);
    return Nothing{};
}

Done SchemaCompiler::add_members(StateId from, const Json& schema, StateId to, const MemberMarks& marks) {
    SLUICE_ASSIGN(schemas, document_.expand({{&schema, false, false, false}}));
    if (schemas.is_impossible) return Nothing{};
    for (const SchemaPart& part : schemas.parts) {
        for (const std::string_view keyword : {"anyOf", "oneOf", "enum", "const"}) {
            if (part.schema->find(keyword) != nullptr) {
                return fail(SLUICE_E_UNSUPPORTED, *part.schema, keyword,
                            "is not supported for all the arguments of a call together");
            }
        }
    }
    return add_object(from, schemas, to, marks);
}

}  // namespace sluice::grammar
