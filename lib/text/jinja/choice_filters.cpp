// Filters that apply other filters and tests to items, or choose among them.
#include <algorithm>
#include <iterator>

#include "base/utf8.h"
#include "text/jinja/filters.h"
#include "text/jinja/lookup.h"
#include "text/jinja/tests.h"

namespace sluice::jinja {
namespace {

// The name of a filter or test among the arguments, and the arguments after it.
struct Named {
    std::string name;
    CallArguments rest;
};

Result<Named> named_after(std::string_view what, const CallArguments& arguments, std::size_t n_before) {
    Named named;
    SLUICE_ASSIGN(name, text_argument(what, &arguments.positional[n_before], ""));
    named.name = name;
    named.rest.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(n_before) + 1,
                                 arguments.positional.end());
    named.rest.named = arguments.named;
    return named;
}

Result<Value> map_attribute(Runtime& runtime, const Sequence& source, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("map", arguments, {"attribute", "default"}));
    std::vector<Value> mapped;
    for (const Value& item : source.items) {
        const Value* otherwise = given[1] == nullptr || given[1]->is_none() ? nullptr : given[1];
        SLUICE_ASSIGN(found, attribute_at(runtime, item, *given[0], otherwise));
        mapped.push_back(std::move(found));
    }
    return make_sequence(runtime.meter, Flavour::kIterator, std::move(mapped));
}

Result<Value> map(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    const Deeper deeper(runtime.meter);
    SLUICE_TRY(runtime.meter.check_depth());
    SLUICE_ASSIGN(source, items_of(runtime.meter, value));
    const bool has_attribute = std::any_of(arguments.named.begin(), arguments.named.end(),
                                           [](const auto& argument) { return argument.first == "attribute"; });
    if (arguments.positional.empty() && has_attribute) return map_attribute(runtime, *source, arguments);
    if (arguments.positional.empty()) return wrong_value("map needs a filter or an attribute");
    SLUICE_ASSIGN(named, named_after("map", arguments, 0));
    const Filter filter = find_filter(named.name);
    if (filter == nullptr)
        return make_error(SLUICE_E_UNSUPPORTED, "there is no filter ", printable(named.name, 32));
    std::vector<Value> mapped;
    for (const Value& item : source->items) {
        SLUICE_TRY(runtime.meter.spend(1 + named.rest.positional.size()));
        SLUICE_ASSIGN(result, filter(runtime, item, named.rest));
        mapped.push_back(std::move(result));
    }
    return make_sequence(runtime.meter, Flavour::kIterator, std::move(mapped));
}

Result<Value> choose(Runtime& runtime, const Value& value, const CallArguments& arguments, bool by_attribute,
                     bool keeps) {
    const std::string_view what = by_attribute ? "selectattr or rejectattr" : "select or reject";
    SLUICE_ASSIGN(source, items_of(runtime.meter, value));
    const std::size_t n_before = by_attribute ? 1 : 0;
    if (arguments.positional.size() < n_before) return wrong_value(what, " needs the name of an attribute");
    Test test = nullptr;
    Named named;
    if (arguments.positional.size() > n_before) {
        SLUICE_ASSIGN(given, named_after(what, arguments, n_before));
        named = std::move(given);
        test = find_test(named.name);
        if (test == nullptr)
            return make_error(SLUICE_E_UNSUPPORTED, "there is no test ", printable(named.name, 32));
    }
    std::vector<Value> kept;
    for (const Value& item : source->items) {
        SLUICE_TRY(runtime.meter.spend(1 + named.rest.positional.size()));
        Value looked_at = item;
        if (by_attribute) {
            SLUICE_ASSIGN(found, attribute_at(runtime, item, arguments.positional[0]));
            looked_at = std::move(found);
        }
        bool holds = false;
        if (test == nullptr) {
            holds = is_true(looked_at);
        } else {
            SLUICE_ASSIGN(said, test(runtime, looked_at, named.rest));
            holds = said;
        }
        if (holds == keeps) kept.push_back(item);
    }
    return make_sequence(runtime.meter, Flavour::kIterator, std::move(kept));
}

template <bool ByAttribute, bool Keeps>
Result<Value> chosen(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    return choose(runtime, value, arguments, ByAttribute, Keeps);
}

// What an item is compared by.
Result<Value> key_of(Runtime& runtime, const Value& item, const Value* attribute, bool case_sensitive) {
    if (attribute == nullptr || attribute->is_none()) return without_case(runtime, item, case_sensitive);
    SLUICE_ASSIGN(found, attribute_at(runtime, item, *attribute));
    return without_case(runtime, found, case_sensitive);
}

