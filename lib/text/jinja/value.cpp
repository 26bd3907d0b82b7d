// Making values, and what Python says of their truth, equality and order.
#include "text/jinja/value.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "base/checked.h"
#include "base/utf8.h"
#include "text/jinja/characters.h"

namespace sluice::jinja {
namespace {

// Where a search over the entries is faster than one over a sorted index.
constexpr std::size_t kFewEntries = 8;

std::uint32_t depth_of(const Value& value) {
    if (const Sequence* sequence = value.sequence()) return sequence->depth;
    if (const Dict* dict = value.dict()) return dict->depth;
    if (const auto* method = value.as<MethodRef>()) return depth_of((*method)->self);
    if (const auto* cycler = value.as<CyclerRef>()) {
        std::uint32_t depth = 0;
        for (const Value& item : (*cycler)->items) depth = std::max(depth, depth_of(item));
        return depth + 1;
    }
    return 0;
}

int compare(double a, double b) {
    return a < b ? -1 : a > b ? 1 : 0;
}

int compare(std::int64_t a, std::int64_t b) {
    return a < b ? -1 : a > b ? 1 : 0;
}

bool is_number(const Value& value) {
    return value.as<bool>() != nullptr || value.as<std::int64_t>() != nullptr || value.as<double>() != nullptr;
}

int compare_numbers(const Value& a, const Value& b) {
    if (a.whole() && b.whole()) return compare(*a.whole(), *b.whole());
    return compare(*a.number(), *b.number());
}

bool is_nan(const Value& value) {
    const auto* real = value.as<double>();
    return real != nullptr && std::isnan(*real);
}

// The order of kinds among keys; numbers of all kinds are one.
int key_kind(const Value& value) {
    if (is_number(value)) return 1;
    return static_cast<int>(value.content().index()) + 2;
}

int compare_texts(const std::string& a, const std::string& b) {
    // The order of UTF-8's bytes is the order of code points.
    const int sign = a.compare(b);
    return sign < 0 ? -1 : sign > 0 ? 1 : 0;
}

const void* address(const Value& value) {
    if (const auto* space = value.as<Namespace*>()) return *space;
    if (const auto* macro = value.as<MacroRef>()) return macro->get();
    if (const auto* method = value.as<MethodRef>()) return method->get();
    if (const auto* cycler = value.as<CyclerRef>()) return cycler->get();
    if (const auto* joiner = value.as<JoinerRef>()) return joiner->get();
    if (const auto* loop = value.as<LoopRef>()) return loop->lock().get();
    return nullptr;
}

Result<bool> equal_sequences(Meter& meter, const Sequence& a, const Sequence& b) {
    if (&a == &b) return true;
    if (a.flavour != b.flavour) return false;
    if (a.flavour == Flavour::kIterator || a.flavour == Flavour::kValues) return false;
    if (a.items.size() != b.items.size()) return false;
    for (std::size_t i = 0; i < a.items.size(); ++i) {
        SLUICE_ASSIGN(same, equals(meter, a.items[i], b.items[i]));
        if (!same) return false;
    }
    return true;
}

Result<bool> equal_dicts(Meter& meter, const Dict& a, const Dict& b) {
    if (&a == &b) return true;
    if (a.entries.size() != b.entries.size()) return false;
    for (const auto& [key, value] : a.entries) {
        const Value* other = b.find(key);
        if (other == nullptr) return false;
        SLUICE_ASSIGN(same, equals(meter, value, *other));
        if (!same) return false;
    }
    return true;
}

std::vector<Dict::Entry> without_repeats(std::vector<Dict::Entry> entries, std::vector<std::uint32_t>& sorted) {
    sorted.resize(entries.size());
    std::iota(sorted.begin(), sorted.end(), 0u);
    std::stable_sort(sorted.begin(), sorted.end(), [&](std::uint32_t a, std::uint32_t b) {
        return key_order(entries[a].first, entries[b].first) < 0;
    });
    bool repeats = false;
    for (std::size_t i = 1; i < sorted.size() && !repeats; ++i)
        repeats = key_order(entries[sorted[i - 1]].first, entries[sorted[i]].first) == 0;
    if (!repeats) return entries;
    std::vector<bool> dropped(entries.size());
    for (std::size_t first = 0; first < sorted.size();) {
        std::size_t last = first + 1;
        while (last < sorted.size() &&
               key_order(entries[sorted[first]].first, entries[sorted[last]].first) == 0) {
            dropped[sorted[last]] = true;
            ++last;
        }
        if (last - first > 1) entries[sorted[first]].second = entries[sorted[last - 1]].second;
        first = last;
    }
    std::vector<Dict::Entry> kept;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (!dropped[i]) kept.push_back(std::move(entries[i]));
    }
    return without_repeats(std::move(kept), sorted);
}

}  // namespace

