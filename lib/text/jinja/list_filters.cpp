// Filters that look at lists, dicts and other things with items.
#include <algorithm>
#include <iterator>
#include <numeric>

#include "base/utf8.h"
#include "text/jinja/characters.h"
#include "text/jinja/filters.h"
#include "text/jinja/lookup.h"
#include "text/jinja/operators.h"
#include "text/jinja/spelling.h"

namespace sluice::jinja {
namespace {

Result<Value> default_value(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("default", arguments, {"default_value", "boolean"}));
    const bool is_missing = value.is_undefined() || (truth_argument(given[1], false) && !is_true(value));
    if (!is_missing) return value;
    return given[0] == nullptr ? make_text(runtime, "") : *given[0];
}

Result<Value> length(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_TRY(bind("length", arguments, {}));
    if (value.text() != nullptr) SLUICE_TRY(runtime.meter.spend(value.text()->size() / 64));
    SLUICE_ASSIGN(size, length_of(value));
    return Value::integer(size);
}

Result<Value> join(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("join", arguments, {"d", "attribute"}));
    std::string separator;
    if (given[0] != nullptr) SLUICE_TRY(append_str(runtime.meter, *given[0], separator));
    SLUICE_ASSIGN(items, items_of(runtime.meter, value));
    std::string out;
    for (std::size_t i = 0; i < items->items.size(); ++i) {
        SLUICE_TRY(runtime.meter.spend_growth(out.size(), separator.size()));
        if (i > 0) out += separator;
        if (given[1] == nullptr || given[1]->is_none()) {
            SLUICE_TRY(append_str(runtime.meter, items->items[i], out));
        } else {
            SLUICE_ASSIGN(part, attribute_at(runtime, items->items[i], *given[1]));
            SLUICE_TRY(append_str(runtime.meter, part, out));
        }
    }
    SLUICE_TRY(runtime.meter.spend_text(out.size()));
    return make_text(runtime, std::move(out));
}

Result<Value> to_list(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_TRY(bind("list", arguments, {}));
    SLUICE_ASSIGN(items, items_of(runtime.meter, value));
    return make_list(runtime.meter, items->items);
}

Result<Value> first(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_TRY(bind("first", arguments, {}));
    SLUICE_ASSIGN(items, items_of(runtime.meter, value));
    if (items->items.empty()) return Value::undefined("No first item, sequence was empty.");
    return items->items.front();
}

Result<Value> last(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_TRY(bind("last", arguments, {}));
    if (const Sequence* sequence = value.sequence(); sequence && sequence->flavour == Flavour::kIterator)
        return wrong_value("a generator has no last item");
    SLUICE_ASSIGN(items, items_of(runtime.meter, value));
    if (items->items.empty()) return Value::undefined("No last item, sequence was empty.");
    return items->items.back();
}

Result<Value> reverse(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_TRY(bind("reverse", arguments, {}));
    if (value.is_undefined()) return make_list(runtime.meter, {});
    SLUICE_ASSIGN(items, items_of(runtime.meter, value));
    std::vector<Value> backwards(items->items.rbegin(), items->items.rend());
    if (value.text() == nullptr) return make_sequence(runtime.meter, Flavour::kIterator, std::move(backwards));
    std::string text;
    for (const Value& character : backwards) text += *character.text();
    return make_text(runtime, std::move(text));
}

Result<Value> items(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_TRY(bind("items", arguments, {}));
    if (value.is_undefined()) return make_sequence(runtime.meter, Flavour::kIterator, {});
    const Dict* dict = value.dict();
    if (dict == nullptr) return wrong_value("items needs a dict, given is a ", type_name(value));
    std::vector<Value> pairs;
    for (const auto& [key, its_value] : dict->entries) {
        SLUICE_ASSIGN(pair, make_sequence(runtime.meter, Flavour::kTuple, {key, its_value}));
        pairs.push_back(std::move(pair));
    }
    return make_sequence(runtime.meter, Flavour::kIterator, std::move(pairs));
}