Result<Value> unique(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("unique", arguments, {"case_sensitive", "attribute"}));
    SLUICE_ASSIGN(source, items_of(runtime.meter, value));
    std::vector<Dict::Entry> keys;
    for (const Value& item : source->items) {
        SLUICE_ASSIGN(key, key_of(runtime, item, given[1], truth_argument(given[0], false)));
        if (!is_hashable(key)) return wrong_value("unique cannot compare a ", type_name(key));
        keys.emplace_back(std::move(key), item);
    }
    // Sorted with equal keys in their order, so that the first of each is known.
    SLUICE_TRY(runtime.meter.spend_items(keys.size() * 4));
    std::vector<std::size_t> places(keys.size());
    for (std::size_t i = 0; i < places.size(); ++i) places[i] = i;
    std::stable_sort(places.begin(), places.end(),
                     [&](std::size_t a, std::size_t b) { return key_order(keys[a].first, keys[b].first) < 0; });
    std::vector<bool> repeated(keys.size());
    for (std::size_t i = 1; i < places.size(); ++i)
        repeated[places[i]] = key_order(keys[places[i - 1]].first, keys[places[i]].first) == 0;
    std::vector<Value> kept;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (!repeated[i]) kept.push_back(keys[i].second);
    }
    return make_sequence(runtime.meter, Flavour::kIterator, std::move(kept));
}

template <bool Largest>
Result<Value> extreme(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("min or max", arguments, {"case_sensitive", "attribute"}));
    SLUICE_ASSIGN(source, items_of(runtime.meter, value));
    if (source->items.empty()) return Value::undefined("No aggregated item, sequence was empty.");
    const bool case_sensitive = truth_argument(given[0], false);
    Value best = source->items.front();
    SLUICE_ASSIGN(best_key, key_of(runtime, best, given[1], case_sensitive));
    for (std::size_t i = 1; i < source->items.size(); ++i) {
        SLUICE_ASSIGN(key, key_of(runtime, source->items[i], given[1], case_sensitive));
        SLUICE_ASSIGN(sign, Largest ? order(runtime.meter, best_key, key, ">")
                                    : order(runtime.meter, key, best_key, "<"));
        if (sign < 0) {
            best = source->items[i];
            best_key = std::move(key);
        }
    }
    return best;
}

Result<Value> groupby(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("groupby", arguments, {"attribute", "default", "case_sensitive"}));
    SLUICE_ASSIGN(attribute, required("groupby", given[0], "attribute"));
    SLUICE_ASSIGN(source, items_of(runtime.meter, value));
    const bool case_sensitive = truth_argument(given[2], false);
    std::vector<Value> pairs;  // the item and its attribute
    std::vector<Value> keys;
    for (const Value& item : source->items) {
        const Value* otherwise = given[1] == nullptr || given[1]->is_none() ? nullptr : given[1];
        SLUICE_ASSIGN(found, attribute_at(runtime, item, *attribute, otherwise));
        SLUICE_ASSIGN(key, without_case(runtime, found, case_sensitive));
        SLUICE_ASSIGN(pair, make_sequence(runtime.meter, Flavour::kTuple, {item, found, key}));
        pairs.push_back(std::move(pair));
        keys.push_back(std::move(key));
    }
    SLUICE_TRY(sort_by(runtime, pairs, keys, false));
    std::vector<Value> groups;
    for (std::size_t from = 0; from < pairs.size();) {
        const std::vector<Value>& head = pairs[from].sequence()->items;
        std::vector<Value> members;
        std::size_t to = from;
        for (; to < pairs.size(); ++to) {
            SLUICE_ASSIGN(same, equals(runtime.meter, pairs[to].sequence()->items[2], head[2]));
            if (!same) break;
            members.push_back(pairs[to].sequence()->items[0]);
        }
        if (to == from) return wrong_value("groupby cannot group by a value that does not equal itself");
        SLUICE_ASSIGN(list, make_list(runtime.meter, std::move(members)));
        SLUICE_ASSIGN(group, make_sequence(runtime.meter, Flavour::kTuple, {head[1], list}));
        groups.push_back(std::move(group));
        from = to;
    }
    return make_list(runtime.meter, std::move(groups));
}

Result<Value> attr(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("attr", arguments, {"name"}));
    SLUICE_ASSIGN(name, required("attr", given[0], "name"));
    if (name->text() == nullptr) return wrong_value("attr needs a name");
    // Unlike value.name it never looks at the items of a dict.
    if (const Dict* dict = value.dict(); dict != nullptr && dict->find(*name) != nullptr) {
        SLUICE_ASSIGN(empty, make_dict(runtime.meter, {}));
        return get_attribute(runtime, empty, *name);
    }
    return get_attribute(runtime, value, *name);
}

constexpr NamedFilter kFilters[] = {
    {"map", map},
    {"select", chosen<false, true>},
    {"reject", chosen<false, false>},
    {"selectattr", chosen<true, true>},
    {"rejectattr", chosen<true, false>},
    {"unique", unique},
    {"min", extreme<false>},
    {"max", extreme<true>},
    {"groupby", groupby},
    {"attr", attr},
};

}  // namespace

Filter find_choice_filter(std::string_view name) {
    const auto at = std::find_if(std::begin(kFilters), std::end(kFilters),
                                 [&](const NamedFilter& named) { return named.name == name; });
    return at == std::end(kFilters) ? nullptr : at->filter;
}

}  // namespace sluice::jinja