Sequence::Sequence(Meter* meter, Flavour its_flavour, std::vector<Value> its_items)
    : flavour(its_flavour),
      items(std::move(its_items)),
      taken(meter, items.capacity() * sizeof(Value) + sizeof(Sequence) + 16) {
    for (const Value& item : items) depth = std::max(depth, depth_of(item) + 1);
}

Dict::Dict(Meter* meter, std::vector<Entry> its_entries)
    : entries(without_repeats(std::move(its_entries), sorted)),
      taken(meter, entries.capacity() * (sizeof(Entry) + sizeof(std::uint32_t)) + sizeof(Dict) + 16) {
    if (entries.size() <= kFewEntries) std::vector<std::uint32_t>().swap(sorted);
    for (const auto& [key, value] : entries) depth = std::max(depth, depth_of(value) + 1);
}

const Value* Dict::find(const Value& key) const {
    if (sorted.empty()) {
        for (const auto& [name, value] : entries) {
            if (key_order(name, key) == 0) return &value;
        }
        return nullptr;
    }
    const auto at = std::lower_bound(
        sorted.begin(), sorted.end(), key,
        [&](std::uint32_t i, const Value& wanted) { return key_order(entries[i].first, wanted) < 0; });
    if (at == sorted.end() || key_order(entries[*at].first, key) != 0) return nullptr;
    return &entries[*at].second;
}

const Value* Dict::find(std::string_view key) const {
    return find(Value::text(nullptr, std::string(key)));
}

std::optional<std::int64_t> Value::whole() const {
    if (const auto* value = as<std::int64_t>()) return *value;
    if (const auto* value = as<bool>()) return *value ? 1 : 0;
    return std::nullopt;
}

std::optional<double> Value::number() const {
    if (const auto* value = as<double>()) return *value;
    if (const auto value = whole()) return static_cast<double>(*value);
    return std::nullopt;
}

Result<Value> make_sequence(Meter& meter, Flavour flavour, std::vector<Value> items) {
    SLUICE_TRY(meter.spend_items(items.size()));
    auto made = std::make_shared<const Sequence>(&meter, flavour, std::move(items));
    if (made->depth > meter.limits().max_depth)
        return make_error(SLUICE_E_LIMIT, "a value is nested deeper than ", meter.limits().max_depth);
    return Value(Value::Content(SequenceRef(std::move(made))));
}

Result<Value> make_dict(Meter& meter, std::vector<Dict::Entry> entries) {
    SLUICE_TRY(meter.spend_items(entries.size()));
    for (const auto& [key, value] : entries) {
        if (key.is_undefined() || !is_hashable(key))
            return make_error(SLUICE_E_INVALID_ARGUMENT, "a ", type_name(key), " cannot be a key of a dict");
    }
    auto made = std::make_shared<const Dict>(&meter, std::move(entries));
    if (made->depth > meter.limits().max_depth)
        return make_error(SLUICE_E_LIMIT, "a value is nested deeper than ", meter.limits().max_depth);
    return Value(Value::Content(DictRef(std::move(made))));
}

Result<Value> from_json(Meter& meter, const Json& json) {
    // The reader of JSON bounded the depth.
    if (const Json::Array* array = json.array()) {
        std::vector<Value> items;
        items.reserve(array->size());
        for (const Json& item : *array) {
            SLUICE_ASSIGN(value, from_json(meter, item));
            items.push_back(std::move(value));
        }
        return make_list(meter, std::move(items));
    }
    if (const Json::Object* object = json.object()) {
        std::vector<Dict::Entry> entries;
        entries.reserve(object->size());
        for (const auto& [name, item] : *object) {
            SLUICE_ASSIGN(value, from_json(meter, item));
            entries.emplace_back(Value::text(&meter, name), std::move(value));
        }
        return make_dict(meter, std::move(entries));
    }
    SLUICE_TRY(meter.spend(1));
    if (const std::string* text = json.string()) {
        SLUICE_TRY(meter.spend_text(text->size()));
        return Value::text(&meter, *text);
    }
    if (const bool* truth = json.boolean()) return Value::truth(*truth);
    if (json.is_null()) return Value::none();
    if (const double* real = json.real()) return Value::real(*real);
    if (const auto whole = json.integer()) return Value::integer(*whole);
    return Value(
        Value::Content(BigInteger{std::make_shared<const Text>(&meter, sentence(json.natural().value_or(0)))}));
}