Result<Value> sort(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("sort", arguments, {"reverse", "case_sensitive", "attribute"}));
    SLUICE_ASSIGN(source, items_of(runtime.meter, value));
    const bool has_attribute = given[2] != nullptr && !given[2]->is_none();
    std::vector<Value> paths;  // "a,b" sorts by a, then by b
    if (has_attribute && given[2]->text() != nullptr) {
        std::string_view rest = *given[2]->text();
        while (true) {
            const std::size_t comma = rest.find(',');
            paths.push_back(make_text(runtime, std::string(rest.substr(0, comma))));
            if (comma == std::string_view::npos) break;
            rest = rest.substr(comma + 1);
        }
    } else if (has_attribute) {
        paths.push_back(*given[2]);
    }
    const bool case_sensitive = truth_argument(given[1], false);
    std::vector<Value> sorted = source->items;
    std::vector<Value> keys;
    for (const Value& item : sorted) {
        std::vector<Value> parts;
        for (const Value& path : paths) {
            SLUICE_ASSIGN(part, attribute_at(runtime, item, path));
            SLUICE_ASSIGN(key, without_case(runtime, part, case_sensitive));
            parts.push_back(std::move(key));
        }
        if (paths.empty()) {
            SLUICE_ASSIGN(key, without_case(runtime, item, case_sensitive));
            keys.push_back(std::move(key));
        } else {
            SLUICE_ASSIGN(key, make_list(runtime.meter, std::move(parts)));
            keys.push_back(std::move(key));
        }
    }
    SLUICE_TRY(sort_by(runtime, sorted, keys, truth_argument(given[0], false)));
    return make_list(runtime.meter, std::move(sorted));
}

Result<Value> dictsort(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("dictsort", arguments, {"case_sensitive", "by", "reverse"}));
    SLUICE_ASSIGN(by, text_argument("dictsort", given[1], "key"));
    if (by != "key" && by != "value") return wrong_value("dictsort sorts by key or by value");
    if (value.is_undefined()) return undefined_error(value);
    const Dict* dict = value.dict();
    if (dict == nullptr) return wrong_value("dictsort needs a dict, given is a ", type_name(value));
    std::vector<Value> pairs;
    std::vector<Value> keys;
    for (const auto& [key, its_value] : dict->entries) {
        SLUICE_ASSIGN(pair, make_sequence(runtime.meter, Flavour::kTuple, {key, its_value}));
        pairs.push_back(std::move(pair));
        SLUICE_ASSIGN(compared,
                      without_case(runtime, by == "key" ? key : its_value, truth_argument(given[0], false)));
        keys.push_back(std::move(compared));
    }
    SLUICE_TRY(sort_by(runtime, pairs, keys, truth_argument(given[2], false)));
    return make_list(runtime.meter, std::move(pairs));
}

// Runs of `size` items, the last one filled up.
Result<Value> batch(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("batch", arguments, {"linecount", "fill_with"}));
    SLUICE_ASSIGN(size_value, required("batch", given[0], "linecount"));
    SLUICE_ASSIGN(size, integer_argument("batch", size_value, 1));
    SLUICE_ASSIGN(source, items_of(runtime.meter, value));
    if (size < 1) return make_error(SLUICE_E_UNSUPPORTED, "batch with runs of ", size, " items");
    const bool fills = given[1] != nullptr && !given[1]->is_none();
    std::vector<Value> batches;
    for (std::size_t from = 0; from < source->items.size();) {
        const std::size_t to =
            from + std::min<std::size_t>(static_cast<std::size_t>(size), source->items.size() - from);
        std::vector<Value> run(source->items.begin() + static_cast<std::ptrdiff_t>(from),
                               source->items.begin() + static_cast<std::ptrdiff_t>(to));
        if (fills) {
            SLUICE_TRY(runtime.meter.spend_items(static_cast<std::uint64_t>(size)));
            run.resize(static_cast<std::size_t>(size), *given[1]);
        }
        SLUICE_ASSIGN(list, make_list(runtime.meter, std::move(run)));
        batches.push_back(std::move(list));
        from = to;
    }
    return make_sequence(runtime.meter, Flavour::kIterator, std::move(batches));
}

// As many runs as asked for, the first ones longer by one.
Result<Value> slice(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("slice", arguments, {"slices", "fill_with"}));
    SLUICE_ASSIGN(count_value, required("slice", given[0], "slices"));
    SLUICE_ASSIGN(count, integer_argument("slice", count_value, 1));
    SLUICE_ASSIGN(source, items_of(runtime.meter, value));
    if (count == 0) return wrong_value("division by zero");
    if (count < 0) return make_sequence(runtime.meter, Flavour::kIterator, {});
    SLUICE_TRY(runtime.meter.spend_items(static_cast<std::uint64_t>(count)));
    const auto n_runs = static_cast<std::size_t>(count);
    const std::size_t size = source->items.size() / n_runs;
    const std::size_t n_longer = source->items.size() % n_runs;
    const bool fills = given[1] != nullptr && !given[1]->is_none();
    std::vector<Value> runs;
    std::size_t from = 0;
    for (std::size_t i = 0; i < n_runs; ++i) {
        const std::size_t to = from + size + (i < n_longer ? 1 : 0);
        std::vector<Value> run(source->items.begin() + static_cast<std::ptrdiff_t>(from),
                               source->items.begin() + static_cast<std::ptrdiff_t>(to));
        if (fills && i >= n_longer) run.push_back(*given[1]);
        SLUICE_ASSIGN(list, make_list(runtime.meter, std::move(run)));
        runs.push_back(std::move(list));
        from = to;
    }
    return make_sequence(runtime.meter, Flavour::kIterator, std::move(runs));
}

