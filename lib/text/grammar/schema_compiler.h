// From conjunctions of schemas to rules. A conjunction that was met before has a rule already, so schemas may
// refer to themselves; bodies of rules are built one after the other, without recursion.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/grammar/automaton.h"
#include "text/grammar/character_automaton.h"
#include "text/grammar/json_schema.h"
#include "text/grammar/schema_document.h"
#include "text/grammar/spelling.h"

namespace sluice::grammar {

// The marks around the members of an object: {"a": 1} or name(a=1).
struct MemberMarks {
    std::string_view open = "{";
    std::string_view close = "}";
    bool names_are_quoted = true;
    std::string_view before_value = ":";
    bool has_space_before_value = true;
};

class SchemaCompiler {
public:
    // All three outlive this.
    SchemaCompiler(SchemaDocument& document, AutomatonBuilder& builder, const SchemaOptions& options)
        : document_(document), builder_(builder), options_(options) {}

    // The rule of values that satisfy all parts. Its body is built by build_bodies.
    Result<RuleId> rule_of(std::vector<SchemaPart> parts);
    Result<RuleId> rule_of(const Json& schema) { return rule_of({{&schema, false, false, false}}); }

    // Members of an object that satisfies the schema, between marks of another kind. The same errors.
    Done add_members(StateId from, const Json& schema, StateId to, const MemberMarks& marks);

    Done build_bodies();

    AutomatonBuilder& builder() { return builder_; }
    // ',' and what may stand around it.
    void add_comma(StateId from, StateId to);
    // A text in quotes. Where strings may have either quotes, both.
    void add_quoted(StateId from, std::string_view text, StateId to);

private:
    struct Pending {
        RuleId rule = 0;
        Conjunction schemas;
    };
    // What a conjunction allows, as bits.
    enum : unsigned {
        kNull = 1,
        kBoolean = 2,
        kInteger = 4,
        kNumber = 8,  // with a fraction; numbers have kInteger too
        kString = 16,
        kArray = 32,
        kObject = 64,
        kAll = 127,
    };

    // json_schema.cpp
    Done build(const Rule& rule, const Conjunction& schemas);
    Result<bool> build_choice(const Rule& rule, const Conjunction& schemas);
    Result<bool> build_listed(const Rule& rule, const Conjunction& schemas, unsigned types);
    Result<unsigned> types_of(const Conjunction& schemas) const;
    Done add_value(StateId from, const Json& value, StateId to);
    void add_space(StateId from, StateId to);  // where JSON allows it and options do
    Done fail(std::int32_t status, const Json& schema, std::string_view keyword, std::string_view why) const {
        return document_.error(status, schema, keyword, why);
    }

    // schema_scalars.cpp
    Result<bool> admits(const Conjunction& schemas, unsigned types, const Json& value) const;
    Result<bool> admits_number(const Conjunction& schemas, const Json& value) const;
    Result<bool> admits_string(const Conjunction& schemas, const std::string& text) const;
    Done add_number(StateId from, const Conjunction& schemas, bool is_integer, StateId to);
    Done add_string(StateId from, const Conjunction& schemas, StateId to);
    Result<std::vector<CharacterAutomaton>> patterns_of(const Conjunction& schemas) const;
    void add_in_quotes(StateId from, const CharacterAutomaton& automaton, StateId to);
    RuleId free_string();
    RuleId free_character(Spelling spelling);

    // schema_arrays.cpp
    Done add_array(StateId from, const Conjunction& schemas, StateId to);

    // schema_objects.cpp
    Done add_object(StateId from, const Conjunction& schemas, StateId to, const MemberMarks& marks);
    Result<std::vector<std::string>> names_of(const Conjunction& schemas) const;
    Result<std::vector<SchemaPart>> schemas_of_name(const Conjunction& schemas, const std::string& name) const;
    Result<std::optional<RuleId>> additional_member(const Conjunction& schemas,
                                                    const std::vector<std::string>& names,
                                                    const MemberMarks& marks);
    Result<RuleId> named_member(const std::string& name, std::vector<SchemaPart> schemas,
                                const MemberMarks& marks);
    void add_name_end(StateId from, StateId to, const MemberMarks& marks);

    SchemaDocument& document_;
    AutomatonBuilder& builder_;
    SchemaOptions options_;
    std::map<std::pair<std::vector<SchemaPart>, bool>, RuleId> rules_;
    std::deque<Pending> pending_;
    std::optional<RuleId> space_;
    std::optional<RuleId> free_string_;
    std::map<Spelling, RuleId> free_character_;
    std::map<std::string, RuleId> members_;
    mutable std::map<std::string, CharacterAutomaton> expressions_;  // compiled so far
    Result<const CharacterAutomaton*> compiled(const Json& schema, std::string_view keyword,
                                               std::string_view expression, bool is_whole) const;
};

}  // namespace sluice::grammar