std::string_view type_name(const Value& value) {
    struct Names {
        std::string_view operator()(const Undefined&) const { return "Undefined"; }
        std::string_view operator()(None) const { return "NoneType"; }
        std::string_view operator()(bool) const { return "bool"; }
        std::string_view operator()(std::int64_t) const { return "int"; }
        std::string_view operator()(double) const { return "float"; }
        std::string_view operator()(const BigInteger&) const { return "int"; }
        std::string_view operator()(const TextRef&) const { return "str"; }
        std::string_view operator()(const SequenceRef& sequence) const {
            constexpr std::string_view kNames[] = {"list",        "tuple",      "range",    "dict_keys",
                                                   "dict_values", "dict_items", "generator"};
            return kNames[static_cast<std::size_t>(sequence->flavour)];
        }
        std::string_view operator()(const DictRef&) const { return "dict"; }
        std::string_view operator()(Namespace*) const { return "Namespace"; }
        std::string_view operator()(const LoopRef&) const { return "LoopContext"; }
        std::string_view operator()(const MacroRef&) const { return "Macro"; }
        std::string_view operator()(Function) const { return "function"; }
        std::string_view operator()(const MethodRef&) const { return "builtin_function_or_method"; }
        std::string_view operator()(const CyclerRef&) const { return "Cycler"; }
        std::string_view operator()(const JoinerRef&) const { return "Joiner"; }
    };
    return std::visit(Names{}, value.content());
}

bool is_true(const Value& value) {
    if (value.is_undefined() || value.is_none()) return false;
    if (const auto* truth = value.as<bool>()) return *truth;
    if (const auto* whole = value.as<std::int64_t>()) return *whole != 0;
    if (const auto* real = value.as<double>()) return *real != 0;
    if (const std::string* text = value.text()) return !text->empty();
    if (const Sequence* sequence = value.sequence())
        return sequence->flavour == Flavour::kIterator || !sequence->items.empty();
    if (const Dict* dict = value.dict()) return !dict->entries.empty();
    return true;
}

bool is_hashable(const Value& value) {
    if (value.dict() != nullptr) return false;
    const Sequence* sequence = value.sequence();
    if (sequence == nullptr) return true;
    if (sequence->flavour == Flavour::kList || sequence->flavour == Flavour::kKeys ||
        sequence->flavour == Flavour::kItems)
        return false;
    return std::all_of(sequence->items.begin(), sequence->items.end(), is_hashable);
}

int key_order(const Value& a, const Value& b) {
    const int kinds = key_kind(a) - key_kind(b);
    if (kinds != 0) return kinds < 0 ? -1 : 1;
    if (is_number(a)) {
        // A NaN equals nothing; here all of them stand behind the numbers, so that this stays an order.
        if (is_nan(a) || is_nan(b)) return compare(std::int64_t{is_nan(a)}, std::int64_t{is_nan(b)});
        return compare_numbers(a, b);
    }
    if (const std::string* text = a.text()) return compare_texts(*text, *b.text());
    if (const auto* big = a.as<BigInteger>())
        return compare_texts(big->digits->bytes, b.as<BigInteger>()->digits->bytes);
    if (const Sequence* sequence = a.sequence()) {
        const Sequence* other = b.sequence();
        for (std::size_t i = 0; i < sequence->items.size() && i < other->items.size(); ++i) {
            const int sign = key_order(sequence->items[i], other->items[i]);
            if (sign != 0) return sign;
        }
        return compare(static_cast<std::int64_t>(sequence->items.size()),
                       static_cast<std::int64_t>(other->items.size()));
    }
    if (const auto* function = a.as<Function>())
        return compare(static_cast<std::int64_t>(*function), static_cast<std::int64_t>(*b.as<Function>()));
    const std::less<const void*> less;
    return less(address(a), address(b)) ? -1 : less(address(b), address(a)) ? 1 : 0;
}