Result<Value> sum(Runtime& runtime, const Value& value, const CallArguments& arguments) {
    SLUICE_ASSIGN(given, bind("sum", arguments, {"attribute", "start"}));
    SLUICE_ASSIGN(source, items_of(runtime.meter, value));
    Value total = given[1] == nullptr ? Value::integer(0) : *given[1];
    if (total.text() != nullptr) return wrong_value("sum does not add texts");
    for (const Value& item : source->items) {
        Value part = item;
        if (given[0] != nullptr && !given[0]->is_none()) {
            SLUICE_ASSIGN(found, attribute_at(runtime, item, *given[0]));
            part = std::move(found);
        }
        SLUICE_ASSIGN(next, arithmetic(runtime, Operator::kAdd, total, part));
        total = std::move(next);
    }
    return total;
}

constexpr NamedFilter kFilters[] = {
    {"default", default_value}, {"d", default_value}, {"length", length},
    {"count", length},          {"join", join},       {"list", to_list},
    {"first", first},           {"last", last},       {"reverse", reverse},
    {"items", items},           {"sort", sort},       {"dictsort", dictsort},
    {"batch", batch},           {"slice", slice},     {"sum", sum},
};

}  // namespace

Filter find_list_filter(std::string_view name) {
    const auto at = std::find_if(std::begin(kFilters), std::end(kFilters),
                                 [&](const NamedFilter& named) { return named.name == name; });
    return at == std::end(kFilters) ? nullptr : at->filter;
}

Result<Value> attribute_at(Runtime& runtime, const Value& value, const Value& path, const Value* otherwise) {
    const auto filled = [&](Value found) { return found.is_undefined() && otherwise ? *otherwise : found; };
    const std::string* text = path.text();
    if (text == nullptr) {
        SLUICE_ASSIGN(item, get_item(runtime, value, path));
        return filled(std::move(item));
    }
    Value found = value;
    std::string_view rest = *text;
    while (true) {
        const std::size_t dot = rest.find('.');
        const std::string_view part = rest.substr(0, dot);
        SLUICE_TRY(runtime.meter.spend(1));
        const bool is_number =
            !part.empty() && part.size() < 10 && part.find_first_not_of("0123456789") == std::string_view::npos;
        Value key = make_text(runtime, std::string(part));
        if (is_number) {
            std::int64_t index = 0;
            for (const char digit : part) index = index * 10 + (digit - '0');
            key = Value::integer(index);
        }
        SLUICE_ASSIGN(next, get_item(runtime, found, key));
        found = filled(std::move(next));
        if (dot == std::string_view::npos) return found;
        rest = rest.substr(dot + 1);
    }
}

Result<Value> without_case(Runtime& runtime, const Value& value, bool case_sensitive) {
    const std::string* text = value.text();
    if (case_sensitive || text == nullptr) return value;
    SLUICE_TRY(runtime.meter.spend_text(text->size()));
    return make_text(runtime, to_lower(*text));
}

Done sort_by(Runtime& runtime, std::vector<Value>& items, std::vector<Value>& keys, bool backwards) {
    // A merge sort of our own: the comparison may fail, and std::stable_sort cannot stop.
    std::vector<std::size_t> places(items.size());
    std::iota(places.begin(), places.end(), std::size_t{0});
    std::vector<std::size_t> merged(places.size());
    for (std::size_t width = 1; width < places.size(); width *= 2) {
        for (std::size_t from = 0; from < places.size(); from += 2 * width) {
            const std::size_t middle = std::min(from + width, places.size());
            const std::size_t to = std::min(from + 2 * width, places.size());
            std::size_t left = from;
            std::size_t right = middle;
            for (std::size_t out = from; out < to; ++out) {
                bool take_right = left == middle;
                if (!take_right && right < to) {
                    // Equal items keep their order, backwards too.
                    const Value& a = keys[places[right]];
                    const Value& b = keys[places[left]];
                    SLUICE_ASSIGN(
                        sign, backwards ? order(runtime.meter, b, a, "<") : order(runtime.meter, a, b, "<"));
                    take_right = sign < 0;
                }
                merged[out] = take_right ? places[right++] : places[left++];
            }
        }
        places.swap(merged);
    }
    std::vector<Value> sorted;
    sorted.reserve(items.size());
    for (const std::size_t place : places) sorted.push_back(items[place]);
    items = std::move(sorted);
    return Nothing{};
}

}  // namespace sluice::jinja
