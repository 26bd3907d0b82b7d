// Arrays of a schema.
#include <algorithm>

#include "text/grammar/schema_compiler.h"

namespace sluice::grammar {

Done SchemaCompiler::add_array(StateId from, const Conjunction& schemas, StateId to) {
    std::uint64_t min = 0;
    std::uint64_t max = kUnbounded;
    std::size_t n_first = 0;  // items with schemas of their own
    for (const SchemaPart& part : schemas.parts) {
        SLUICE_ASSIGN(least, document_.count_of(*part.schema, "minItems"));
        SLUICE_ASSIGN(most, document_.count_of(*part.schema, "maxItems"));
        if (least) min = std::max(min, *least);
        if (most) max = std::min(max, *most);
        if (least && *least >= kUnbounded)
            return fail(SLUICE_E_LIMIT, *part.schema, "minItems", "is too large");
        SLUICE_ASSIGN(prefix, document_.list_of(*part.schema, "prefixItems"));
        if (prefix != nullptr) n_first = std::max(n_first, prefix->array()->size());
        const Json* items = part.schema->find("items");
        if (items != nullptr && items->array() != nullptr) {
            return fail(SLUICE_E_UNSUPPORTED, *part.schema, "items",
                        "is a list, as in older drafts; write prefixItems");
        }
    }
    if (min > max) return Nothing{};
    const auto rule_of_item = [&](std::size_t i) -> Result<RuleId> {
        std::vector<SchemaPart> parts;
        for (const SchemaPart& part : schemas.parts) {
            const Json* prefix = part.schema->find("prefixItems");
            const Json* items = part.schema->find("items");
            if (prefix != nullptr && i < prefix->array()->size()) {
                parts.push_back({&(*prefix->array())[i], false, false, false});
            } else if (items != nullptr) {
                parts.push_back({items, false, false, false});
            }
        }
        return rule_of(std::move(parts));
    };
    // open, then item after item; where enough have come, the end.
    const StateId close = builder_.add_state();
    StateId at = builder_.add_text(from, "[");
    builder_.add_text(close, "]", to);
    if (min == 0) add_space(at, close);
    const auto end_from = [&](StateId state, std::size_t n_items) {
        if (n_items >= min) add_space(state, close);
    };
    std::size_t n_items = 0;
    for (; n_items < n_first && n_items < max && !builder_.is_full(); ++n_items) {
        SLUICE_ASSIGN(item, rule_of_item(n_items));
        const StateId ready = builder_.add_state();
        const StateId next = builder_.add_state();
        n_items == 0 ? add_space(at, ready) : add_comma(at, ready);
        builder_.add_call(ready, item, next);
        end_from(next, n_items + 1);
        at = next;
    }
    if (n_items >= max) return Nothing{};
    SLUICE_ASSIGN(item, rule_of_item(n_first));
    if (n_items == 0) {
        const StateId ready = builder_.add_state();
        const StateId next = builder_.add_state();
        add_space(at, ready);
        builder_.add_call(ready, item, next);
        end_from(next, 1);
        at = next;
        n_items = 1;
    }
    if (n_items >= max) return Nothing{};
    const RuleId more = builder_.add_rule("another item");
    const Rule rule = builder_.rule(more);
    const StateId ready = builder_.add_state();
    add_comma(rule.start, ready);
    builder_.add_call(ready, item, rule.end);
    const StateId all = builder_.add_state();
    const auto least = static_cast<std::uint32_t>(min > n_items ? min - n_items : 0);
    const auto most = max == kUnbounded
                          ? kUnbounded
                          : static_cast<std::uint32_t>(std::min<std::uint64_t>(max - n_items, kUnbounded - 1));
    builder_.add_call(at, more, all, std::max<std::uint32_t>(least, 1), most);
    add_space(all, close);
    return Nothing{};
}

}  // namespace sluice::grammar