Result<bool> equals(Meter& meter, const Value& a, const Value& b) {
    const Deeper deeper(meter);
    SLUICE_TRY(meter.check_depth());
    SLUICE_TRY(meter.spend(1));
    if (is_number(a) && is_number(b)) return !is_nan(a) && !is_nan(b) && compare_numbers(a, b) == 0;
    if (a.content().index() != b.content().index()) return false;
    if (a.is_undefined() || a.is_none()) return true;
    if (const std::string* text = a.text()) {
        SLUICE_TRY(meter.spend(text->size() / 64));
        return *text == *b.text();
    }
    if (const Sequence* sequence = a.sequence()) return equal_sequences(meter, *sequence, *b.sequence());
    if (const Dict* dict = a.dict()) return equal_dicts(meter, *dict, *b.dict());
    return key_order(a, b) == 0;
}

Result<int> order(Meter& meter, const Value& a, const Value& b, std::string_view sign) {
    const Deeper deeper(meter);
    SLUICE_TRY(meter.check_depth());
    SLUICE_TRY(meter.spend(1));
    if (a.is_undefined()) return undefined_error(a);
    if (b.is_undefined()) return undefined_error(b);
    if (is_number(a) && is_number(b)) return is_nan(a) || is_nan(b) ? 2 : compare_numbers(a, b);
    if (a.text() != nullptr && b.text() != nullptr) {
        SLUICE_TRY(meter.spend(std::min(a.text()->size(), b.text()->size()) / 64));
        return compare_texts(*a.text(), *b.text());
    }
    const Sequence* left = a.sequence();
    const Sequence* right = b.sequence();
    if (left != nullptr && right != nullptr && left->flavour == right->flavour &&
        (left->flavour == Flavour::kList || left->flavour == Flavour::kTuple)) {
        for (std::size_t i = 0; i < left->items.size() && i < right->items.size(); ++i) {
            SLUICE_ASSIGN(same, equals(meter, left->items[i], right->items[i]));
            if (!same) return order(meter, left->items[i], right->items[i], sign);
        }
        return compare(static_cast<std::int64_t>(left->items.size()),
                       static_cast<std::int64_t>(right->items.size()));
    }
    return make_error(SLUICE_E_INVALID_ARGUMENT, "'", sign, "' does not work between ", type_name(a), " and ",
                      type_name(b));
}

Result<SequenceRef> items_of(Meter& meter, const Value& value) {
    const auto made = [&](std::vector<Value> items) -> Result<SequenceRef> {
        SLUICE_ASSIGN(list, make_list(meter, std::move(items)));
        return *list.as<SequenceRef>();
    };
    if (value.is_undefined()) return made({});
    if (const auto* sequence = value.as<SequenceRef>()) {
        SLUICE_TRY(meter.spend(1));
        if ((*sequence)->flavour != Flavour::kIterator) return *sequence;
        if ((*sequence)->consumed) return made({});
        (*sequence)->consumed = true;
        return *sequence;
    }
    std::vector<Value> items;
    if (const Dict* dict = value.dict()) {
        SLUICE_TRY(meter.spend_items(dict->entries.size()));
        items.reserve(dict->entries.size());
        for (const auto& entry : dict->entries) items.push_back(entry.first);
        return made(std::move(items));
    }
    if (const std::string* text = value.text()) {
        for (std::size_t at = 0; at < text->size();) {
            SLUICE_TRY(meter.spend(1));
            const std::size_t size = code_point_at(*text, at).size;
            items.push_back(Value::text(&meter, text->substr(at, size)));
            at += size;
        }
        return made(std::move(items));
    }
    return make_error(SLUICE_E_INVALID_ARGUMENT, "a value of type ", type_name(value), " is not iterable");
}

Result<std::int64_t> length_of(const Value& value) {
    if (value.is_undefined()) return std::int64_t{0};
    if (const std::string* text = value.text()) return static_cast<std::int64_t>(count_characters(*text));
    if (const Dict* dict = value.dict()) return static_cast<std::int64_t>(dict->entries.size());
    if (const Sequence* sequence = value.sequence(); sequence && sequence->flavour != Flavour::kIterator)
        return static_cast<std::int64_t>(sequence->items.size());
    if (const auto* loop = value.as<LoopRef>()) {
        if (const auto state = loop->lock()) return static_cast<std::int64_t>(state->items->items.size());
    }
    return make_error(SLUICE_E_INVALID_ARGUMENT, "a value of type ", type_name(value), " has no length");
}

Error undefined_error(const Value& value) {
    const auto* undefined = value.as<Undefined>();
    const bool knows = undefined != nullptr && undefined->why != nullptr;
    return make_error(SLUICE_E_INVALID_ARGUMENT, knows ? *undefined->why : "a value is undefined");
}

}  // namespace sluice::jinja
