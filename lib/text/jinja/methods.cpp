// Which methods there are, and those of values that are no texts.
#include "text/jinja/methods.h"

#include <algorithm>

namespace sluice::jinja {
namespace {

template <std::size_t N>
bool is_among(std::string_view name, const std::string_view (&names)[N]) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

constexpr std::string_view kListMethods[] = {"index", "count", "copy"};
constexpr std::string_view kListChanges[] = {"append", "clear",  "extend",  "insert",
                                             "pop",    "remove", "reverse", "sort"};
constexpr std::string_view kTupleMethods[] = {"index", "count"};
constexpr std::string_view kDictMethods[] = {"get", "items", "keys", "values", "copy"};
constexpr std::string_view kDictChanges[] = {"clear", "pop", "popitem", "setdefault", "update"};
constexpr std::string_view kLoopMethods[] = {"cycle", "changed"};
constexpr std::string_view kCyclerMethods[] = {"next", "reset"};

Result<Value> call_dict(Runtime& runtime, const Value& self, std::string_view name,
                        const CallArguments& arguments) {
    const Dict& dict = *self.dict();
    if (name == "get") {
        if (!arguments.named.empty()) return wrong_value("dict.get takes no named arguments");
        SLUICE_ASSIGN(given, bind("dict.get", arguments, {"key", "default"}));
        SLUICE_ASSIGN(key, required("dict.get", given[0], "key"));
        if (!is_hashable(*key)) return wrong_value("a ", type_name(*key), " cannot be a key of a dict");
        const Value* found = dict.find(*key);
        if (found != nullptr) return *found;
        return given[1] != nullptr ? *given[1] : Value::none();
    }
    SLUICE_TRY(bind(name, arguments, {}));
    if (name == "copy") return self;
    std::vector<Value> items;
    for (const auto& [key, value] : dict.entries) {
        if (name == "items") {
            SLUICE_ASSIGN(pair, make_sequence(runtime.meter, Flavour::kTuple, {key, value}));
            items.push_back(std::move(pair));
        } else {
            items.push_back(name == "keys" ? key : value);
        }
    }
    const Flavour flavour = name == "items"  ? Flavour::kItems
                            : name == "keys" ? Flavour::kKeys
                                             : Flavour::kValues;
    return make_sequence(runtime.meter, flavour, std::move(items));
}

Result<Value> call_sequence(Runtime& runtime, const Value& self, std::string_view name,
                            const CallArguments& arguments) {
    const Sequence& sequence = *self.sequence();
    if (name == "copy") {
        SLUICE_TRY(bind(name, arguments, {}));
        return self;
    }
    SLUICE_ASSIGN(given, bind(name, arguments, {"value"}));
    SLUICE_ASSIGN(wanted, required(name, given[0], "value"));
    std::int64_t count = 0;
    for (std::size_t i = 0; i < sequence.items.size(); ++i) {
        SLUICE_ASSIGN(same, equals(runtime.meter, sequence.items[i], *wanted));
        if (same && name == "index") return Value::integer(static_cast<std::int64_t>(i));
        if (same) ++count;
    }
    if (name == "index") return wrong_value("the value is not in the list");
    return Value::integer(count);
}

Result<Value> call_loop(Runtime& runtime, const Value& self, std::string_view name,
                        const CallArguments& arguments) {
    const auto loop = self.as<LoopRef>()->lock();
    if (loop == nullptr) return wrong_value("the loop is over");
    if (!arguments.named.empty()) return wrong_value("loop.", name, " takes no named arguments");
    const std::vector<Value>& given = arguments.positional;
    if (name == "cycle") {
        if (given.empty()) return wrong_value("no items for cycling given");
        return given[loop->index % given.size()];
    }
    bool same = loop->has_changed && loop->changed.size() == given.size();
    for (std::size_t i = 0; same && i < given.size(); ++i) {
        SLUICE_ASSIGN(equal, equals(runtime.meter, loop->changed[i], given[i]));
        same = equal;
    }
    loop->changed = given;
    loop->has_changed = true;
    return Value::truth(!same);
}

Result<Value> call_cycler(const Value& self, std::string_view name, const CallArguments& arguments) {
    SLUICE_TRY(bind(name, arguments, {}));
    Cycler& cycler = **self.as<CyclerRef>();
    if (name == "reset") {
        cycler.position = 0;
        return Value::none();
    }
    Value now = cycler.items[cycler.position];
    cycler.position = (cycler.position + 1) % cycler.items.size();
    return now;
}

}  // namespace

bool has_method(const Value& value, std::string_view name) {
    if (value.text() != nullptr) return find_text_method(name) != nullptr;
    if (value.dict() != nullptr) return is_among(name, kDictMethods);
    if (value.as<LoopRef>() != nullptr) return is_among(name, kLoopMethods);
    if (value.as<CyclerRef>() != nullptr) return is_among(name, kCyclerMethods);
    const Sequence* sequence = value.sequence();
    if (sequence == nullptr) return false;
    if (sequence->flavour == Flavour::kList) return is_among(name, kListMethods);
    return (sequence->flavour == Flavour::kTuple || sequence->flavour == Flavour::kRange) &&
           is_among(name, kTupleMethods);
}

bool changes_its_object(const Value& value, std::string_view name) {
    if (value.dict() != nullptr) return is_among(name, kDictChanges);
    const Sequence* sequence = value.sequence();
    return sequence != nullptr && sequence->flavour == Flavour::kList && is_among(name, kListChanges);
}

Result<Value> call_method(Runtime& runtime, const Method& method, const CallArguments& arguments) {
    if (const std::string* text = method.self.text())
        return find_text_method(method.name)(runtime, *text, arguments);
    if (method.self.dict() != nullptr) return call_dict(runtime, method.self, method.name, arguments);
    if (method.self.sequence() != nullptr) return call_sequence(runtime, method.self, method.name, arguments);
    if (method.self.as<LoopRef>() != nullptr) return call_loop(runtime, method.self, method.name, arguments);
    return call_cycler(method.self, method.name, arguments);
}

}  // namespace sluice::jinja
